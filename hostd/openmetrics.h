/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures of the host as text for a program that collects them. */
#ifndef HOSTD_OPENMETRICS_H
#define HOSTD_OPENMETRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/stats.h>

/* The last sample, and how taking them goes. */
struct hostd_sample {
	struct uvp_stats *stats; /* NULL: none was taken yet */
	int64_t wall_ns;         /* when, since 1970 */
	uint64_t taken, failures;
	uint64_t xen_ns;         /* Xen's own time since the first sample: it only grows */
	int64_t owed_ns;         /* what intervals that came out at less than nothing still have to get from the next ones */
};

/* What the daemon itself has to tell. */
struct hostd_self {
	uint32_t store_up; /* 1: xenstored can be reached */
	uint32_t jobs;     /* that run */
};

/* OpenMetrics 1.0, or the older text format of Prometheus, which has its own names for the families of counters. Labels are
 * UTF-8, whatever bytes a name has. The caller's to free; NULL without memory. */
char *hostd_openmetrics(const struct hostd_sample *sample, const struct hostd_self *self, bool openmetrics, size_t *ret_len);

#endif
