/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making an empty domain, and what Xen must know of it before and after its memory is filled. */
#include "build/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/host.h"
#include "core/step.h"

/* What a guest may take beyond its memory= : the builder's special pages and tables, a little ballooning up. */
#define SLACK_KIB 1024
#define OVMF_KIB 4096
#define ROM_KIB 256 /* of an emulated network interface, which QEMU puts into memory of the guest's */

static uint32_t grant_version(const struct uvpi_build *b)
{
	if (b->config->max_grant_version >= 0)
		return (uint32_t)b->config->max_grant_version;
	return b->phys.cap_gnttab_v2 ? 2 : 1;
}

/* Limits that are "what the hypervisor has" when not given. */
static int32_t limit(int64_t value)
{
	return value < 0 || value > INT32_MAX ? -1 : (int32_t)value;
}

int uvpi_build_domain(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	struct xen_domctl_createdomain create = {
		.ssidref = b->ssidref,
		.max_vcpus = c->maxvcpus,
		.max_evtchn_port = c->max_event_channels,
		.max_grant_frames = limit(c->max_grant_frames),
		.max_maptrack_frames = limit(c->max_maptrack_frames),
		.grant_opts = XEN_DOMCTL_GRANT_version(grant_version(b)),
		.vmtrace_size = c->vmtrace_buf_kib * 1024,
		.cpupool_id = b->pool,
	};

	memcpy(create.handle, b->uuid, sizeof(create.handle));
	if (c->type != UVPI_TYPE_PV) {
		create.flags = XEN_DOMCTL_CDF_hvm | (b->hap ? XEN_DOMCTL_CDF_hap : 0);
		create.arch.emulation_flags = c->type == UVPI_TYPE_HVM ? XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI :
									 XEN_X86_EMU_LAPIC;
	}
	if (c->vpmu)
		create.flags |= XEN_DOMCTL_CDF_vpmu;
	if (c->msr_relaxed)
		create.arch.misc_flags = XEN_X86_MSR_RELAXED;
	if (uvpi_passthrough_of(c) != UVPI_PASSTHROUGH_OFF) {
		create.flags |= XEN_DOMCTL_CDF_iommu;
		if (uvpi_passthrough_of(c) == UVPI_PASSTHROUGH_SYNC || !b->phys.cap_iommu_hap_share)
			create.iommu_opts |= XEN_DOMCTL_IOMMU_no_sharept;
	}
	UVPI_STEP("create domain");
	b->domid = 0; /* Xen chooses, the next free one in turn: an id comes back only after all others */
	if (xc_domain_create(b->xc, &b->domid, &create)) {
		if (errno == ENOMEM)
			return uvpi_build_fail_memory(b, err);
		if (errno == EINVAL)
			return uvpi_fail(err, UVP_E_HYPERVISOR, EINVAL,
					 "Xen refuses to make a domain with these settings (vCPUs %u, event channels "
					 "%u, grant version %u): 'xlx dmesg' may tell which",
					 c->maxvcpus, c->max_event_channels, grant_version(b));
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "make a domain");
	}
	b->created = true;
	return 0;
}

