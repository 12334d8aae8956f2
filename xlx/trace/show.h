/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of a trace, for people and for programs. */
#ifndef XLX_TRACE_SHOW_H
#define XLX_TRACE_SHOW_H

#include "xlx/trace/waits.h"

struct trace_report {
	const struct trace_waits *waits;
	const char *name;      /* the domain's; "" for none */
	const uint64_t *count; /* what Xen's own counters say that each vCPU ran */
	const bool *silent;    /* of each CPU: what ran there is not traced */
	uint64_t full;         /* buffers that were found full */
};

/* Each returns an exit status. */
int trace_print(const struct trace_report *report);
int trace_json(const struct trace_report *report);

#endif
