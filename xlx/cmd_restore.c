/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx restore */
#include <stdio.h>

#include <uvp/stream.h>

#include "xlx/open.h"
#include "xlx/out.h"
#include "xlx/wait.h"

static int run_restore(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	unsigned int flags = (xlx_has(args, "paused") ? UVP_CREATE_PAUSED : 0) | (xlx_has(args, "new") ? UVP_RESTORE_NEW : 0);
	char name[256];
	int status, r;

	status = xlx_open_host(&host);
	if (status == 0)
		status = xlx_wait_init(&wait, args);
	if (status)
		return status;
	r = uvp_domain_restore(host, xlx_arg(args, 0), xlx_value(args, "name"), flags, &wait.op, &domain, &err);
	bar_done(&wait.bar);
	if (r < 0)
		return xlx_fail(&err);
	out_sanitize(uvp_domain_name(domain), name, sizeof(name));
	printf("'%s' is domain %u\n", name, uvp_domain_id(domain));
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "paused", 'p', NULL, "leave the domain paused: 'xlx unpause' lets it go on", XLX_NO_VALUE },
	{ "name", 0, "NAME", "give the domain this name", XLX_VALUE },
	{ "new", 0, NULL, "make another guest of it, beside the saved one and others of this file", XLX_NO_VALUE },
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
