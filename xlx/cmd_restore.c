/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx restore */
#include <stdio.h>

#include <uvp/stream.h>

#include "core/num.h"
#include "xlx/bar.h"
#include "xlx/open.h"
#include "xlx/out.h"

static int run_restore(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	enum bar_mode mode;
	char name[256];
	struct bar bar;
	int status, r;

	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	status = xlx_open_host(&host);
	if (status)
		return status;
	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = mode == BAR_NONE ? NULL : bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = uvp_domain_restore(host, xlx_arg(args, 0), xlx_value(args, "name"), xlx_has(args, "paused") ? UVP_CREATE_PAUSED : 0,
			       &op, &domain, &err);
	bar_done(&bar);
	if (r < 0)
		return xlx_fail(&err);
	out_sanitize(uvp_domain_name(domain), name, sizeof(name));
	printf("'%s' is domain %u\n", name, uvp_domain_id(domain));
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "paused", 'p', NULL, "leave the domain paused: 'xlx unpause' lets it go on", XLX_NO_VALUE },
	{ "name", 0, "NAME", "give the domain this name", XLX_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_restore = {
	.name = "restore",
	.group = "Domains",
	.summary = "let a saved domain go on",
	.args = "FILE",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run_restore,
};
