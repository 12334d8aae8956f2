/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-cpu-add and cpupool-cpu-remove, which differ in one call. */
#include "xlx/open.h"

typedef int change_cpus(struct uvp_host *host, const struct uvp_pool *pool, const struct uvp_cpumap *cpus,
			struct uvp_error *err);

static int change(const struct xlx_args *args, change_cpus *call)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_cpumap cpus;
	struct uvp_pool pool;
	int status = xlx_open_pool(xlx_arg(args, 0), &host, &pool);

	if (status)
		return status;
	if (uvp_cpumap_parse(host, xlx_arg(args, 1), &cpus, &err) || call(host, &pool, &cpus, &err))
		return xlx_fail(&err);
	return XLX_EXIT_OK;
}

static int run_add(const struct xlx_args *args)
{
	return change(args, uvp_pool_add_cpus);
}

static int run_remove(const struct xlx_args *args)
{
	return change(args, uvp_pool_remove_cpus);
}

const struct xlx_cmd cmd_cpupool_cpu_add = {
	.name = "cpupool-cpu-add",
	.group = "CPU pools",
	.summary = "put free CPUs into a CPU pool",
	.args = "POOL CPUS",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_POOL,
	.run = run_add,
};

const struct xlx_cmd cmd_cpupool_cpu_remove = {
	.name = "cpupool-cpu-remove",
	.group = "CPU pools",
	.summary = "take CPUs out of a CPU pool",
	.args = "POOL CPUS",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_POOL,
	.run = run_remove,
};
