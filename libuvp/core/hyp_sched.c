/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hypercalls about schedulers and pools of physical CPUs. */
#include "core/hyp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xenctrl.h>

#include "core/error.h"

static const struct {
	enum uvpi_sched sched;
	const char *name;
} schedulers[] = {
	{ UVPI_SCHED_CREDIT, "credit" },     { UVPI_SCHED_CREDIT2, "credit2" },
	{ UVPI_SCHED_ARINC653, "arinc653" }, { UVPI_SCHED_RTDS, "rtds" },
	{ UVPI_SCHED_NULL, "null" },
};

const char *uvpi_sched_name(uint32_t sched)
{
	size_t i;

	for (i = 0; i < UVPI_ARRAY_SIZE(schedulers); i++)
		if (schedulers[i].sched == sched)
			return schedulers[i].name;
	return NULL;
}

int uvpi_sched_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < UVPI_ARRAY_SIZE(schedulers); i++)
		if (!strcmp(schedulers[i].name, name))
			return (int)schedulers[i].sched;
	return -1;
}

static int no_weights(uint32_t sched, struct uvp_error *err)
{
	const char *name = uvpi_sched_name(sched);

	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			 "the scheduler '%s' knows no weights and caps: only credit and credit2 do",
			 name ? name : "unknown");
}

int uvpi_hyp_sched_get(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sched,
		       struct uvpi_sched_dom *ret_params, struct uvp_error *err)
{
	struct xen_domctl_sched_credit credit;
	struct xen_domctl_sched_credit2 credit2;

	switch (sched) {
	case UVPI_SCHED_CREDIT:
		if (xc_sched_credit_domain_get(uvpi_hyp_xc(hyp), domid, &credit))
			break;
		ret_params->weight = credit.weight;
		ret_params->cap = credit.cap;
		return 0;
	case UVPI_SCHED_CREDIT2:
		if (xc_sched_credit2_domain_get(uvpi_hyp_xc(hyp), domid, &credit2))
			break;
		ret_params->weight = credit2.weight;
		ret_params->cap = credit2.cap;
		return 0;
	default:
		return no_weights(sched, err);
	}
	return uvpi_hyp_fail(err, domid, "read the weight and cap of");
}

int uvpi_hyp_sched_set(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sched,
		       const struct uvpi_sched_dom *params, struct uvp_error *err)
{
	struct xen_domctl_sched_credit credit;
	struct xen_domctl_sched_credit2 credit2;
	int r;

	/* Xen has 16 bits for each, and takes a weight of 0 and a cap of 65535 for "as it was". */
	if (params->weight < 1 || params->weight > 65535)
		return uvpi_fail(err, UVP_E_INVALID, 0, "weight %u is not within 1 to 65535",
				 params->weight);
	if (params->cap > 65534)
		return uvpi_fail(err, UVP_E_INVALID, 0, "cap %u is not within 0 to 65534", params->cap);
	switch (sched) {
	case UVPI_SCHED_CREDIT:
		credit.weight = (uint16_t)params->weight;
		credit.cap = (uint16_t)params->cap;
		r = xc_sched_credit_domain_set(uvpi_hyp_xc(hyp), domid, &credit);
		break;
	case UVPI_SCHED_CREDIT2:
		credit2.weight = (uint16_t)params->weight;
		credit2.cap = (uint16_t)params->cap;
		r = xc_sched_credit2_domain_set(uvpi_hyp_xc(hyp), domid, &credit2);
		break;
	default:
		return no_weights(sched, err);
	}
	return r ? uvpi_hyp_fail(err, domid, "set the weight and cap of") : 0;
}

int uvpi_hyp_sched_pool_get(struct uvpi_hyp *hyp, uint32_t pool, uint32_t sched,
			    struct uvpi_sched_pool *ret_params, struct uvp_error *err)
{
	struct xen_sysctl_credit_schedule credit;
	struct xen_sysctl_credit2_schedule credit2;
	int r;

