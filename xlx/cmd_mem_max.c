/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx mem-max: how much memory Xen lets a domain have. */
#include <uvp/memory.h>

#include "core/num.h"
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	uint64_t bytes;
	int status;

	/* As in xl, a bare number is in MiB. */
	if (uvpi_parse_size(xlx_arg(args, 1), "memory", 1 << 20, &bytes, &err))
		return xlx_usage(args, "%s", err.message);
	status = xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	return uvp_domain_set_memory_limit(domain, bytes / 1024, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

const struct xlx_cmd cmd_mem_max = {
	.name = "mem-max",
	.group = "Memory and CPU",
	.summary = "set how much memory Xen lets a domain have",
	.args = "DOMAIN SIZE",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
