/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as it was: what uvp-hostd has kept, made into the model that the views show. */
#ifndef XLX_TOP_PAST_H
#define XLX_TOP_PAST_H

#include <stdint.h>

#include <uvp/error.h>

#include "history/ring.h"
#include "xlx/top/model.h"

struct top_past {
	const char *folder;
	int64_t at_ns;               /* what is shown was taken then, since 1970; 0: nothing is shown */
	struct uvpi_history history; /* the model's names are in there */
	struct top_model *model;     /* NULL: nothing is shown */
};

void top_past_done(struct top_past *past);
/* A sample as it would be taken; its names are the frame's. NULL: no memory. */
struct uvp_stats *top_past_stats(const struct uvpi_history_frame *frame);
/* The model as it was at that sample, with the curves before. The names are the history's. NULL: no memory. */
struct top_model *top_past_model(const struct uvpi_history *history, size_t last, const struct top_model *now);
/* curves.c: rounds of the curves that the model has not seen are those of the history, as far as it has them. */
int top_past_curves(const char *folder, struct top_model *model, int interval_ms, int64_t now_ns, struct uvp_error *err);
/* Go back, or forward, by seconds from what is shown, or from now; 0 is to the next sample. Returns 1; 0 when there is nothing so old, and nothing was changed, or, on the way forward, when now
 * is reached; then nothing is shown any more. */
int top_past_go(struct top_past *past, int64_t seconds, bool forward, int64_t now_ns, const struct top_model *now,
		struct uvp_error *err);

#endif