static int set_affinity(struct uvpi_build *b, struct uvp_error *err)
{
	size_t bytes = uvpi_hyp_cpumap_bytes(b->host->hyp);
	uint8_t hard[sizeof(struct uvpi_cpumap)], soft[sizeof(struct uvpi_cpumap)];

	if (bytes > sizeof(hard))
		bytes = sizeof(hard);
	for (uint32_t i = 0; i < b->config->maxvcpus; i++) {
		int h = b->hard.n == 1 ? 0 : (int)i, s = b->soft.n == 1 ? 0 : (int)i;
		int r;

		if (h >= b->hard.n && s >= b->soft.n)
			break;
		if (h < b->hard.n)
			memcpy(hard, b->hard.maps[h].bits, bytes);
		if (s < b->soft.n)
			memcpy(soft, b->soft.maps[s].bits, bytes);
		r = uvpi_hyp_set_affinity(b->host->hyp, b->domid, i, h < b->hard.n ? hard : NULL,
					  s < b->soft.n ? soft : NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int alloc_ports(struct uvpi_build *b, struct uvp_error *err)
{
	/* xenstored and xenconsoled of domain 0: a xenstored elsewhere has no socket here, and is not supported. */
	b->store_port = xc_evtchn_alloc_unbound(b->xc, b->domid, 0);
	if (b->store_port < 0)
		return uvpi_build_fail(b, err, "making the xenstore event channel");
	b->console_port = xc_evtchn_alloc_unbound(b->xc, b->domid, 0);
	if (b->console_port < 0)
		return uvpi_build_fail(b, err, "making the console event channel");
	return 0;
}

static int set_hvm_params(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	uint64_t kib = c->shadow_memory_kib ? c->shadow_memory_kib :
					      uvpi_paging_kib(c->maxvcpus, c->maxmem_kib, b->hap);

	if (xc_hvm_param_set(b->xc, b->domid, HVM_PARAM_TIMER_MODE, c->timer_mode))
		return uvpi_build_fail(b, err, "setting timer_mode");
	if (xc_set_paging_mempool_size(b->xc, b->domid, kib * 1024))
		return uvpi_build_fail(b, err, "setting aside memory for page tables");
	return c->type == UVPI_TYPE_HVM ? uvpi_build_hvm_params(b, err) : 0;
}

/* Xen's default; what is asked for comes on top. */
static int set_cpuid(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	/* An invariant TSC is a promise that holds only where the guest stays, or where Xen makes the TSC. */
	bool itsc = c->nomigrate || c->tsc_mode == 1;
	int r = xc_cpuid_apply_policy(b->xc, b->domid, false, NULL, 0, c->type != UVPI_TYPE_HVM || b->hvm.pae, itsc, false,
				      NULL, NULL);

	if (!r)
		return 0;
	errno = -r;
	return uvpi_build_fail(b, err, "setting the CPU's features");
}

/* What the guest's clock is ahead of UTC. */
static int set_time_offset(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int64_t offset = c->rtc_timeoffset;

	if (c->localtime) {
		time_t now = time(NULL);
		struct tm local;

		tzset();
		if (localtime_r(&now, &local))
			offset += local.tm_gmtoff;
	}
	if (offset < INT32_MIN || offset > INT32_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "rtc_timeoffset and localtime together are out of range");
	if (offset && xc_domain_set_time_offset(b->xc, b->domid, (int32_t)offset))
		return uvpi_build_fail(b, err, "setting the clock");
	return 0;
}

/* UEFI runs from memory of its own below 4 GiB. Were that taken from the guest's, as hvmloader does in need, then firmware
 * that asks QEMU for the end of the memory would find none there. */
static uint64_t more_for_hvm(const struct uvpi_build *b)
{
	uint64_t kib = b->hvm.ovmf ? OVMF_KIB : 0;

	for (int i = 0; i < b->config->n_vifs && b->config->type == UVPI_TYPE_HVM; i++)
		kib += b->config->vifs[i].pv_only ? 0 : ROM_KIB;
	return kib;
}

int uvpi_build_limits(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int r;

	if (b->from_shell)
		return 0;
	if (xc_domain_max_vcpus(b->xc, b->domid, c->maxvcpus))
		return uvpi_build_fail(b, err, "making the vCPUs");
	UVPI_STEP("vcpus");
	r = set_affinity(b, err);
	/* Before anything is taken from the host for it. */
	if (r == 0 && b->nodes)
		r = uvpi_hyp_set_node_mask(b->host->hyp, b->domid, b->nodes, err);
	if (r < 0)
		return r;
	if (xc_domain_setmaxmem(b->xc, b->domid, c->memory_kib + SLACK_KIB + more_for_hvm(b)))
		return uvpi_build_fail(b, err, "setting the memory limit");
	if (c->type == UVPI_TYPE_PV) {
		if (xc_domain_set_memmap_limit(b->xc, b->domid, c->maxmem_kib + SLACK_KIB))
			return uvpi_build_fail(b, err, "setting the limit of the memory map");
	} else {
		r = set_hvm_params(b, err);
		if (r < 0)
			return r;
	}
	if (c->tsc_mode && xc_domain_set_tsc_info(b->xc, b->domid, c->tsc_mode, 0, 0, 0))
		return uvpi_build_fail(b, err, "setting tsc_mode");
	UVPI_STEP("limits");
	if (b->saved)
		return 0; /* the features that it had come with its memory */
	return set_cpuid(b, err);
}

int uvpi_build_params(struct uvpi_build *b, struct uvp_error *err)
{
	int r = alloc_ports(b, err);

	if (r == 0)
		r = set_time_offset(b, err);
	return r < 0 || b->saved || !b->cpu ? r : uvpi_build_cpu_apply(b, err);
}

static int set_sched(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_sched_dom params = { b->config->sched.weight, b->cap };
	int r;

	if (!params.weight && !params.cap)
		return 0;
	if (!params.weight) {
		r = uvpi_hyp_sched_get(b->host->hyp, b->domid, b->sched, &params, err);
		if (r < 0)
			return r;
		params.cap = b->cap;
	}
	return uvpi_hyp_sched_set(b->host->hyp, b->domid, b->sched, &params, err);
}

int uvpi_build_late_params(struct uvpi_build *b, struct uvp_error *err)
{
	int r = set_sched(b, err);

	if (r < 0)
		return r;
	if (b->ssidref_later && xc_flask_relabel_domain(b->xc, b->domid, b->ssidref_later))
		return uvpi_build_fail(b, err, "changing the label from init_seclabel to seclabel");
	return 0;
}
