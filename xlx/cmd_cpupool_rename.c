/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-rename. */
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool pool;
	int status = xlx_open_pool(xlx_arg(args, 0), &host, &pool);

	if (status)
		return status;
	return uvp_pool_rename(host, &pool, xlx_arg(args, 1), &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

const struct xlx_cmd cmd_cpupool_rename = {
	.name = "cpupool-rename",
	.group = "CPU pools",
	.summary = "give a CPU pool another name",
	.args = "POOL NAME",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_POOL,
	.run = run,
};
