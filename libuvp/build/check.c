/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a configuration only this host can tell: memory, CPUs, pool, label, hardware; and its files. */
#include "build/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/cpu.h>

#include "core/error.h"
#include "core/host.h"
#include "cpu/cpumap.h"
#include "cpu/share.h"

static int check_hardware(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	bool hvm = c->type != UVPI_TYPE_PV;
	int r;

	b->hap = hvm && (c->has_hap ? c->hap : b->phys.cap_hap);
	if (hvm && !b->phys.cap_hvm) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this host has no hardware virtualisation for type=\"%s\"",
			      uvpi_type_name(c->type));
		uvpi_hint(err, "switch it on in the firmware's set-up (VT-x or AMD-V), or use type=\"pv\"");
		return r;
	}
	if (!hvm && !b->phys.cap_pv)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this Xen cannot run PV guests");
	if (hvm && b->hap && !b->phys.cap_hap)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "hap=1 needs hardware-assisted paging, which this host does not have");
	if (hvm && !b->hap && !b->phys.cap_shadow)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "this Xen has no shadow paging, so that hap=0 is not possible");
	if (c->vpmu && !b->phys.cap_vpmu) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "vpmu=1: performance counters for guests are off");
		uvpi_hint(err, "boot Xen with vpmu=on on its command line");
		return r;
	}
	if (c->vmtrace_buf_kib && !b->phys.cap_vmtrace)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "vmtrace_buf_kb: this CPU has no Processor Trace");
	if (c->max_grant_version == 2 && !b->phys.cap_gnttab_v2)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "max_grant_version=2: this Xen offers version 1 only");
	return 0;
}

static int check_cap(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;

	b->cap = c->sched.cap_mhz ? uvpi_cap_percent(c->sched.cap_mhz, b->phys.cpu_khz) : c->sched.cap;
	if (b->cap <= 100 * c->maxvcpus)
		return 0;
	uvpi_fail(err, UVP_E_INVALID, 0, "cap: %u MHz are %u %% of one of this host's CPUs of %u MHz, and the %u vCPUs of the domain cannot use more than %u MHz",
		  c->sched.cap_mhz, b->cap, b->phys.cpu_khz / 1000, c->maxvcpus, b->phys.cpu_khz / 1000 * c->maxvcpus);
	uvpi_hint(err, "0 is no limit");
	return -UVP_E_INVALID;
}

static int check_pool(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	bool shares = c->sched.weight || b->cap;
	struct uvp_pool pool;
	int r;

	if (!c->pool && !shares)
		return 0;
	r = uvp_pool_lookup(b->host, c->pool ? c->pool : "0", &pool, err);
	if (r < 0)
		return r;
	b->pool = pool.id;
	b->sched = (uint32_t)uvpi_sched_by_name(pool.scheduler);
	if (shares && b->sched != UVPI_SCHED_CREDIT && b->sched != UVPI_SCHED_CREDIT2)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "cpu_weight and cap: the scheduler '%s' of pool '%s' knows neither", pool.scheduler,
				 pool.name);
	return 0;
}

static int check_cpus(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	_cleanup_free_ uint32_t *node_of = NULL;
	struct uvpi_cpulist_host host;
	int r;

	if (!c->cpus.n && !c->cpus.text && !c->cpus_soft.n && !c->cpus_soft.text)
		return 0;
	r = uvpi_cpulist_host(b->host, &host, err);
	if (r < 0)
		return r;
	node_of = (uint32_t *)host.node_of;
	r = uvpi_affinity_on(&c->cpus, "cpus", &host, &b->hard, err);
	if (r < 0)
		return r;
	return uvpi_affinity_on(&c->cpus_soft, "cpus_soft", &host, &b->soft, err);
}

static int label_to_sid(struct uvpi_build *b, const char *key, const char *label, uint32_t *ret_sid,
			struct uvp_error *err)
{
	_cleanup_free_ char *copy = NULL;
	int r;

