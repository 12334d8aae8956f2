/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's share of its pool's CPUs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/cpu.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "cpu/cpumap.h"
#include "cpu/share.h"
#include "domain/domain.h"

/* The scheduler of the pool that the domain is in. */
static int scheduler_of(struct uvp_domain *domain, uint32_t *ret_sched, struct uvpi_dominfo *ret_info,
			struct uvp_error *err)
{
	struct uvpi_poolinfo *pools;
	int n, i, r = uvpi_hyp_domain(domain->host->hyp, domain->domid, ret_info, err);

	if (r)
		return r;
	n = uvpi_hyp_pools(domain->host->hyp, &pools, err);
	if (n < 0)
		return n;
	*ret_sched = 0;
	for (i = 0; i < n; i++)
		if (pools[i].id == ret_info->cpupool)
			*ret_sched = pools[i].sched;
	uvpi_pools_free(pools, n);
	return 0;
}

static bool has_weight(uint32_t sched)
{
	return sched == UVPI_SCHED_CREDIT || sched == UVPI_SCHED_CREDIT2;
}

int uvp_domain_get_sched(struct uvp_domain *domain, struct uvp_sched *ret_sched, struct uvp_error *err)
{
	struct uvpi_sched_dom params = { 0 };
	struct uvpi_dominfo info;
	uint32_t sched;
	const char *name;
	int r = scheduler_of(domain, &sched, &info, err);

	if (r)
		return r;
	if (has_weight(sched)) {
		r = uvpi_hyp_sched_get(domain->host->hyp, domain->domid, sched, &params, err);
		if (r)
			return r;
	}
	memset(ret_sched, 0, sizeof(*ret_sched));
	ret_sched->pool = info.cpupool;
	name = uvpi_sched_name(sched);
	snprintf(ret_sched->scheduler, sizeof(ret_sched->scheduler), "%s", name ? name : "unknown");
	ret_sched->has_weight = has_weight(sched);
	ret_sched->weight = params.weight;
	ret_sched->cap = params.cap;
	return 0;
}

int uvp_domain_set_sched(struct uvp_domain *domain, int64_t weight, int64_t cap, struct uvp_error *err)
{
	struct uvpi_sched_dom params;
	struct uvpi_dominfo info;
	uint32_t sched, vcpus;
	int r;

	if (weight != -1 && (weight < 1 || weight > 65535))
		return uvpi_fail(err, UVP_E_INVALID, 0, "weight %lld is not within 1 to 65535",
				 (long long)weight);
	r = scheduler_of(domain, &sched, &info, err);
	if (r)
		return r;
	vcpus = info.max_vcpu_id + 1;
	if (has_weight(sched)) {
		/* Both are written at once, so read what is to stay. */
		r = uvpi_hyp_sched_get(domain->host->hyp, domain->domid, sched, &params, err);
		if (r)
			return r;
	} else {
		memset(&params, 0, sizeof(params));
		params.weight = 256;
	}
	if (cap != -1 && (cap < 0 || cap > 100 * (int64_t)vcpus)) {
		r = uvpi_fail(err, UVP_E_INVALID, 0,
			      "cap %lld is not within 0 to %u, 100 per cent for each vCPU of domain %u",
			      (long long)cap, 100 * vcpus, domain->domid);
		uvpi_hint(err, "0 means no cap");
		return r;
	}
	if (weight != -1)
		params.weight = (uint32_t)weight;
	if (cap != -1)
		params.cap = (uint32_t)cap;
	return uvpi_hyp_sched_set(domain->host->hyp, domain->domid, sched, &params, err);
}

int uvp_cap_parse(struct uvp_host *host, const char *text, struct uvp_cap *ret_cap, struct uvp_error *err)
{
	struct uvpi_physinfo phys;
	struct uvp_cap cap = { 0 };
	int r = uvpi_cap_parse(text, &cap.percent, &cap.asked_mhz, err);

	if (r == 0)
		r = uvpi_hyp_physinfo(host->hyp, &phys, err);
	if (r < 0)
		return r;
	cap.cpu_mhz = (phys.cpu_khz + 500) / 1000;
	if (cap.asked_mhz)
		cap.percent = uvpi_cap_percent(cap.asked_mhz, phys.cpu_khz);
	*ret_cap = cap;
	return 0;
}

/* ---- what everybody is sure to get ---- */

static uint64_t pool_capacity(struct uvp_host *host, const struct uvpi_poolinfo *pool)
{
	struct uvp_cpumap map;
	uint64_t n = 0;

	uvpi_cpumap_from_xen(host, pool->cpus, &map);
	for (uint32_t cpu = 0; cpu < UVP_CPUS_MAX; cpu++)
		n += uvp_cpumap_has(&map, cpu);
	return n * 1000;
}

/* The shares of those of a pool: all in one array, of which some belong to other pools and have no weight here. */
static int divide_pool(struct uvp_host *host, const struct uvpi_poolinfo *pool, struct uvp_share *shares, int n,
		       struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_share *parts = calloc((size_t)n + 1, sizeof(*parts));

	if (!parts)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++) {
		if (shares[i].pool != pool->id || !shares[i].has_weight)
			continue;
		parts[i].weight = (uint64_t)shares[i].weight * shares[i].vcpus;
		parts[i].most = shares[i].most;
	}
	uvpi_share_divide(parts, n, pool_capacity(host, pool));
	for (int i = 0; i < n; i++)
		if (shares[i].pool == pool->id)
			shares[i].guaranteed = (uint32_t)parts[i].gets;
	return 0;
}

