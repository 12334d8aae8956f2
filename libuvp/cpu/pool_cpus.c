/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a CPU pool: CPUs and domains. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "cpu/cpumap.h"
#include "cpu/pool.h"
#include "domain/domain.h"

void uvpi_pool_cpus_text(struct uvp_host *host, const struct uvp_cpumap *map, char *buf, size_t len)
{
	char list[128];

	uvp_cpumap_format(host, map, list, sizeof(list));
	snprintf(buf, len, "CPU %s", list);
}

typedef int pool_op(struct uvpi_hyp *hyp, uint32_t id, int cpu, struct uvp_error *err);

static int each(struct uvp_host *host, uint32_t pool, const struct uvp_cpumap *cpus, pool_op *op,
		pool_op *undo, struct uvp_error *err)
{
	struct uvp_error ignored = UVP_ERROR_INIT;
	int cpu, r = 0;

	for (cpu = 0; cpu < UVP_CPUS_MAX && !r; cpu++)
		if (uvp_cpumap_has(cpus, (uint32_t)cpu))
			r = op(host->hyp, pool, cpu, err);
	if (!r)
		return 0;
	for (cpu -= 2; cpu >= 0; cpu--)
		if (uvp_cpumap_has(cpus, (uint32_t)cpu) && undo(host->hyp, pool, cpu, &ignored))
			uvpi_debug("%s", ignored.message);
	return r;
}

int uvpi_pool_add_each(struct uvp_host *host, uint32_t pool, const struct uvp_cpumap *cpus,
		       struct uvp_error *err)
{
	return each(host, pool, cpus, uvpi_hyp_pool_add_cpu, uvpi_hyp_pool_remove_cpu, err);
}

int uvpi_pool_remove_each(struct uvp_host *host, uint32_t pool, const struct uvp_cpumap *cpus,
			  struct uvp_error *err)
{
	return each(host, pool, cpus, uvpi_hyp_pool_remove_cpu, uvpi_hyp_pool_add_cpu, err);
}

int uvpi_pool_check_free(struct uvp_host *host, const struct uvp_cpumap *cpus, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_pool *pools = NULL;
	struct uvp_cpumap free_cpus;
	uint32_t cpu;
	int n, i, r;

	if (uvpi_cpumap_is_empty(cpus))
		return uvpi_fail(err, UVP_E_INVALID, 0, "no CPU is given");
	r = uvp_pool_free_cpus(host, &free_cpus, err);
	if (r)
		return r;
	n = uvp_pool_list(host, &pools, err);
	if (n < 0)
		return n;
	for (cpu = 0; cpu < UVP_CPUS_MAX; cpu++) {
		if (!uvp_cpumap_has(cpus, cpu) || uvp_cpumap_has(&free_cpus, cpu))
			continue;
		for (i = 0; i < n; i++) {
			if (!uvp_cpumap_has(&pools[i].cpus, cpu))
				continue;
			r = uvpi_fail(err, UVP_E_BUSY, 0, "CPU %u belongs to CPU pool '%s'", cpu,
				      pools[i].name);
			uvpi_hint(err, "free it first: 'xlx cpupool-cpu-remove %s %u'", pools[i].name, cpu);
			return r;
		}
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "CPU %u is not online", cpu);
	}
	return 0;
}

int uvp_pool_add_cpus(struct uvp_host *host, const struct uvp_pool *pool, const struct uvp_cpumap *cpus,
		      struct uvp_error *err)
{
	uint32_t cpu;
	int r;

	for (cpu = 0; cpu < UVP_CPUS_MAX; cpu++)
		if (uvp_cpumap_has(cpus, cpu) && uvp_cpumap_has(&pool->cpus, cpu))
			return uvpi_fail(err, UVP_E_EXISTS, 0, "CPU %u is in pool '%s' already", cpu,
					 pool->name);
	r = uvpi_pool_check_free(host, cpus, err);
	if (!r)
		r = uvpi_pool_add_each(host, pool->id, cpus, err);
	if (r)
		uvpi_prefix(err, "cannot add CPUs to pool '%s'", pool->name);
	return r;
}

int uvp_pool_remove_cpus(struct uvp_host *host, const struct uvp_pool *pool, const struct uvp_cpumap *cpus,
			 struct uvp_error *err)
{
	bool all = true;
	uint32_t cpu;
	char text[160];
	int r;

	if (uvpi_cpumap_is_empty(cpus))
		return uvpi_fail(err, UVP_E_INVALID, 0, "no CPU is given");
	for (cpu = 0; cpu < UVP_CPUS_MAX; cpu++) {
		if (uvp_cpumap_has(&pool->cpus, cpu))
			all = all && uvp_cpumap_has(cpus, cpu);
		else if (uvp_cpumap_has(cpus, cpu)) {
			uvpi_pool_cpus_text(host, &pool->cpus, text, sizeof(text));
			r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "CPU %u is not in pool '%s'", cpu, pool->name);
			uvpi_hint(err, "that pool has %s", text);
			return r;
		}
	}
	if (all && pool->domains) {
		r = uvpi_fail(err, UVP_E_BUSY, 0,
			      "cannot take the last CPU out of pool '%s': %u domain%s in it", pool->name,
			      pool->domains, pool->domains == 1 ? " is" : "s are");
		uvpi_hint(err, "leave at least one CPU, or move the domains to another pool");
		return r;
	}
	r = uvpi_pool_remove_each(host, pool->id, cpus, err);
	if (r)
		uvpi_prefix(err, "cannot take CPUs out of pool '%s'", pool->name);
	return r;
}

