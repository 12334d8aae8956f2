/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-numa-split: a CPU pool for each memory node. */
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	return uvp_pool_numa_split(host, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

const struct xlx_cmd cmd_cpupool_numa_split = {
	.name = "cpupool-numa-split",
	.group = "CPU pools",
	.summary = "make one CPU pool for each memory node",
	.run = run,
};