	if (!label)
		return 0;
	copy = strdup(label);
	if (!copy)
		return uvpi_no_memory(err);
	if (!xc_flask_context_to_sid(b->xc, copy, (uint32_t)strlen(copy), ret_sid))
		return 0;
	if (errno == ENOSYS || errno == EOPNOTSUPP) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, errno,
			      "%s='%s': this Xen has no security policy, so that a label would protect nothing", key,
			      label);
		uvpi_hint(err, "remove %s, or boot a Xen that was built with XSM and FLASK", key);
		return r;
	}
	return uvpi_fail(err, UVP_E_INVALID, errno, "%s='%s': the security policy that is loaded has no such label",
			 key, label);
}

static int check_labels(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int r = label_to_sid(b, "seclabel", c->seclabel, &b->ssidref, err);

	if (r < 0 || !c->init_seclabel)
		return r;
	b->ssidref_later = b->ssidref;
	return label_to_sid(b, "init_seclabel", c->init_seclabel, &b->ssidref, err);
}

/* Its devices, and the page tables by which they reach its memory. */
static int check_pci(struct uvpi_build *b, struct uvp_error *err)
{
	int n = uvpi_pcis_fill(b->config, &b->pcis, err);

	if (n < 0)
		return n;
	b->n_pcis = n;
	if (uvpi_passthrough_of(b->config) != UVPI_PASSTHROUGH_OFF && !n && !b->phys.cap_iommu)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "passthrough: Xen uses no IOMMU on this host");
	if (uvpi_passthrough_of(b->config) == UVPI_PASSTHROUGH_SHARE && (!b->hap || !b->phys.cap_iommu_hap_share))
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "passthrough=\"share_pt\": on this host, Xen's IOMMU and guests cannot have the same page tables; "
				 "\"enabled\" takes what there is");
	return 0;
}

static int check_memory(struct uvpi_build *b, struct uvp_error *err)
{
	if (uvpi_needed_kib(b->config, b->hap) > uvpi_build_free_kib(b) && !uvpi_build_make_room(b))
		return uvpi_build_fail_memory(b, err);
	return 0;
}

int uvpi_build_check_shell(struct uvpi_build *b, struct uvp_error *err)
{
	int r = uvpi_hyp_physinfo(b->host->hyp, &b->phys, err);

	if (r == 0)
		r = check_hardware(b, err);
	if (r == 0 && uvpi_needed_kib(b->config, b->hap) > uvpi_build_free_kib(b))
		r = uvpi_build_fail_memory(b, err);
	return r < 0 ? r : uvpi_build_place(b, err);
}

int uvpi_build_check(struct uvpi_build *b, struct uvp_error *err)
{
	int r = uvp_config_check_supported(b->config, err);

	if (r < 0)
		return r;
	r = uvpi_hyp_physinfo(b->host->hyp, &b->phys, err);
	if (r < 0)
		return r;
	r = check_hardware(b, err);
	if (r < 0)
		return r;
	r = check_cap(b, err);
	if (r < 0)
		return r;
	r = check_pool(b, err);
	if (r < 0)
		return r;
	r = check_cpus(b, err);
	if (r < 0)
		return r;
	r = check_labels(b, err);
	if (r == 0)
		r = check_pci(b, err);
	if (r < 0)
		return r;
	if (!b->saved)
		r = uvpi_build_cpu(b, err);
	if (r < 0)
		return r;
	if (b->config->type == UVPI_TYPE_HVM) {
		const char *key;

		r = uvpi_hvm_fill(b->config, &b->hvm, &key, err);
		if (r < 0)
			return r;
	}
	/* The files before the memory: a wrong kernel stays wrong when memory is found. */
	if (b->saved)
		r = b->config->type == UVPI_TYPE_HVM ? uvpi_build_firmware_again(b, err) : 0;
	else
		r = b->config->type == UVPI_TYPE_HVM ? uvpi_build_firmware(b, err) : uvpi_build_image(b, err);
	if (r < 0)
		return r;
	r = uvpi_build_check_pvdevs(b, err);
	if (r == 0)
		r = uvpi_build_find_shell(b, err);
	if (r < 0)
		return r;
	/* A shell has its place, and one of a PVH guest its memory. */
	if (b->shell.lock < 0 || b->config->type == UVPI_TYPE_PV)
		r = check_memory(b, err);
	return r < 0 || b->shell.lock >= 0 ? r : uvpi_build_place(b, err);
}
