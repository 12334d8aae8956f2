/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who had the time of the host's CPUs between two readings: a tree whose branches add up to the nanosecond. No host. */
#ifndef XLX_USAGE_TREE_H
#define XLX_USAGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/stats.h>

#include "xlx/usage/tasks.h"

struct usage_reading {
	struct uvp_stats *stats; /* with vCPUs */
	struct usage_tasks tasks;
};

/* The parts of USAGE_HOST are USAGE_IDLE, USAGE_XEN and every USAGE_DOMAIN. Those of a domain are its USAGE_VCPU; those of
 * domain 0 as well all USAGE_PROCESS, USAGE_KERNEL, USAGE_LOST and USAGE_REST. Those of a process are its USAGE_THREAD. */
enum usage_kind {
	USAGE_HOST,    /* all CPUs that are online, for the interval */
	USAGE_IDLE,    /* nothing ran */
	USAGE_XEN,     /* what is missing: Xen's own, what the moments of reading are apart, and unless comparable domains that ended */
	USAGE_CORE,    /* one CPU: what it was not idle */
	USAGE_DOMAIN,
	USAGE_VCPU,
	USAGE_PROCESS, /* of domain 0 */
	USAGE_THREAD,
	USAGE_KERNEL,  /* domain 0's kernel, when no thread ran */
	USAGE_LOST,    /* of more threads than there was room for */
	USAGE_REST,    /* between what Xen and what domain 0 counted: their moments of reading are not the same */
	USAGE_KINDS
};

struct usage_row {
	enum usage_kind kind;
	uint32_t id, parent;   /* CPU, domain, vCPU of a domain, process, thread of a process */
	uint32_t cpu;          /* where a vCPU was last */
	const char *name;      /* the readings' own; "" for none */
	int64_t ns;
	uint64_t stolen_ns;    /* of a process or thread: it would have run, and Xen ran something else; 0 when estimated */
	bool ended;
};

struct usage_tree {
	int64_t interval_ns;   /* of each CPU */
	uint64_t spread_ns;    /* how far apart the moments of the second reading are */
	size_t n_cpus;         /* online */
	bool estimated;
	bool comparable;       /* no domain is known to have ended, and no CPU came or went: what is missing was Xen's own */
	size_t n;
	struct usage_row *rows; /* a part comes after what it is of; processes: those with most time first */
};

/* The tree points into both readings. false: no memory. */
bool usage_tree_make(const struct usage_reading *before, const struct usage_reading *now, struct usage_tree *ret_tree);
void usage_tree_done(struct usage_tree *tree);
const char *usage_kind_name(enum usage_kind kind); /* "host", "domain" */

#endif
