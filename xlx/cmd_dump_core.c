/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx dump-core */
#include <stdio.h>

#include "core/num.h"
#include "xlx/bar.h"
#include "xlx/open.h"

static int run_dump_core(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	enum bar_mode mode;
	struct bar bar;
	int status, r;

	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	status = xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = uvp_domain_dump_core(domain, xlx_arg(args, 1), xlx_has(args, "live") ? UVP_DUMP_LIVE : 0, &op, &err);
	bar_done(&bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "live", 'L', NULL, "let the domain run meanwhile, so that the dump may not be of one moment", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_dump_core = {
	.name = "dump-core",
	.group = "Domains",
	.summary = "write a domain's memory and registers to a file",
	.args = "DOMAIN FILE",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_dump_core,
};
