/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the host's memory nodes a new domain goes to. Pure. */
#ifndef UVPI_NUMA_H
#define UVPI_NUMA_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

/* As many as Xen is built for at most; a set of them is a bit mask. */
#define UVPI_NODES_MAX 64

struct uvpi_node {
	uint64_t free_kib;
	uint32_t cpus;      /* that are online, and in the domain's pool */
	uint64_t load;      /* vCPUs of all domains that prefer it, in thousandths */
};

/* "0", "0-1", "0,2-3". */
int uvpi_nodes_parse(const char *text, uint64_t *ret_mask, struct uvp_error *err);
/* Is it that, "auto" or "all"? For the table of keys. */
int uvpi_nodes_check(const char *text, struct uvp_error *err);
/* "0-1,3", or "all" of the first n; cut off at len. */
void uvpi_nodes_format(uint64_t mask, int n, char *buf, int len);

/* What the nodes have together. */
struct uvpi_node uvpi_nodes_sum(const struct uvpi_node *nodes, int n, uint64_t mask);
/* As few nodes as have that much memory free and a CPU for each vCPU; of several such sets the one with the fewest vCPUs for
 * a CPU, then with most free memory. 0 when no set has that, and when all nodes together are needed, which is no choice. */
uint64_t uvpi_nodes_choose(const struct uvpi_node *nodes, int n, uint64_t need_kib, uint32_t vcpus);

#endif
