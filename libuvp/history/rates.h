/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened in each step of time, from the samples that were kept. */
#ifndef UVPI_HISTORY_RATES_H
#define UVPI_HISTORY_RATES_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "history/ring.h"

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

/* The steps from the one with the first sample to the one with the last, gaps between them included. uuid may be NULL. */
int uvpi_history_rows(const struct uvpi_history *history, const uint8_t *uuid, int64_t step_s, struct uvpi_history_row **ret_rows,
		      size_t *ret_n, struct uvp_error *err);

/* Both files of a folder as one: seconds as far as they go back, minutes before that. */
int uvpi_history_load(const char *folder, int64_t since_ns, int64_t until_ns, struct uvpi_history *ret_history, struct uvp_error *err);

/* The domain that had that name, id or UUID in the newest sample which knows it. NULL: none. */
const struct uvpi_history_domain *uvpi_history_find(const struct uvpi_history *history, const char *text);

#endif
