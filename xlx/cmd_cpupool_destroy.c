/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-destroy: end a pool, its CPUs become free. */
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool pool;
	int status = xlx_open_pool(xlx_arg(args, 0), &host, &pool);

	if (status)
		return status;
	return uvp_pool_destroy(host, &pool, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

const struct xlx_cmd cmd_cpupool_destroy = {
	.name = "cpupool-destroy",
	.group = "CPU pools",
	.summary = "end a CPU pool that has no domains",
	.args = "POOL",
	.min_args = 1,
	.max_args = 1,
	.complete = XLX_COMPLETE_POOL,
	.run = run,
};