/* 1, or 0 when the domain has ended meanwhile. */
static int read_share(struct uvp_host *host, const struct uvpi_dominfo *info, const struct uvpi_poolinfo *pool,
		      struct uvp_share *share, struct uvp_error *err)
{
	struct uvpi_sched_dom params = { 0 };
	int r;

	*share = (struct uvp_share){ .domid = info->domid, .pool = info->cpupool, .vcpus = info->online_vcpus };
	if (!pool || !has_weight(pool->sched))
		return 1;
	r = uvpi_hyp_sched_get(host->hyp, info->domid, pool->sched, &params, err);
	if (r < 0)
		return r == -UVP_E_NOT_FOUND ? 0 : r;
	share->has_weight = true;
	share->weight = params.weight;
	share->cap = params.cap;
	share->most = share->vcpus * 1000;
	if (share->cap && share->cap * 10 < share->most)
		share->most = share->cap * 10;
	return 1;
}

static const struct uvpi_poolinfo *find_pool(const struct uvpi_poolinfo *pools, int n, uint32_t id)
{
	for (int i = 0; i < n; i++)
		if (pools[i].id == id)
			return &pools[i];
	return NULL;
}

int uvp_share_list(struct uvp_host *host, struct uvp_share **ret_shares, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_free_ struct uvp_share *shares = NULL;
	struct uvpi_poolinfo *pools = NULL;
	int n = uvpi_hyp_domains(host->hyp, 0, &infos, err), n_pools = 0, n_shares = 0, r = 0;

	if (n < 0)
		return n;
	shares = calloc((size_t)n + 1, sizeof(*shares));
	if (!shares)
		return uvpi_no_memory(err);
	n_pools = uvpi_hyp_pools(host->hyp, &pools, err);
	if (n_pools < 0)
		return n_pools;
	for (int i = 0; i < n && r >= 0; i++) {
		if (infos[i].dying)
			continue;
		r = read_share(host, &infos[i], find_pool(pools, n_pools, infos[i].cpupool), &shares[n_shares], err);
		n_shares += r > 0;
	}
	for (int i = 0; i < n_pools && r >= 0; i++)
		r = divide_pool(host, &pools[i], shares, n_shares, err);
	uvpi_pools_free(pools, n_pools);
	if (r < 0)
		return r;
	*ret_shares = uvpi_steal(&shares);
	return n_shares;
}

/* ---- whole pools ---- */

int uvp_pool_get_sched(struct uvp_host *host, const struct uvp_pool *pool, struct uvp_pool_sched *ret_sched,
		       struct uvp_error *err)
{
	struct uvp_pool_sched result = { -1, -1, -1 };
	int sched = uvpi_sched_by_name(pool->scheduler);
	struct uvpi_sched_pool params;
	int r;

	if (sched >= 0 && has_weight((uint32_t)sched)) {
		r = uvpi_hyp_sched_pool_get(host->hyp, pool->id, (uint32_t)sched, &params, err);
		if (r)
			return r;
		result.ratelimit_us = params.ratelimit_us;
		if (sched == UVPI_SCHED_CREDIT) {
			result.tslice_ms = params.tslice_ms;
			result.migr_delay_us = params.migr_delay_us;
		}
	}
	*ret_sched = result;
	return 0;
}

static int check_setting(const char *what, int64_t value, int64_t min, int64_t max, struct uvp_error *err)
{
	if (value == -1 || (value >= min && value <= max))
		return 0;
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s %lld is not within %lld to %lld", what, (long long)value,
			 (long long)min, (long long)max);
}

static int check_settings(const struct uvp_pool *pool, const struct uvp_pool_sched *s, struct uvp_error *err)
{
	int r;

	if (strcmp(pool->scheduler, "credit") && (s->tslice_ms != -1 || s->migr_delay_us != -1))
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "the scheduler '%s' of pool '%s' has no time slice and no migration delay: "
				 "only credit has",
				 pool->scheduler, pool->name);
	r = check_setting("time slice in milliseconds", s->tslice_ms, 1, 1000, err);
	if (!r)
		r = check_setting("migration delay in microseconds", s->migr_delay_us, 0, 100000, err);
	if (!r && s->ratelimit_us)
		r = check_setting("rate limit in microseconds", s->ratelimit_us, 100, 500000, err);
	return r;
}

int uvp_pool_set_sched(struct uvp_host *host, const struct uvp_pool *pool, const struct uvp_pool_sched *sched,
		       struct uvp_error *err)
{
	int number = uvpi_sched_by_name(pool->scheduler);
	struct uvpi_sched_pool params;
	int r = check_settings(pool, sched, err);

	if (!r)
		r = uvpi_hyp_sched_pool_get(host->hyp, pool->id, number < 0 ? 0 : (uint32_t)number, &params, err);
	if (r)
		return r;
	if (sched->tslice_ms != -1)
		params.tslice_ms = (uint32_t)sched->tslice_ms;
	if (sched->ratelimit_us != -1)
		params.ratelimit_us = (uint32_t)sched->ratelimit_us;
	if (sched->migr_delay_us != -1)
		params.migr_delay_us = (uint32_t)sched->migr_delay_us;
	if (number == UVPI_SCHED_CREDIT && params.ratelimit_us > params.tslice_ms * 1000)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "a rate limit of %u us is longer than the time slice of %u ms",
				 params.ratelimit_us, params.tslice_ms);
	return uvpi_hyp_sched_pool_set(host->hyp, pool->id, (uint32_t)number, &params, err);
}
