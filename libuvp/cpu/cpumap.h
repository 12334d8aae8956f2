/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of physical CPUs and the host that has them. */
#ifndef UVPI_CPUMAP_H
#define UVPI_CPUMAP_H

#include <uvp/cpu.h>

#include "cpu/cpulist.h"

/* For uvpi_cpulist_parse(); free(ret_host->node_of). */
int uvpi_cpulist_host(struct uvp_host *host, struct uvpi_cpulist_host *ret_host, struct uvp_error *err);

/* Between Xen's maps, of as many bytes as the host needs, and ours. */
void uvpi_cpumap_from_xen(struct uvp_host *host, const uint8_t *xen_map, struct uvp_cpumap *ret_map);
/* An array to free(), NULL when out of memory. */
uint8_t *uvpi_cpumap_to_xen(struct uvp_host *host, const struct uvp_cpumap *map);

static inline bool uvpi_cpumap_is_empty(const struct uvp_cpumap *map)
{
	size_t i;

	for (i = 0; i < sizeof(map->bits); i++)
		if (map->bits[i])
			return false;
	return true;
}

#endif
