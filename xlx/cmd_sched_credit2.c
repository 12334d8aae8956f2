/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx sched-credit2: as xl has it. */
#include "xlx/sched.h"

static int run(const struct xlx_args *args)
{
	return xlx_sched_run(args, xlx_value(args, "domain"), "credit2");
}

static const struct xlx_opt opts[] = {
	{ "domain", 'd', "DOMAIN", "show or set this domain's", XLX_VALUE },
	XLX_OPT_WEIGHT,
	XLX_OPT_CAP,
	XLX_OPT_POOL,
	XLX_OPT_SCHEDPARAM,
	XLX_OPT_RATELIMIT,
	XLX_OPT_JSON,
	{ 0 },
};

const struct xlx_cmd cmd_sched_credit2 = {
	.name = "sched-credit2",
	.group = "Memory and CPU",
	.summary = "show or set parameters of the credit2 scheduler",
	.opts = opts,
	.run = run,
};
