/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hypercalls about the host itself: figures, topology, the console ring, debug keys. */
#include "core/hyp.h"

#include <stdio.h>
#include <string.h>

#include <xenctrl.h>

#include "core/error.h"

int uvpi_hyp_physinfo(struct uvpi_hyp *hyp, struct uvpi_physinfo *ret_info, struct uvp_error *err)
{
	xc_physinfo_t raw;

	memset(&raw, 0, sizeof(raw));
	if (xc_physinfo(uvpi_hyp_xc(hyp), &raw))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the host's figures");
	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->cpus = raw.nr_cpus;
	ret_info->max_cpu_id = raw.max_cpu_id;
	ret_info->nodes = raw.nr_nodes;
	ret_info->threads_per_core = raw.threads_per_core;
	ret_info->cores_per_socket = raw.cores_per_socket;
	ret_info->cpu_khz = raw.cpu_khz;
	ret_info->total_pages = raw.total_pages;
	ret_info->free_pages = raw.free_pages;
	ret_info->scrub_pages = raw.scrub_pages;
	ret_info->outstanding_pages = raw.outstanding_pages;
	memcpy(ret_info->hw_cap, raw.hw_cap, sizeof(ret_info->hw_cap));
	ret_info->cap_hvm = raw.capabilities & XEN_SYSCTL_PHYSCAP_hvm;
	ret_info->cap_pv = raw.capabilities & XEN_SYSCTL_PHYSCAP_pv;
	ret_info->cap_hap = raw.capabilities & XEN_SYSCTL_PHYSCAP_hap;
	ret_info->cap_shadow = raw.capabilities & XEN_SYSCTL_PHYSCAP_shadow;
	ret_info->cap_iommu = raw.capabilities & XEN_SYSCTL_PHYSCAP_directio;
	ret_info->cap_iommu_hap_share = raw.capabilities & XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share;
	ret_info->cap_vmtrace = raw.capabilities & XEN_SYSCTL_PHYSCAP_vmtrace;
	ret_info->cap_vpmu = raw.capabilities & XEN_SYSCTL_PHYSCAP_vpmu;
	ret_info->cap_gnttab_v1 = raw.capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1;
	ret_info->cap_gnttab_v2 = raw.capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2;
	return 0;
}

void uvpi_hyp_sharing(struct uvpi_hyp *hyp, uint64_t *ret_freed_pages, uint64_t *ret_used_frames)
{
	long freed = xc_sharing_freed_pages(uvpi_hyp_xc(hyp));
	long used = xc_sharing_used_frames(uvpi_hyp_xc(hyp));

	*ret_freed_pages = freed > 0 ? (uint64_t)freed : 0;
	*ret_used_frames = used > 0 ? (uint64_t)used : 0;
}

