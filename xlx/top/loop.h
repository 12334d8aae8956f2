/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard as it runs: samples, keys, and the commands it starts. */
#ifndef XLX_TOP_LOOP_H
#define XLX_TOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct top_model;
struct top_past;
struct top_ui;
struct uvp_host;

/* Where samples come from. */
struct top_source {
	struct uvp_host *host;
	bool vcpus, news; /* take those as well: what no view shows costs time for nothing */
	int64_t ask_names_at; /* ms of the monotonic clock; a xenstored that did not answer is not asked again before */
};

/* What a view needs. */
void top_source_want(struct top_source *source, const struct top_ui *ui);
/* Take one sample into the model. */
int top_source_take(struct top_source *source, struct top_model *model, struct uvp_error *err);
/* Nanoseconds since 1970. */
int64_t top_wall_ns(void);
/* Milliseconds of the monotonic clock. */
int64_t top_clock_ms(void);
/* The screen, until the operator quits. Returns an exit status. */
int top_loop(struct top_source *source, struct top_model *model, struct top_ui *ui, struct top_past *past, bool colour);

#endif
