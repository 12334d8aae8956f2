/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened in each step of time, from the samples that were kept. */
#ifndef UVPI_HISTORY_RATES_H
#define UVPI_HISTORY_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "history/ring.h"

/* Further apart, and nobody was there to take samples. */
#define UVPI_HISTORY_GAP_NS (200 * UINT64_C(1000000000))

/* Of the host, or of one domain: then disk, net, cpu and memory are its own, and are 0 while it was not there. */
struct uvpi_history_row {
	int64_t time_s;    /* when the step begins, since 1970 */
	double covered_s;  /* how much of it samples tell of; 0: nothing is known, and all else is 0 */
	/* Per cent of all CPUs of the host; NAN: not known, because a CPU came or went, or, xen only, a domain went. */
	double guests, dom0, xen, idle;
	double cpu;        /* per cent of one CPU: the domain's, or all guests' */
	double domains;    /* at the end, domain 0 not counted; of one domain: 1 while it was there */
	double vcpus;
	double total, used, free, claimed; /* bytes of the host, at the end */
	double memory;     /* bytes, at the end: the domain's, or all guests' */
	double target, most; /* bytes, at the end: what the domain is asked to have, and may have; 0: not known, and of all guests */
	const struct uvpi_history_frame *last; /* the sample at the end, of the history that the row is made of */
	double reads, writes, read_bytes, write_bytes;             /* a second */
	double rx_packets, tx_packets, rx_bytes, tx_bytes;         /* a second, as guests see them */
};

/* Who is meant: what has that UUID, or that very life; by its name: what was called so then, or, when nothing was, what has its UUID. */
struct uvpi_history_who {
	enum { UVPI_HISTORY_BY_UUID, UVPI_HISTORY_BY_NAME, UVPI_HISTORY_BY_ID } by;
	const struct uvpi_history_domain *domain; /* of the history, as it was in the newest sample that knows it */
	bool ambiguous; /* others began with as much of that name as is kept */
};

/* The steps from the one with the first sample to the one with the last, gaps between them included. who: NULL is the host. */
int uvpi_history_rows(const struct uvpi_history *history, const struct uvpi_history_who *who, int64_t step_s,
		      struct uvpi_history_row **ret_rows, size_t *ret_n, struct uvp_error *err);

/* Do counters go on from the one to the other: is it of the same boot, later, and were samples taken meanwhile? */
bool uvpi_history_goes_on(const struct uvpi_history_frame *a, const struct uvpi_history_frame *b);

/* Both files of a folder as one: seconds as far as they go back, minutes before that. */
int uvpi_history_load(const char *folder, int64_t since_ns, int64_t until_ns, struct uvpi_history *ret_history, struct uvp_error *err);

/* Who had that name, id or UUID in the newest sample which knows it. False: nobody. Whose name is too long to be kept whole is
 * found by it, and then goes by the UUID. */
bool uvpi_history_find(const struct uvpi_history *history, const char *text, struct uvpi_history_who *ret_who);

#endif
