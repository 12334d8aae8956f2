/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where on a host with several memory nodes a domain goes: its memory to some of them, and its vCPUs by preference to their
 * CPUs. Hosts with one node pay nothing for it. */
#include "build/build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "cpu/cpumap.h"
#include "cpu/numa.h"

/* What is known of the host's nodes. */
struct view {
	struct uvpi_node nodes[UVPI_NODES_MAX];
	int n;
	struct uvpi_cpumap cpus[UVPI_NODES_MAX]; /* of the pool, on each node */
};

static int read_memory(struct uvpi_build *b, struct view *view, struct uvp_error *err)
{
	struct uvpi_numanode *nodes;
	int n = uvpi_hyp_numa(b->host->hyp, &nodes, err);

	if (n < 0)
		return n;
	view->n = n < UVPI_NODES_MAX ? n : UVPI_NODES_MAX;
	for (int i = 0; i < view->n; i++) /* a node without memory says that it has more than there is */
		if (nodes[i].free_bytes <= nodes[i].size_bytes)
			view->nodes[i].free_kib = nodes[i].free_bytes / 1024;
	uvpi_numa_free(nodes, n);
	return 0;
}

static int read_cpus(struct uvpi_build *b, struct view *view, struct uvp_error *err)
{
	_cleanup_free_ uint32_t *node_of = NULL;
	struct uvpi_poolinfo *pools;
	struct uvpi_cpulist_host known;
	int r = uvpi_cpulist_host(b->host, &known, err), n;

	if (r < 0)
		return r;
	node_of = (uint32_t *)known.node_of;
	n = uvpi_hyp_pools(b->host->hyp, &pools, err);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		struct uvp_cpumap map;

		if (pools[i].id != b->pool)
			continue;
		uvpi_cpumap_from_xen(b->host, pools[i].cpus, &map);
		for (uint32_t cpu = 0; cpu < known.n_cpus; cpu++) {
			if (node_of[cpu] >= (uint32_t)view->n || !uvp_cpumap_has(&map, cpu))
				continue;
			view->nodes[node_of[cpu]].cpus++;
			uvpi_cpumap_set(view->cpus[node_of[cpu]].bits, cpu);
		}
	}
	uvpi_pools_free(pools, n);
	return 0;
}

/* Each domain's vCPUs, in equal parts on the nodes that are preferred for it. Those of a domain that is prepared for a
 * guest are not online yet, but are going to be. */
static int read_load(struct uvpi_build *b, struct view *view, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_all_domains(b->host->hyp, 0, &infos, err);

	for (int i = 0; i < n; i++) {
		uint32_t vcpus = uvpi_is_shell(infos[i].uuid) ? infos[i].max_vcpu_id + 1 : infos[i].online_vcpus;
		uint64_t mask;
		int r = infos[i].dying ? 0 : uvpi_hyp_get_node_mask(b->host->hyp, infos[i].domid, &mask, err);

		if (r < 0 && r != -UVP_E_NOT_FOUND)
			return r;
		if (infos[i].dying || r < 0 || !mask)
			continue;
		for (int node = 0; node < view->n; node++)
			if (mask >> node & 1)
				view->nodes[node].load += 1000ull * vcpus / (unsigned int)__builtin_popcountll(mask);
	}
	return n < 0 ? n : 0;
}

/* The vCPUs prefer the nodes' CPUs, unless the configuration has a preference of its own. */
static int prefer_cpus(struct uvpi_build *b, const struct view *view, struct uvp_error *err)
{
	if (b->soft.n)
		return 0;
	b->soft.maps = calloc(1, sizeof(*b->soft.maps));
	if (!b->soft.maps)
		return uvpi_no_memory(err);
	b->soft.n = 1;
	for (int node = 0; node < view->n; node++)
		for (size_t i = 0; b->nodes >> node & 1 && i < sizeof(view->cpus[node].bits); i++)
			b->soft.maps[0].bits[i] |= view->cpus[node].bits[i];
	return 0;
}

