/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of physical CPUs as people write them: "0-3,^2,6", "all", "nodes:0-1,^node:1". Pure. */
#ifndef UVPI_CPULIST_H
#define UVPI_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "config/model.h"

/* What the host looks like, for the forms that only it can resolve. */
struct uvpi_cpulist_host {
	uint32_t n_cpus;         /* CPUs are 0 to n_cpus - 1 */
	const uint32_t *node_of; /* of each CPU; UINT32_MAX for one that is not online */
};

/* Items, separated by commas, are applied from left to right: "N", "N-M", "all", "node:N", "nodes:N-M",
 * "nodes:all"; with '^' in front (of the item or of the number behind "nodes:") they are taken out again. Blanks
 * around items are ignored. `what` names the value in errors. A list that leaves no CPU is INVALID.
 *
 * With host NULL only the syntax is known: CPUs up to UVPI_CPUS_MAX - 1 are taken, "all" is every one of these,
 * node forms are left out of the map and *ret_needs_host says so (and an empty map is no error then). A CPU or
 * node that the host does not have is refused when it is known. ret_needs_host may be NULL when host is not. */
int uvpi_cpulist_parse(const char *text, const char *what, const struct uvpi_cpulist_host *host,
		       struct uvpi_cpumap *ret_map, bool *ret_needs_host, struct uvp_error *err);

/* "0-3,6" of the first n_cpus bits; "all" when each of them is set, "none" when no bit is. Cut off at len. */
void uvpi_cpulist_format(const uint8_t *bits, uint32_t n_cpus, char *buf, size_t len);

static inline bool uvpi_cpumap_has(const uint8_t *bits, uint32_t cpu)
{
	return bits[cpu / 8] & (1u << (cpu % 8));
}

static inline void uvpi_cpumap_set(uint8_t *bits, uint32_t cpu)
{
	bits[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
}

static inline void uvpi_cpumap_clear(uint8_t *bits, uint32_t cpu)
{
	bits[cpu / 8] &= (uint8_t)~(1u << (cpu % 8));
}

#endif
