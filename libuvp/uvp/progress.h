/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a caller follows, limits and stops a call that may take long. */
#ifndef UVP_PROGRESS_H
#define UVP_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_error;

enum uvp_unit { UVP_UNIT_NONE = 0, UVP_UNIT_BYTES = 1, UVP_UNIT_ITEMS = 2, UVP_UNIT_SECONDS = 3 };

struct uvp_progress {
	const char *phase; /* "waiting for the guest"; valid during the call only */
	uint64_t done;
	uint64_t total; /* 0: not known */
	enum uvp_unit unit;
};

/* Options of one long call. Start with UVP_OP_INIT; NULL means its defaults. */
struct uvp_op {
	size_t size; /* sizeof(struct uvp_op), set by UVP_OP_INIT */
	void (*progress)(void *data, const struct uvp_progress *progress); /* may be NULL */
	void *progress_data;
	int cancel_fd;       /* readable means: stop and undo; -1 for none. Never read from */
	int64_t deadline_ms; /* point of CLOCK_MONOTONIC in milliseconds; -1: the call's own default */
	/* May be NULL. The call goes on, and something that the operator relies on did not work: message and hint say what.
	 * Both are valid during the call only. */
	void (*warning)(void *data, const struct uvp_error *warning);
	void *warning_data;
};

#define UVP_OP_INIT { sizeof(struct uvp_op), 0, 0, -1, -1, 0, 0 }

#ifdef __cplusplus
}
#endif

#endif
