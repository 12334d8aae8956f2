/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx save */
#include <stdio.h>

#include <uvp/stream.h>

#include "xlx/open.h"
#include "xlx/out.h"
#include "xlx/wait.h"

static int run_save(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_save_result result;
	struct xlx_wait wait;
	char size[32], raw[32];
	unsigned int flags;
	int status, r;

	flags = (xlx_has(args, "live") ? UVP_SAVE_LIVE : 0) | (xlx_has(args, "paused") ? UVP_SAVE_PAUSED : 0);
	if (xlx_count(args, "live") + xlx_count(args, "paused") + xlx_count(args, "destroy") > 1)
		return xlx_usage(args, "--live, --paused and --destroy exclude each other");
	status = xlx_wait_domain(&wait, args, &host, &domain);
	if (status)
		return status;
	r = uvp_domain_save(domain, xlx_arg(args, 1), flags, &wait.op, &result, &err);
	bar_done(&wait.bar);
	if (r < 0)
		return xlx_fail(&err);
	out_format_size(result.file_bytes, size, sizeof(size));
	out_format_size(result.stream_bytes, raw, sizeof(raw));
	printf("saved: %s, for %s of memory and state\n", size, raw);
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "live", 'c', NULL, "let the domain go on afterwards", XLX_NO_VALUE },
	{ "paused", 'p', NULL, "leave the domain paused afterwards", XLX_NO_VALUE },
	{ "destroy", 0, NULL, "end the domain when it is saved: what is done without these", XLX_NO_VALUE },
	XLX_OPT_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_save = {
	.name = "save",
	.group = "Domains",
	.summary = "suspend a domain, write it to a file and end it",
	.args = "DOMAIN FILE",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_save,
};
