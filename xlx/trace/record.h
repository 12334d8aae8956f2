/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of Xen's trace buffers, decoded: pure, and never beyond the bytes given. No host. */
#ifndef XLX_TRACE_RECORD_H
#define XLX_TRACE_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum trace_state { TRACE_RUNNING, TRACE_READY, TRACE_BLOCKED, TRACE_OFFLINE, TRACE_STATES }; /* as Xen counts them */

enum trace_kind {
	TRACE_OTHER,    /* nothing that we look at */
	TRACE_CHANGE,   /* a vCPU goes from one state to another */
	TRACE_CONTINUE, /* a vCPU was looked at, and runs on */
	TRACE_LOST      /* records found no room */
};

struct trace_record {
	enum trace_kind kind;
	uint32_t cpu;    /* whose buffer it is, and which of all it is: not in the record itself */
	uint64_t number;
	uint64_t time;   /* in cycles; 0: it has none */
	uint32_t domid, vcpu;
	enum trace_state from, to;
	uint64_t lost, lost_since; /* how many, and the time of the first */
};

/* Take the record at the beginning of these bytes. Returns the bytes that it has; 0 when they are no whole record. */
size_t trace_record_take(const uint8_t *data, size_t len, struct trace_record *ret_record);

#endif