int uvp_pool_move_domain(struct uvp_host *host, const struct uvp_pool *pool, struct uvp_domain *domain,
			 struct uvp_error *err)
{
	int r;

	if (!domain->domid) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "domain 0 cannot leave pool 0");
		uvpi_hint(err, "give pool 0 the CPUs that domain 0 should have, and move the other domains");
		return r;
	}
	if (uvpi_cpumap_is_empty(&pool->cpus)) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "cannot move domain %u to CPU pool '%s': it has no CPU",
			      domain->domid, pool->name);
		uvpi_hint(err, "'xlx cpupool-cpu-add %s CPUS' gives it some", pool->name);
		return r;
	}
	r = uvpi_hyp_pool_move_domain(host->hyp, pool->id, domain->domid, err);
	if (r)
		uvpi_prefix(err, "pool '%s'", pool->name);
	return r;
}

/* ---- one pool for each memory node ---- */

static void node_cpus(const struct uvpi_cpulist_host *known, uint32_t node, struct uvp_cpumap *ret_map)
{
	uint32_t cpu;

	memset(ret_map, 0, sizeof(*ret_map));
	for (cpu = 0; cpu < known->n_cpus; cpu++)
		if (known->node_of[cpu] == node)
			uvpi_cpumap_set(ret_map->bits, cpu);
}

static int check_split(struct uvp_host *host, const struct uvpi_cpulist_host *known, uint32_t *ret_nodes,
		       struct uvp_pool *ret_pool, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_pool *pools = NULL;
	uint32_t cpu, nodes = 0;
	int n = uvp_pool_list(host, &pools, err), r;

	if (n < 0)
		return n;
	if (n != 1) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "this host has %d CPU pools already; a split starts from one", n);
		uvpi_hint(err, "destroy the others first: 'xlx cpupool-destroy'");
		return r;
	}
	for (cpu = 0; cpu < known->n_cpus; cpu++) {
		if (known->node_of[cpu] == UINT32_MAX)
			continue;
		if (known->node_of[cpu] >= nodes)
			nodes = known->node_of[cpu] + 1;
		if (!uvp_cpumap_has(&pools[0].cpus, cpu))
			return uvpi_fail(err, UVP_E_BUSY, 0, "CPU %u is not in pool '%s'; a split starts with all",
					 cpu, pools[0].name);
	}
	if (nodes < 2)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "this host has one memory node only: there is nothing to split");
	*ret_nodes = nodes;
	*ret_pool = pools[0];
	return 0;
}

/* Take back what the split has made so far: node pools from `last` down to 1, then pool 0's CPUs. */
static void unsplit(struct uvp_host *host, const struct uvpi_cpulist_host *known, uint32_t last)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_cpumap cpus;
	struct uvp_pool pool;
	char name[32];

	for (; last >= 1; last--) {
		snprintf(name, sizeof(name), "Pool-node%u", last);
		if (!uvp_pool_lookup(host, name, &pool, NULL) && uvp_pool_destroy(host, &pool, &err))
			uvpi_debug("%s", err.message);
		node_cpus(known, last, &cpus);
		if (!uvpi_cpumap_is_empty(&cpus) && uvpi_pool_add_each(host, 0, &cpus, &err))
			uvpi_debug("%s", err.message);
	}
}

int uvp_pool_numa_split(struct uvp_host *host, struct uvp_error *err)
{
	struct uvpi_cpulist_host known = { 0 };
	struct uvp_pool pool;
	struct uvp_cpumap cpus;
	uint32_t nodes = 0, node = 1, id;
	char name[32];
	int r = uvpi_cpulist_host(host, &known, err);

	if (r)
		return r;
	r = check_split(host, &known, &nodes, &pool, err);
	if (r)
		goto out;
	for (; node < nodes && !r; node++) {
		node_cpus(&known, node, &cpus);
		if (uvpi_cpumap_is_empty(&cpus))
			continue;
		snprintf(name, sizeof(name), "Pool-node%u", node);
		r = uvpi_pool_remove_each(host, 0, &cpus, err);
		if (!r)
			r = uvp_pool_create(host, name, pool.scheduler, &cpus, 0, &id, err);
	}
	if (!r)
		r = uvpi_pool_write_name(host, 0, "Pool-node0", err);
	if (r)
		unsplit(host, &known, node - 1);
out:
	free((void *)known.node_of);
	return r;
}
