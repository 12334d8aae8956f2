/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of commands that ask a guest for something and wait until it has done it. */
#ifndef XLX_WAIT_H
#define XLX_WAIT_H

#include <uvp/domain.h>
#include <uvp/host.h>
#include <uvp/progress.h>

#include "xlx/bar.h"
#include "xlx/cmd.h"

#define XLX_OPT_NO_WAIT { "no-wait", 0, NULL, "ask the guest, but do not wait until it has followed", XLX_NO_VALUE }
#define XLX_OPT_TIMEOUT { "timeout", 0, "DURATION", "how long to wait at most: \"30s\", \"2m\"", XLX_VALUE }

struct xlx_wait {
	bool no_wait;
	struct bar bar;
	struct uvp_op op;
};

/* Read --no-wait, --timeout and --progress. Returns 0, or an exit status after the error was printed.
 * bar_done(&wait->bar) after the call. */
int xlx_wait_init(struct xlx_wait *wait, const struct xlx_args *args);
/* For a command about argument 0, a domain: that, and its options. */
int xlx_wait_domain(struct xlx_wait *wait, const struct xlx_args *args, struct uvp_host **ret_host,
		    struct uvp_domain **ret_domain);

#endif
