/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who writes the history: a child, since the disk may hang for as long as it likes, and the daemon must not. What it does not take yet
 * waits in memory. */
#ifndef HOSTD_RECORDER_H
#define HOSTD_RECORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include <uvp/error.h>

#include "history/frame.h"

struct hostd_recorder;

/* What becomes of samples, told when it is known. */
struct hostd_recorder_ops {
	void (*refused)(void *data, struct uvp_error *err); /* there is something else: nothing was or will be written; close it */
	void (*failed)(void *data, bool lost, struct uvp_error *err); /* what was given is lost in part, or waits */
	void (*written)(void *data, int64_t ms);            /* of what was given; the first of it had waited so long */
};

/* dir is the caller's, and stays. Files are opened by the child. */
int hostd_recorder_open(sd_event *event, const char *dir, uint64_t size, const struct hostd_recorder_ops *ops, void *data,
			struct hostd_recorder **ret_recorder, struct uvp_error *err);
/* What was given is written if that can be done at once, and lost if not. */
void hostd_recorder_close(struct hostd_recorder *recorder);
/* Never waits. NO_SPACE: too much waits already. */
int hostd_recorder_give(struct hostd_recorder *recorder, const struct uvpi_history_frame *frame, struct uvp_error *err);
/* How long what was given last is not written. */
int64_t hostd_recorder_busy_ms(const struct hostd_recorder *recorder);
/* CPU time of children since the last call, as far as they have told. */
int64_t hostd_recorder_take_cost_ns(struct hostd_recorder *recorder);

#endif
