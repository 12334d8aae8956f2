/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What to do when a domain has ended: a pure function of what is known about it. */
#ifndef HOSTD_DECIDE_H
#define HOSTD_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "core/hyp.h"

enum hostd_do { HOSTD_NOTHING = 0, HOSTD_DESTROY, HOSTD_RESTART, HOSTD_RENAME_RESTART, HOSTD_PRESERVE };

/* So many restarts of one domain within so many seconds, and no more. max 0: no limit. */
struct hostd_limit {
	uint32_t max;
	int64_t window_s;
};

/* How often it was restarted in a row, and when the row began (seconds since the host's boot). */
struct hostd_restarts {
	uint32_t count;
	int64_t since_s;
};

struct hostd_decision {
	enum hostd_do what;
	bool dump;                      /* a core of its memory first */
	bool limited;                   /* a restart was asked for, and the limit turned it into PRESERVE */
	bool soft_reset;                /* a soft reset was asked for, and became RESTART */
	struct hostd_restarts restarts; /* what its successor has behind it */
	const char *setting;            /* "on_crash", or NULL with NOTHING */
	enum uvpi_action action;        /* what that setting says */
};

void hostd_decide(enum uvpi_reason reason, const struct uvp_config *config, const struct hostd_restarts *restarts,
		  int64_t now_s, const struct hostd_limit *limit, struct hostd_decision *ret_decision);

/* "COUNT SECONDS"; anything else, and NULL, is no restart so far. */
void hostd_parse_restarts(const char *text, struct hostd_restarts *ret_restarts);

/* Pause before try number `tries` + 1 of a restart that failed `tries` times. */
int64_t hostd_retry_pause_s(uint32_t tries);

#endif
