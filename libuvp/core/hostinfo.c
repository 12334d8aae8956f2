/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host is: CPUs, memory, the hypervisor, its log. */
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"

#define KIB_PER_PAGE 4

static void describe_caps(const struct uvpi_physinfo *p, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s%s%s%s%s%s%s%s%s%s", p->cap_pv ? " pv" : "", p->cap_hvm ? " hvm" : "",
		 p->cap_hvm && p->cap_iommu ? " hvm_directio" : "",
		 p->cap_pv && p->cap_iommu ? " pv_directio" : "", p->cap_hap ? " hap" : "",
		 p->cap_shadow ? " shadow" : "", p->cap_iommu_hap_share ? " iommu_hap_pt_share" : "",
		 p->cap_vmtrace ? " vmtrace" : "", p->cap_vpmu ? " vpmu" : "",
		 p->cap_gnttab_v1 ? " gnttab-v1" : "", p->cap_gnttab_v2 ? " gnttab-v2" : "");
	if (buf[0] == ' ')
		memmove(buf, buf + 1, strlen(buf));
}

static int read_figures(struct uvp_host *host, struct uvp_host_info *info, struct uvp_error *err)
{
	struct uvpi_physinfo p;
	uint64_t freed, used;
	int r = uvpi_hyp_physinfo(host->hyp, &p, err);

	if (r)
		return r;
	info->cpus = p.cpus;
	info->max_cpu_id = p.max_cpu_id;
	info->nodes = p.nodes;
	info->threads_per_core = p.threads_per_core;
	info->cores_per_socket = p.cores_per_socket;
	info->cpu_khz = p.cpu_khz;
	memcpy(info->hw_caps, p.hw_cap, sizeof(info->hw_caps));
	describe_caps(&p, info->virt_caps, sizeof(info->virt_caps));
	info->total_memory = p.total_pages * KIB_PER_PAGE;
	info->claimed_memory = p.outstanding_pages * KIB_PER_PAGE;
	if (p.free_pages > p.outstanding_pages)
		info->free_memory = (p.free_pages - p.outstanding_pages) * KIB_PER_PAGE;
	uvpi_hyp_sharing(host->hyp, &freed, &used);
	info->shared_memory = freed * KIB_PER_PAGE;
	info->shared_frames_memory = used * KIB_PER_PAGE;
	return 0;
}

static int read_pools(struct uvp_host *host, struct uvp_host_info *info, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *map = NULL;
	struct uvpi_poolinfo *pools;
	size_t i, bits = uvpi_hyp_cpumap_bytes(host->hyp) * 8;
	int n = uvpi_hyp_pools(host->hyp, &pools, err);
	int r;

	if (n < 0)
		return n;
	snprintf(info->scheduler, sizeof(info->scheduler), "%s",
		 n && uvpi_sched_name(pools[0].sched) ? uvpi_sched_name(pools[0].sched) : "unknown");
	uvpi_pools_free(pools, n);
	r = uvpi_hyp_pool_free_cpus(host->hyp, &map, err);
	if (r)
		return r;
	for (i = 0; i < bits; i++)
		info->free_cpus += (map[i / 8] >> (i % 8)) & 1;
	return 0;
}

static int read_version(struct uvp_host *host, struct uvp_host_info *info, struct uvp_error *err)
{
	struct uvpi_xenversion v;
	int r = uvpi_hyp_version(host->hyp, &v, err);

	if (r)
		return r;
	info->xen_major = v.major;
	info->xen_minor = v.minor;
	info->page_size = v.page_size;
	info->virt_start = v.virt_start;
	memcpy(info->xen_extra, v.extra, sizeof(info->xen_extra));
	memcpy(info->compiler, v.compiler, sizeof(info->compiler));
	memcpy(info->compile_by, v.compile_by, sizeof(info->compile_by));
	memcpy(info->compile_domain, v.compile_domain, sizeof(info->compile_domain));
	memcpy(info->compile_date, v.compile_date, sizeof(info->compile_date));
	memcpy(info->capabilities, v.capabilities, sizeof(info->capabilities));
	memcpy(info->changeset, v.changeset, sizeof(info->changeset));
	memcpy(info->commandline, v.commandline, sizeof(info->commandline));
	memcpy(info->build_id, v.build_id, sizeof(info->build_id));
	return 0;
}

