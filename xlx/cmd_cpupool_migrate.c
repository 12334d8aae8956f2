/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-migrate: move a domain to another pool of CPUs. */
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool pool;
	int status = xlx_open_domain(args, 0, &host, &domain);

	if (status)
		return status;
	if (uvp_pool_lookup(host, xlx_arg(args, 1), &pool, &err) ||
	    uvp_pool_move_domain(host, &pool, domain, &err))
		return xlx_fail(&err);
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_cpupool_migrate = {
	.name = "cpupool-migrate",
	.group = "CPU pools",
	.summary = "move a domain to another CPU pool",
	.args = "DOMAIN POOL",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