	memset(ret_params, 0, sizeof(*ret_params));
	switch (sched) {
	case UVPI_SCHED_CREDIT:
		r = xc_sched_credit_params_get(uvpi_hyp_xc(hyp), pool, &credit);
		if (r)
			break;
		ret_params->tslice_ms = credit.tslice_ms;
		ret_params->ratelimit_us = credit.ratelimit_us;
		ret_params->migr_delay_us = credit.vcpu_migr_delay_us;
		return 0;
	case UVPI_SCHED_CREDIT2:
		r = xc_sched_credit2_params_get(uvpi_hyp_xc(hyp), pool, &credit2);
		if (r)
			break;
		ret_params->ratelimit_us = credit2.ratelimit_us;
		return 0;
	default:
		return no_weights(sched, err);
	}
	return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the scheduler's settings of the pool");
}

int uvpi_hyp_sched_pool_set(struct uvpi_hyp *hyp, uint32_t pool, uint32_t sched,
			    const struct uvpi_sched_pool *params, struct uvp_error *err)
{
	struct xen_sysctl_credit_schedule credit = {
		.tslice_ms = params->tslice_ms,
		.ratelimit_us = params->ratelimit_us,
		.vcpu_migr_delay_us = params->migr_delay_us,
	};
	struct xen_sysctl_credit2_schedule credit2 = { .ratelimit_us = params->ratelimit_us };
	int r;

	switch (sched) {
	case UVPI_SCHED_CREDIT:
		r = xc_sched_credit_params_set(uvpi_hyp_xc(hyp), pool, &credit);
		break;
	case UVPI_SCHED_CREDIT2:
		r = xc_sched_credit2_params_set(uvpi_hyp_xc(hyp), pool, &credit2);
		break;
	default:
		return no_weights(sched, err);
	}
	return r ? uvpi_hyp_fail(err, UVPI_HYP_HOST, "change the scheduler's settings of the pool") : 0;
}

/* ---- pools ---- */

void uvpi_pools_free(struct uvpi_poolinfo *pools, int n)
{
	int i;

	for (i = 0; pools && i < n; i++)
		free(pools[i].cpus);
	free(pools);
}

/* Append one pool to the array; takes nothing over from raw. */
static int add_pool(struct uvpi_poolinfo **pools, int n, const xc_cpupoolinfo_t *raw, size_t map_bytes)
{
	struct uvpi_poolinfo *more = reallocarray(*pools, (size_t)n + 1, sizeof(*more));

	if (!more)
		return -1;
	*pools = more;
	more[n].id = raw->cpupool_id;
	more[n].sched = raw->sched_id;
	more[n].domains = raw->n_dom;
	more[n].cpus = malloc(map_bytes);
	if (!more[n].cpus)
		return -1;
	memcpy(more[n].cpus, raw->cpumap, map_bytes);
	return 0;
}

int uvpi_hyp_pools(struct uvpi_hyp *hyp, struct uvpi_poolinfo **ret_pools, struct uvp_error *err)
{
	xc_interface *xc = uvpi_hyp_xc(hyp);
	size_t map_bytes = uvpi_hyp_cpumap_bytes(hyp);
	struct uvpi_poolinfo *pools = NULL;
	uint32_t next = 0;
	int n = 0, r;

	for (;;) {
		xc_cpupoolinfo_t *raw = xc_cpupool_getinfo(xc, next);

		if (!raw)
			break;
		next = raw->cpupool_id + 1;
		r = add_pool(&pools, n, raw, map_bytes);
		xc_cpupool_infofree(xc, raw);
		if (r) {
			uvpi_pools_free(pools, n);
			return uvpi_no_memory(err);
		}
		n++;
	}
	if (errno != ENOENT) {
		r = uvpi_hyp_fail(err, UVPI_HYP_HOST, "list the CPU pools");
		uvpi_pools_free(pools, n);
		return r;
	}
	*ret_pools = pools;
	return n;
}

int uvpi_hyp_pool_free_cpus(struct uvpi_hyp *hyp, uint8_t **ret_map, struct uvp_error *err)
{
	xc_cpumap_t map = xc_cpupool_freeinfo(uvpi_hyp_xc(hyp));

	if (!map)
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "list the CPUs that are in no pool");
	*ret_map = map;
	return 0;
}

