/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sitting at a domain's console: for `xlx console` and `xlx create -c`. */
#ifndef XLX_CONSOLE_LOOP_H
#define XLX_CONSOLE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/console.h>

#define XLX_CONSOLE_ESCAPE 0x1d /* Ctrl-] */
#define XLX_CONSOLE_TIMEOUT_MS 5000

struct xlx_console {
	struct uvp_domain *domain;
	struct uvp_console_options options;
	int escape;         /* the byte that leaves; -1: none */
	bool read_only;     /* show, send nothing */
	int64_t timeout_ms; /* go on this long after the end of input that is no terminal */
	const char *log;    /* append the output to this file as well; NULL: do not */
	/* Called once the seat is taken, so that no output is missed: `create -c` starts the guest here. May be NULL. */
	int (*attached)(void *data, struct uvp_error *err);
	void *data;
};

#define XLX_CONSOLE_INIT \
	{ .options = UVP_CONSOLE_OPTIONS_INIT, .escape = XLX_CONSOLE_ESCAPE, .timeout_ms = XLX_CONSOLE_TIMEOUT_MS }

/* Sit there until the operator leaves, input ends, or the domain does. The terminal is put back in every case. Prints
 * its own messages; returns an exit status. */
int xlx_console_run(const struct xlx_console *what);

/* "^]", "x" or "none" into a byte, -1 for none. INVALID for anything else. */
int xlx_console_parse_escape(const char *text, int *ret_escape, struct uvp_error *err);

#endif
