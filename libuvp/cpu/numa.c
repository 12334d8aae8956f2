/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/numa.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "cpu/cpulist.h"

/* On larger hosts only single nodes are looked at: the sets are too many, and a node is large. */
#define SETS_OF_MAX 16

static int bad_nodes(const char *text, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.60s' is no list of memory nodes", text);
	uvpi_hint(err, "write \"auto\", \"all\", or nodes as in \"0-1,3\"");
	return -UVP_E_INVALID;
}

int uvpi_nodes_parse(const char *text, uint64_t *ret_mask, struct uvp_error *err)
{
	uint64_t mask = 0;

	for (const char *p = text;;) {
		size_t len = strcspn(p, ",");
		uint32_t first, last;
		char part[24], *dash;

		if (len >= sizeof(part))
			return bad_nodes(text, err);
		snprintf(part, sizeof(part), "%.*s", (int)len, p);
		dash = strchr(part, '-');
		if (dash)
			*dash = '\0';
		if (uvpi_parse_u32(part, "node", 0, UVPI_NODES_MAX - 1, &first, NULL) < 0)
			return bad_nodes(text, err);
		last = first;
		if (dash && uvpi_parse_u32(dash + 1, "node", first, UVPI_NODES_MAX - 1, &last, NULL) < 0)
			return bad_nodes(text, err);
		for (uint32_t i = first; i <= last; i++)
			mask |= 1ull << i;
		if (!p[len])
			break;
		p += len + 1;
	}
	*ret_mask = mask;
	return 0;
}

int uvpi_nodes_check(const char *text, struct uvp_error *err)
{
	uint64_t mask;

	return !strcmp(text, "auto") || !strcmp(text, "all") ? 0 : uvpi_nodes_parse(text, &mask, err);
}

void uvpi_nodes_format(uint64_t mask, int n, char *buf, int len)
{
	uint8_t map[UVPI_NODES_MAX / 8];

	for (size_t i = 0; i < sizeof(map); i++)
		map[i] = (uint8_t)(mask >> (i * 8));
	uvpi_cpulist_format(map, (uint32_t)n, buf, (size_t)len);
}

struct uvpi_node uvpi_nodes_sum(const struct uvpi_node *nodes, int n, uint64_t mask)
{
	struct uvpi_node sum = { 0 };

	for (int i = 0; i < n; i++) {
		if (!(mask >> i & 1))
			continue;
		sum.free_kib += nodes[i].free_kib;
		sum.cpus += nodes[i].cpus;
		sum.load += nodes[i].load;
	}
	return sum;
}

/* Is a the better place? Load is compared for each CPU. */
static bool is_better(const struct uvpi_node *a, const struct uvpi_node *b)
{
	uint64_t load_a = a->load * b->cpus, load_b = b->load * a->cpus;

	return load_a != load_b ? load_a < load_b : a->free_kib > b->free_kib;
}

struct choice {
	const struct uvpi_node *nodes;
	int n;
	uint64_t need_kib;
	uint32_t vcpus;
	uint64_t chosen; /* so far; 0: none */
	struct uvpi_node best;
};

static void consider(struct choice *c, uint64_t mask)
{
	struct uvpi_node sum = uvpi_nodes_sum(c->nodes, c->n, mask);

	if (sum.free_kib < c->need_kib || sum.cpus < c->vcpus || !sum.cpus || (c->chosen && !is_better(&sum, &c->best)))
		return;
	c->best = sum;
	c->chosen = mask;
}

uint64_t uvpi_nodes_choose(const struct uvpi_node *nodes, int n, uint64_t need_kib, uint32_t vcpus)
{
	struct choice c = { .nodes = nodes, .n = n, .need_kib = need_kib, .vcpus = vcpus };

	for (int i = 0; i < n && n > 1; i++)
		consider(&c, 1ull << i);
	for (int size = 2; size < n && n <= SETS_OF_MAX && !c.chosen; size++)
		for (uint64_t mask = 1; mask < 1ull << n; mask++)
			if (__builtin_popcountll(mask) == size)
				consider(&c, mask);
	return c.chosen;
}
