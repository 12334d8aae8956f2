/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tracing for a while, and everything as it was found afterwards. */
#ifndef XLX_TRACE_SESSION_H
#define XLX_TRACE_SESSION_H

#include <stdbool.h>

#include "core/host.h"
#include "core/hyp_trace.h"
#include "xlx/trace/waits.h"

struct trace_session {
	struct uvpi_trace *trace;
	uint32_t events; /* as found */
	bool on;         /* it was, and is to be afterwards */
	bool noted;      /* on disk, for the next one if we are killed */
	bool cleaned;    /* an earlier one was killed, and what it left is undone at the end */
};

/* Switch tracing on. BUSY when somebody else reads the buffers, or when tracing is on and nobody reads, unless take_over. */
int trace_session_begin(struct trace_session *session, struct uvp_host *host, bool take_over, struct uvp_error *err);
/* Take what all buffers hold; for each that was full, *full is counted up. */
int trace_session_take(struct trace_session *session, struct trace_waits *waits, uint64_t *full, struct uvp_error *err);
/* Stop, and put back what was found; may be called in any state, and once more. */
int trace_session_stop(struct trace_session *session, struct uvp_error *err);
void trace_session_done(struct trace_session *session);

#endif
