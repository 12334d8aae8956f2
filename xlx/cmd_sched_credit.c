/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx sched-credit: as xl has it. */
#include "xlx/sched.h"

static int run(const struct xlx_args *args)
{
	return xlx_sched_run(args, xlx_value(args, "domain"), "credit");
}

static const struct xlx_opt opts[] = {
	{ "domain", 'd', "DOMAIN", "show or set this domain's", XLX_VALUE },
	XLX_OPT_WEIGHT,
	XLX_OPT_CAP,
	XLX_OPT_POOL,
	XLX_OPT_SCHEDPARAM,
	{ "tslice_ms", 't', "MILLISECONDS", "how long a vCPU runs before others get their turn", XLX_VALUE },
	XLX_OPT_RATELIMIT,
	{ "migration_delay_us", 'm', "MICROSECONDS", "how long a vCPU stays where its cache is warm", XLX_VALUE },
	XLX_OPT_JSON,
	{ 0 },
};

const struct xlx_cmd cmd_sched_credit = {
	.name = "sched-credit",
	.group = "Memory and CPU",
	.summary = "show or set parameters of the credit scheduler",
	.opts = opts,
	.run = run,
};
