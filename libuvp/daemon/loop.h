/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one loop of a daemon: signals, service manager, watchdog. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <systemd/sd-event.h>

#include <uvp/error.h>

#include "core/cleanup.h"

UVPI_DEFINE_CLEANUP(sd_event *, sd_event_unref);
#define _cleanup_event_ UVPI_CLEANUP(sd_event_unref)

/* A loop that feeds the service manager's watchdog. stop is called at SIGTERM and SIGINT, and ends the loop with
 * sd_event_exit() when it has tidied up. SIGCHLD is blocked, so that children can be loop sources; SIGPIPE is ignored. */
int daemon_loop_new(int (*stop)(void *data), void *data, sd_event **ret_event, struct uvp_error *err);

/* In a forked child: signals as a program expects them, and the end together with the parent's. */
void daemon_child_init(void);

/* "cannot ..." for a negative errno of an sd_ function. Returns -code. */
int daemon_fail(struct uvp_error *err, int negative_errno, const char *what);

/* Tell the service manager "STATUS=..." and, with ready, that start-up is over. */
void daemon_notify(int ready, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
