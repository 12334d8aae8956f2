/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx mem-set: how much memory a guest should have. */
#include <uvp/memory.h>

#include "core/num.h"
#include "xlx/open.h"
#include "xlx/wait.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	uint64_t bytes;
	int r, status;

	/* As in xl, a bare number is in MiB. */
	if (uvpi_parse_size(xlx_arg(args, 1), "memory", 1 << 20, &bytes, &err))
		return xlx_usage(args, "%s", err.message);
	status = xlx_open_domain(args, 0, &host, &domain);
	if (!status)
		status = xlx_wait_init(&wait, args);
	if (status)
		return status;
	r = uvp_domain_set_memory(domain, bytes / 1024, wait.no_wait ? UVP_MEMORY_NO_WAIT : 0, &wait.op, &err);
	bar_done(&wait.bar);
	return r ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	XLX_OPT_NO_WAIT,
	XLX_OPT_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_mem_set = {
	.name = "mem-set",
	.group = "Memory and CPU",
	.summary = "set how much memory a guest has, and wait for it",
	.args = "DOMAIN SIZE",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