/* ---- nodes that the configuration names ---- */

static bool may_run_there(const struct uvpi_build *b, const struct view *view, uint64_t mask)
{
	for (int i = 0; i < b->hard.n; i++)
		for (int node = 0; node < view->n; node++)
			for (size_t byte = 0; mask >> node & 1 && byte < sizeof(view->cpus[node].bits); byte++)
				if (b->hard.maps[i].bits[byte] & view->cpus[node].bits[byte])
					return true;
	return !b->hard.n;
}

static int check_named(struct uvpi_build *b, const struct view *view, uint64_t mask, struct uvp_error *err)
{
	const char *text = b->config->numa_nodes;
	struct uvpi_node sum = uvpi_nodes_sum(view->nodes, view->n, mask);
	uint64_t need = uvpi_needed_kib(b->config, b->hap);
	int r = 0;

	if (view->n < UVPI_NODES_MAX && mask >> view->n) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "numa_nodes=\"%.60s\": this host has memory nodes 0 to %d only", text,
			      view->n - 1);
		uvpi_hint(err, "'xlx info --numa' shows them");
	} else if (!sum.cpus) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "numa_nodes=\"%.60s\": no CPU of the domain's pool is on these nodes", text);
		uvpi_hint(err, "'xlx info --numa' and 'xlx cpupool-list --cpus' show which CPU is where");
	} else if (!may_run_there(b, view, mask)) {
		r = uvpi_fail(err, UVP_E_INVALID, 0,
			      "numa_nodes=\"%.60s\" and cpus= contradict each other: none of the CPUs is on these nodes", text);
		uvpi_hint(err, "remove one of the two: cpus= alone takes the memory from where the CPUs are");
	} else if (sum.free_kib < need) {
		r = uvpi_fail(err, UVP_E_NO_MEMORY, 0,
			      "numa_nodes=\"%.60s\": it needs %" PRIu64 " MiB, and these nodes have %" PRIu64 " MiB free", text,
			      (need + 1023) / 1024, sum.free_kib / 1024);
		uvpi_hint(err, "use numa_nodes=\"auto\" to have a place looked for, or make room there");
	}
	return r;
}

/* ---- both ---- */

static bool is_named(const struct uvp_config *c)
{
	return c->numa_nodes && strcmp(c->numa_nodes, "auto") != 0;
}

static bool is_wanted(const struct uvp_config *c)
{
	if (c->numa_nodes)
		return strcmp(c->numa_nodes, "all") != 0;
	/* Who says where the vCPUs run has chosen: Xen takes the memory from there. */
	return !c->cpus.n && !c->cpus.text && !c->cpus_soft.n && !c->cpus_soft.text;
}

int uvpi_build_place(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	_cleanup_free_ struct view *view = NULL;
	uint64_t mask = 0;
	int r;

	if (!is_wanted(c) || (b->phys.nodes < 2 && !is_named(c)))
		return 0;
	view = calloc(1, sizeof(*view));
	if (!view)
		return uvpi_no_memory(err);
	r = read_memory(b, view, err);
	if (r == 0)
		r = read_cpus(b, view, err);
	if (r == 0 && is_named(c)) {
		r = uvpi_nodes_parse(c->numa_nodes, &mask, err);
		if (r == 0)
			r = check_named(b, view, mask, err);
	} else if (r == 0) {
		for (int node = 0; node < view->n; node++)
			if (!may_run_there(b, view, 1ull << node))
				view->nodes[node] = (struct uvpi_node){ 0 };
		r = read_load(b, view, err);
		mask = r == 0 ? uvpi_nodes_choose(view->nodes, view->n, uvpi_needed_kib(c, b->hap), c->maxvcpus) : 0;
	}
	if (r < 0 || !mask)
		return r;
	b->nodes = mask;
	return prefer_cpus(b, view, err);
}
