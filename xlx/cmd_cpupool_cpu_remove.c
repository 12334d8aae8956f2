/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-cpu-remove. */
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_cpumap cpus;
	struct uvp_pool pool;
	int status = xlx_open_pool(xlx_arg(args, 0), &host, &pool);

	if (status)
		return status;
	if (uvp_cpumap_parse(host, xlx_arg(args, 1), &cpus, &err) || uvp_pool_remove_cpus(host, &pool, &cpus, &err))
		return xlx_fail(&err);
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_cpupool_cpu_remove = {
	.name = "cpupool-cpu-remove",
	.group = "CPU pools",
	.summary = "take CPUs out of a CPU pool",
	.args = "POOL CPUS",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_POOL,
	.run = run,
};
