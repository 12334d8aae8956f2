/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx sched: shares of the CPUs, whichever scheduler a pool has. */
#include "xlx/sched.h"

static int run(const struct xlx_args *args)
{
	return xlx_sched_run(args, xlx_arg(args, 0), NULL);
}

static const struct xlx_opt opts[] = {
	XLX_OPT_WEIGHT,
	XLX_OPT_CAP,
	XLX_OPT_POOL,
	XLX_OPT_SCHEDPARAM,
	{ "tslice_ms", 't', "MILLISECONDS", "how long a vCPU runs before others get their turn (credit)", XLX_VALUE },
	XLX_OPT_RATELIMIT,
	{ "migration_delay_us", 'm', "MICROSECONDS", "how long a vCPU stays where its cache is warm (credit)", XLX_VALUE },
	XLX_OPT_JSON,
	{ 0 },
};

const struct xlx_cmd cmd_sched = {
	.name = "sched",
	.group = "Memory and CPU",
	.summary = "show or set weight and cap of domains",
	.args = "[DOMAIN]",
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
