/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Xen's trace buffers: a ring for each physical CPU, written by Xen and emptied by one reader. They are one thing for the
 * whole host: Xen does not say who switched tracing on, and once made the buffers stay until the host is started anew. */
#ifndef UVPI_HYP_TRACE_H
#define UVPI_HYP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"

struct uvpi_hyp;
struct uvpi_trace;

#define UVPI_TRACE_PAGES 32u             /* for each CPU, when there are no buffers yet */
#define UVPI_TRACE_RUNSTATES 0x00021000u /* the events that tell when a vCPU begins to run, to wait, to block */

/* Become the reader; BUSY while another program is, and nobody else can be until this one is closed or its process ends.
 * Changes nothing. */
int uvpi_hyp_trace_open(struct uvpi_hyp *hyp, struct uvpi_trace **ret_trace, struct uvp_error *err);
void uvpi_hyp_trace_close(struct uvpi_trace *trace);
UVPI_DEFINE_CLEANUP(struct uvpi_trace *, uvpi_hyp_trace_close);
#define _cleanup_trace_ UVPI_CLEANUP(uvpi_hyp_trace_close)

/* Which events are traced when tracing is on. Changes nothing. */
int uvpi_hyp_trace_events(struct uvpi_trace *trace, uint32_t *ret_events, struct uvp_error *err);
/* Is tracing on? Xen is asked something while calls are traced instead of these events: it is on when that leaves a record, or
 * when a buffer is full. Records that nobody has read stay. */
int uvpi_hyp_trace_found(struct uvpi_trace *trace, uint32_t events, bool *ret_on, struct uvp_error *err);
/* Trace these events on all CPUs from now on; forgets what the buffers held. */
int uvpi_hyp_trace_start(struct uvpi_trace *trace, uint32_t events, struct uvp_error *err);
/* No records come after this, unless tracing is to stay on; events are what is traced when it is next switched on. */
int uvpi_hyp_trace_stop(struct uvpi_trace *trace, uint32_t events, bool stay_on, struct uvp_error *err);

/* Readable when a buffer is half full; uvpi_hyp_trace_heard() makes it so again. */
int uvpi_hyp_trace_fd(const struct uvpi_trace *trace);
int uvpi_hyp_trace_heard(struct uvpi_trace *trace, struct uvp_error *err);

/* CPUs that may have a buffer: 0 to n - 1. Once started. */
uint32_t uvpi_hyp_trace_cpus(const struct uvpi_trace *trace);
/* False of a CPU that was offline when the buffers were made: it has none until the host is started anew. */
bool uvpi_hyp_trace_has(const struct uvpi_trace *trace, uint32_t cpu);
/* What was written to a CPU's buffer since the last time: whole records, the trace's own until the next call. full: there was
 * no room for more, and records may have been lost that Xen tells of only when it writes the next one. */
int uvpi_hyp_trace_take(struct uvpi_trace *trace, uint32_t cpu, const uint8_t **ret_data, size_t *ret_len, bool *ret_full,
			struct uvp_error *err);

#endif