int uvp_host_get_info(struct uvp_host *host, struct uvp_host_info *ret_info, struct uvp_error *err)
{
	struct uvp_host_info info;
	int r;

	memset(&info, 0, sizeof(info));
	r = read_figures(host, &info, err);
	if (!r)
		r = read_pools(host, &info, err);
	if (!r)
		r = read_version(host, &info, err);
	if (!r)
		*ret_info = info;
	return r;
}

int uvp_host_cpu_list(struct uvp_host *host, struct uvp_host_cpu **ret_cpus, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_cputopo *topo = NULL;
	_cleanup_free_ uint64_t *idle = NULL;
	struct uvp_host_cpu *cpus;
	int n, n_idle, i;

	n = uvpi_hyp_cputopo(host->hyp, &topo, err);
	if (n < 0)
		return n;
	n_idle = uvpi_hyp_cpu_idle(host->hyp, &idle, err);
	if (n_idle < 0)
		return n_idle;
	cpus = calloc((size_t)n + 1, sizeof(*cpus));
	if (!cpus)
		return uvpi_no_memory(err);
	for (i = 0; i < n; i++) {
		cpus[i].cpu = (uint32_t)i;
		cpus[i].core = topo[i].core;
		cpus[i].socket = topo[i].socket;
		cpus[i].node = topo[i].node;
		cpus[i].online = topo[i].online;
		cpus[i].idle_ns = i < n_idle ? idle[i] : 0;
	}
	*ret_cpus = cpus;
	return n;
}

int uvp_host_node_list(struct uvp_host *host, struct uvp_host_node **ret_nodes, struct uvp_error *err)
{
	struct uvpi_numanode *raw = NULL;
	struct uvp_host_node *nodes;
	int n = uvpi_hyp_numa(host->hyp, &raw, err), i;

	if (n < 0)
		return n;
	nodes = calloc((size_t)n + 1, sizeof(*nodes));
	if (!nodes) {
		uvpi_numa_free(raw, n);
		return uvpi_no_memory(err);
	}
	for (i = 0; i < n; i++) {
		nodes[i].node = (uint32_t)i;
		nodes[i].total_memory = raw[i].size_bytes / 1024;
		nodes[i].free_memory = raw[i].free_bytes / 1024;
		nodes[i].n_distances = (uint32_t)n;
		nodes[i].distances = uvpi_steal(&raw[i].distances);
	}
	uvpi_numa_free(raw, n);
	*ret_nodes = nodes;
	return n;
}

void uvp_host_node_list_free(struct uvp_host_node *nodes, int n)
{
	int i;

	for (i = 0; nodes && i < n; i++)
		free(nodes[i].distances);
	free(nodes);
}

int uvp_host_read_log(struct uvp_host *host, char *buf, size_t len, bool clear, uint32_t *position,
		      struct uvp_error *err)
{
	return uvpi_hyp_console_read(host->hyp, buf, len, clear, true, position, err);
}

int uvp_host_send_keys(struct uvp_host *host, const char *keys, struct uvp_error *err)
{
	const char *p;

	if (!*keys)
		return uvpi_fail(err, UVP_E_INVALID, 0, "there is no debug key to send");
	for (p = keys; *p; p++)
		if (*p < ' ' || *p > '~')
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "debug keys are printable ASCII characters, and 0x%02x is none",
					 (unsigned char)*p);
	return uvpi_hyp_debug_keys(host->hyp, keys, err);
}
