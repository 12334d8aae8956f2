/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the dashboard's figures come from. */
#ifndef XLX_TOP_SOURCE_H
#define XLX_TOP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "xlx/top/model.h"

struct top_ui;
struct uvp_host;
struct uvpi_store;

struct top_source {
	struct uvp_host *host;
	/* What is taken as well: what no view shows costs time for nothing. */
	bool vcpus, devices, memory, jobs, pools, detail;
	bool all; /* all of it, whatever the view */
	struct top_id of;   /* the domain whose details are taken */
	/* Milliseconds of the monotonic clock. An xenstored that did not answer is not asked again before; the others are asked
	 * seldom anyway. */
	int64_t ask_store_at, ask_pools_at, ask_host_at;
	uint64_t events;    /* what is known of them */
};

/* What a view needs. True: it needs something that was not taken before, so that there are no rates of it yet. */
bool top_source_want(struct top_source *source, const struct top_ui *ui);
/* Take one sample into the model. Waits a third of a second for xenstored at worst, and for nobody else. */
int top_source_take(struct top_source *source, struct top_model *model, struct uvp_error *err);
/* For xenstore with little patience: NULL when it is not to be asked now, or did not answer; and that it did not, later. */
struct uvpi_store *top_source_store(struct top_source *source);
void top_source_let_rest(struct top_source *source);
/* verify.c: are these domains still what their words in a command, names or numbers, stand for? Else what is the matter. Waits as
 * long. */
int top_source_verify(struct top_source *source, struct top_model *model, const struct top_id *ids, char *const *words, size_t n,
		      struct uvp_error *err);
/* Nanoseconds since 1970. */
int64_t top_wall_ns(void);
/* Milliseconds of the monotonic clock. */
int64_t top_clock_ms(void);

/* tail.c: the last lines of what a domain has printed, from xenconsoled's log, without escape sequences. NULL, and why, when
 * there is none; free(). */
char *top_console_tail(const char *name, char *ret_why, int size);
/* Pure, for tests: take escape sequences and what else does not print out of a text. */
void top_plain_text(char *text);

#endif
