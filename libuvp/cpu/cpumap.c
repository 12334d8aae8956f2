/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/cpumap.h"

#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"

_Static_assert(sizeof(struct uvp_cpumap) == sizeof(struct uvpi_cpumap), "one size of CPU maps");

int uvpi_cpulist_host(struct uvp_host *host, struct uvpi_cpulist_host *ret_host, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_cputopo *topo = NULL;
	uint32_t *node_of;
	int n = uvpi_hyp_cputopo(host->hyp, &topo, err), i;

	if (n < 0)
		return n;
	node_of = calloc((size_t)n + 1, sizeof(*node_of));
	if (!node_of)
		return uvpi_no_memory(err);
	for (i = 0; i < n; i++)
		node_of[i] = topo[i].online ? topo[i].node : UINT32_MAX;
	ret_host->n_cpus = n < UVP_CPUS_MAX ? (uint32_t)n : UVP_CPUS_MAX;
	ret_host->node_of = node_of;
	return 0;
}

int uvp_cpumap_parse(struct uvp_host *host, const char *text, struct uvp_cpumap *ret_map,
		     struct uvp_error *err)
{
	struct uvpi_cpulist_host known = { 0 };
	struct uvpi_cpumap map;
	int r = uvpi_cpulist_host(host, &known, err);

	if (r)
		return r;
	r = uvpi_cpulist_parse(text, "CPUs", &known, &map, NULL, err);
	free((void *)known.node_of);
	if (!r)
		memcpy(ret_map, &map, sizeof(map));
	return r;
}

static uint32_t n_cpus(struct uvp_host *host)
{
	struct uvpi_physinfo info;

	if (uvpi_hyp_physinfo(host->hyp, &info, NULL) || info.max_cpu_id >= UVP_CPUS_MAX)
		return UVP_CPUS_MAX;
	return info.max_cpu_id + 1;
}

void uvp_cpumap_format(struct uvp_host *host, const struct uvp_cpumap *map, char *buf, size_t len)
{
	uvpi_cpulist_format(map->bits, n_cpus(host), buf, len);
}

bool uvp_cpumap_has(const struct uvp_cpumap *map, uint32_t cpu)
{
	return cpu < UVP_CPUS_MAX && uvpi_cpumap_has(map->bits, cpu);
}

/* Xen leaves bits beyond the last CPU set in maps that mean "all". */
void uvpi_cpumap_from_xen(struct uvp_host *host, const uint8_t *xen_map, struct uvp_cpumap *ret_map)
{
	size_t bytes = uvpi_hyp_cpumap_bytes(host->hyp);
	uint32_t n = n_cpus(host), cpu;

	memset(ret_map, 0, sizeof(*ret_map));
	memcpy(ret_map->bits, xen_map, bytes < sizeof(ret_map->bits) ? bytes : sizeof(ret_map->bits));
	for (cpu = n; cpu < bytes * 8 && cpu < UVP_CPUS_MAX; cpu++)
		uvpi_cpumap_clear(ret_map->bits, cpu);
}

uint8_t *uvpi_cpumap_to_xen(struct uvp_host *host, const struct uvp_cpumap *map)
{
	size_t bytes = uvpi_hyp_cpumap_bytes(host->hyp);
	uint8_t *xen_map = calloc(1, bytes);

	if (xen_map)
		memcpy(xen_map, map->bits, bytes < sizeof(map->bits) ? bytes : sizeof(map->bits));
	return xen_map;
}