/* Xen need not terminate what it fills in. */
static void copy_text(char *to, size_t size, const char *from, size_t from_size)
{
	size_t len = strnlen(from, from_size);

	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void read_build_id(xc_interface *xc, char *text, size_t size)
{
	union {
		xen_build_id_t id;
		char space[sizeof(xen_build_id_t) + 64];
	} u;
	int len, i;

	memset(&u, 0, sizeof(u));
	u.id.len = 31;
	len = xc_version(xc, XENVER_build_id, &u.id);
	text[0] = '\0';
	for (i = 0; i < len && (size_t)i * 2 + 2 < size; i++)
		snprintf(text + i * 2, size - (size_t)i * 2, "%02x", u.id.buf[i]);
}

int uvpi_hyp_version(struct uvpi_hyp *hyp, struct uvpi_xenversion *ret_version, struct uvp_error *err)
{
	xc_interface *xc = uvpi_hyp_xc(hyp);
	union {
		xen_extraversion_t extra;
		xen_compile_info_t compile;
		xen_capabilities_info_t capabilities;
		xen_changeset_info_t changeset;
		xen_platform_parameters_t parameters;
		xen_commandline_t commandline;
	} u;
	struct uvpi_xenversion *v = ret_version;
	int r;

	r = xc_version(xc, XENVER_version, NULL);
	if (r < 0)
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read Xen's version");
	memset(v, 0, sizeof(*v));
	v->major = (uint32_t)r >> 16;
	v->minor = (uint32_t)r & 0xffff;
	if (!xc_version(xc, XENVER_extraversion, &u.extra))
		copy_text(v->extra, sizeof(v->extra), u.extra, sizeof(u.extra));
	if (!xc_version(xc, XENVER_compile_info, &u.compile)) {
		copy_text(v->compiler, sizeof(v->compiler), u.compile.compiler,
			  sizeof(u.compile.compiler));
		copy_text(v->compile_by, sizeof(v->compile_by), u.compile.compile_by,
			  sizeof(u.compile.compile_by));
		copy_text(v->compile_domain, sizeof(v->compile_domain), u.compile.compile_domain,
			  sizeof(u.compile.compile_domain));
		copy_text(v->compile_date, sizeof(v->compile_date), u.compile.compile_date,
			  sizeof(u.compile.compile_date));
	}
	if (!xc_version(xc, XENVER_capabilities, &u.capabilities))
		copy_text(v->capabilities, sizeof(v->capabilities), u.capabilities,
			  sizeof(u.capabilities));
	if (!xc_version(xc, XENVER_changeset, &u.changeset))
		copy_text(v->changeset, sizeof(v->changeset), u.changeset, sizeof(u.changeset));
	if (!xc_version(xc, XENVER_platform_parameters, &u.parameters))
		v->virt_start = u.parameters.virt_start;
	if (!xc_version(xc, XENVER_commandline, &u.commandline))
		copy_text(v->commandline, sizeof(v->commandline), u.commandline,
			  sizeof(u.commandline));
	r = xc_version(xc, XENVER_pagesize, NULL);
	v->page_size = r > 0 ? (uint32_t)r : 4096;
	read_build_id(xc, v->build_id, sizeof(v->build_id));
	return 0;
}

void uvpi_numa_free(struct uvpi_numanode *nodes, int n)
{
	int i;

	for (i = 0; nodes && i < n; i++)
		free(nodes[i].distances);
	free(nodes);
}

int uvpi_hyp_numa(struct uvpi_hyp *hyp, struct uvpi_numanode **ret_nodes, struct uvp_error *err)
{
	_cleanup_free_ xc_meminfo_t *mem = NULL;
	_cleanup_free_ uint32_t *distances = NULL;
	struct uvpi_numanode *nodes;
	unsigned int n = 0, i, j;

	if (xc_numainfo(uvpi_hyp_xc(hyp), &n, NULL, NULL))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the memory nodes");
	mem = calloc(n + 1, sizeof(*mem));
	distances = calloc((size_t)n * n + 1, sizeof(*distances));
	nodes = calloc(n + 1, sizeof(*nodes));
	if (!mem || !distances || !nodes) {
		free(nodes);
		return uvpi_no_memory(err);
	}
	if (xc_numainfo(uvpi_hyp_xc(hyp), &n, mem, distances)) {
		free(nodes);
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the memory nodes");
	}
	for (i = 0; i < n; i++) {
		bool there = mem[i].memsize != XEN_INVALID_MEM_SZ;

		nodes[i].size_bytes = there ? mem[i].memsize : 0;
		nodes[i].free_bytes = there ? mem[i].memfree : 0;
		nodes[i].distances = calloc(n, sizeof(uint32_t));
		if (!nodes[i].distances) {
			uvpi_numa_free(nodes, (int)n);
			return uvpi_no_memory(err);
		}
		for (j = 0; j < n; j++)
			nodes[i].distances[j] = distances[i * n + j];
	}
	*ret_nodes = nodes;
	return (int)n;
}

static void mark_online(struct uvpi_cputopo *topo, unsigned int n, const uint8_t *map)
{
	for (unsigned int i = 0; i < n; i++)
		topo[i].online |= (map[i / 8] >> i % 8 & 1) != 0;
}

#define POOL_READS 3

/* Every CPU that is online is in a pool or free for one, and none that is not. */
static int online_by_pools(struct uvpi_hyp *hyp, struct uvpi_cputopo *topo, unsigned int n, unsigned int *ret_online, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *free_cpus = NULL;
	struct uvpi_poolinfo *pools;
	size_t bytes = uvpi_hyp_cpumap_bytes(hyp);
	int n_pools, r = uvpi_hyp_pool_free_cpus(hyp, &free_cpus, err);

	if (r < 0)
		return r;
	n_pools = uvpi_hyp_pools(hyp, &pools, err);
	if (n_pools < 0)
		return n_pools;
	for (unsigned int i = 0; i < n; i++)
		topo[i].online = false;
	n = n < bytes * 8 ? n : (unsigned int)bytes * 8;
	mark_online(topo, n, free_cpus);
	for (int i = 0; i < n_pools; i++)
		mark_online(topo, n, pools[i].cpus);
	uvpi_pools_free(pools, n_pools);
	*ret_online = 0;
	for (unsigned int i = 0; i < n; i++)
		*ret_online += topo[i].online;
	return 0;
}

int uvpi_hyp_cputopo(struct uvpi_hyp *hyp, struct uvpi_cputopo **ret_topo, struct uvp_error *err)
{
	_cleanup_free_ xc_cputopo_t *raw = NULL;
	_cleanup_free_ struct uvpi_cputopo *topo = NULL;
	struct uvpi_physinfo physinfo;
	unsigned int n = 0, online = 0, i;
	int r;

	if (xc_cputopoinfo(uvpi_hyp_xc(hyp), &n, NULL))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the CPU topology");
	raw = calloc(n + 1, sizeof(*raw));
	if (!raw)
		return uvpi_no_memory(err);
	if (xc_cputopoinfo(uvpi_hyp_xc(hyp), &n, raw))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the CPU topology");
	topo = calloc(n + 1, sizeof(*topo));
	if (!topo)
		return uvpi_no_memory(err);
	for (i = 0; i < n; i++) {
		/* A CPU with one core may have no number for it, nor for its socket: Xen says all three of what is not there. */
		topo[i].online = raw[i].core != XEN_INVALID_CORE_ID || raw[i].socket != XEN_INVALID_SOCKET_ID ||
				 raw[i].node != XEN_INVALID_NODE_ID;
		topo[i].core = raw[i].core;
		topo[i].socket = raw[i].socket;
		topo[i].node = raw[i].node;
		online += topo[i].online;
	}
	/* Processors with a single core have no numbers for it, as those that are not there; one that was taken offline keeps its own. */
	r = uvpi_hyp_physinfo(hyp, &physinfo, err);
	/* One that is on its way from pool to pool is in none when they are read. */
	for (int tries = 0; r == 0 && online != physinfo.cpus && tries < POOL_READS; tries++)
		r = online_by_pools(hyp, topo, n, &online, err);
	if (r < 0)
		return r;
	*ret_topo = uvpi_steal(&topo);
	return (int)n;
}

int uvpi_hyp_cpu_idle(struct uvpi_hyp *hyp, uint64_t **ret_idle_ns, struct uvp_error *err)
{
	_cleanup_free_ xc_cpuinfo_t *raw = NULL;
	int max = xc_get_max_cpus(uvpi_hyp_xc(hyp)), n = 0, i;
	uint64_t *idle;

	if (max <= 0)
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the CPUs' idle time");
	raw = calloc((size_t)max, sizeof(*raw));
	if (!raw)
		return uvpi_no_memory(err);
	if (xc_getcpuinfo(uvpi_hyp_xc(hyp), max, raw, &n))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the CPUs' idle time");
	idle = calloc((size_t)max, sizeof(*idle));
	if (!idle)
		return uvpi_no_memory(err);
	if (n > max)
		n = max;
	for (i = 0; i < n; i++)
		idle[i] = raw[i].idletime;
	*ret_idle_ns = idle;
	return n;
}

int uvpi_hyp_console_read(struct uvpi_hyp *hyp, char *buf, size_t len, bool clear, bool incremental,
			  uint32_t *index, struct uvp_error *err)
{
	unsigned int n = len > INT32_MAX ? INT32_MAX : (unsigned int)len;

	if (xc_readconsolering(uvpi_hyp_xc(hyp), buf, &n, clear, incremental, index))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the hypervisor's log");
	return (int)n;
}

int uvpi_hyp_debug_keys(struct uvpi_hyp *hyp, const char *keys, struct uvp_error *err)
{
	if (xc_send_debug_keys(uvpi_hyp_xc(hyp), keys))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "send debug keys");
	return 0;
}
