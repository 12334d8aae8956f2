/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress of long calls on stderr: a line that is drawn over on a terminal, a line now and then elsewhere,
 * one JSON object a line for programs. */
#ifndef XLX_BAR_H
#define XLX_BAR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <uvp/progress.h>

#include "xlx/cmd.h"

enum bar_mode { BAR_NONE, BAR_TERMINAL, BAR_LINES, BAR_JSON };

struct bar {
	FILE *out;
	enum bar_mode mode;
	int width;           /* of the terminal */
	int64_t (*now)(void); /* milliseconds of a clock that only goes forward */
	int64_t started, drawn_at, told_at;
	bool on_screen;
	char phase[64];
	uint64_t done;
	int job; /* what tells others of it, or -1 */
};

/* The line of an option table for --progress, and the mode that the operator wants: BAR_TERMINAL or BAR_LINES as
 * stderr is a terminal or not, unless --progress says otherwise. A wrong value has been reported when it is false. */
#define XLX_OPT_PROGRESS \
	{ "progress", 0, "HOW", "show progress as 'json' (an object a line on standard error) or 'none'", XLX_VALUE }
bool bar_mode_of(const struct xlx_args *args, enum bar_mode *ret_mode);

/* now is uvpi_now_ms but in tests. The bar becomes the current one until bar_done(). */
void bar_init(struct bar *bar, FILE *out, enum bar_mode mode, int64_t (*now)(void));
/* For the progress member of struct uvp_op; data is the bar. */
void bar_update(void *data, const struct uvp_progress *progress);
/* Takes the line off the screen. */
void bar_done(struct bar *bar);
/* The same for the current bar, if any, before something else is printed. */
void bar_clear_current(void);

#endif