int uvpi_hyp_pool_create(struct uvpi_hyp *hyp, uint32_t sched, uint32_t *ret_id, struct uvp_error *err)
{
	uint32_t id = XC_CPUPOOL_POOLID_ANY;

	if (xc_cpupool_create(uvpi_hyp_xc(hyp), &id, sched)) {
		if (errno == ENOENT || errno == EINVAL) {
			const char *name = uvpi_sched_name(sched);

			return uvpi_fail(err, UVP_E_UNSUPPORTED, errno,
					 "this Xen was built without the scheduler '%s'",
					 name ? name : "unknown");
		}
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "create a CPU pool");
	}
	*ret_id = id;
	return 0;
}

/* Xen's reasons are the same for all that is done to a pool; see xen/sysctl.h. */
static int fail_pool(struct uvp_error *err, uint32_t id, int cpu, const char *what)
{
	int e = errno, r;

	switch (e) {
	case ENOENT:
		r = uvpi_fail(err, UVP_E_NOT_FOUND, e, "cannot %s: there is no CPU pool %u", what, id);
		uvpi_hint(err, "'xlx cpupool-list' shows the pools there are");
		return r;
	case ENODEV:
		return uvpi_fail(err, UVP_E_BUSY, e, "cannot %s: CPU %d is not where it has to be for that",
				 what, cpu);
	case EBUSY:
		return uvpi_fail(err, UVP_E_BUSY, e, "cannot %s: CPU pool %u still has domains or CPUs",
				 what, id);
	case EADDRINUSE:
		r = uvpi_fail(err, UVP_E_BUSY, e, "cannot %s: a vCPU is bound to CPU %d for a moment",
			      what, cpu);
		uvpi_hint(err, "try again");
		return r;
	case EADDRNOTAVAIL:
		r = uvpi_fail(err, UVP_E_BUSY, e,
			      "cannot %s: another CPU's removal from a pool is not finished", what);
		uvpi_hint(err, "remove that CPU from its pool again, then repeat this");
		return r;
	case EINVAL:
		if (cpu >= 0)
			return uvpi_fail(err, UVP_E_INVALID, e, "cannot %s: this host has no CPU %d",
					 what, cpu);
		break;
	default:
		break;
	}
	return uvpi_hyp_fail(err, UVPI_HYP_HOST, what);
}

int uvpi_hyp_pool_destroy(struct uvpi_hyp *hyp, uint32_t id, struct uvp_error *err)
{
	return xc_cpupool_destroy(uvpi_hyp_xc(hyp), id) ?
		       fail_pool(err, id, -1, "destroy the CPU pool") :
		       0;
}

int uvpi_hyp_pool_add_cpu(struct uvpi_hyp *hyp, uint32_t id, int cpu, struct uvp_error *err)
{
	return xc_cpupool_addcpu(uvpi_hyp_xc(hyp), id, cpu) ?
		       fail_pool(err, id, cpu, "add a CPU to the pool") :
		       0;
}

int uvpi_hyp_pool_remove_cpu(struct uvpi_hyp *hyp, uint32_t id, int cpu, struct uvp_error *err)
{
	return xc_cpupool_removecpu(uvpi_hyp_xc(hyp), id, cpu) ?
		       fail_pool(err, id, cpu, "remove a CPU from the pool") :
		       0;
}

int uvpi_hyp_pool_move_domain(struct uvpi_hyp *hyp, uint32_t id, uint32_t domid, struct uvp_error *err)
{
	if (!xc_cpupool_movedomain(uvpi_hyp_xc(hyp), id, domid))
		return 0;
	/* Which of the two is missing is for the caller, who knows their names. */
	if (errno == ESRCH || errno == EINVAL)
		return uvpi_fail(err, UVP_E_NOT_FOUND, errno, "cannot move domain %u: there is no such domain",
				 domid);
	return fail_pool(err, id, -1, "move the domain to the pool");
}
