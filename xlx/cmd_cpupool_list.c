/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-list: the pools of physical CPUs. */
#include "core/json.h"
#include "xlx/json_cpu.h"
#include "xlx/open.h"
#include "xlx/out.h"

static void add_json(struct uvpi_json *array, const struct uvp_pool *pool)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_u64(object, "id", pool->id);
	uvpi_json_set_str(object, "name", pool->name);
	uvpi_json_set_str(object, "scheduler", pool->scheduler);
	uvpi_json_set_u64(object, "domains", pool->domains);
	uvpi_json_set(object, "cpus", xlx_json_cpumap(&pool->cpus));
	uvpi_json_add(array, object);
}

static int print_json(const struct uvp_pool *pools, int n)
{
	struct uvpi_json *array = uvpi_json_array();
	int i;

	for (i = 0; i < n; i++)
		add_json(array, &pools[i]);
	return out_json(array);
}

static uint32_t count(const struct uvp_cpumap *map)
{
	uint32_t cpu, n = 0;

	for (cpu = 0; cpu < UVP_CPUS_MAX; cpu++)
		n += uvp_cpumap_has(map, cpu);
	return n;
}

static int print_table(struct uvp_host *host, const struct uvp_pool *pools, int n, bool only_cpus)
{
	struct out_table *table = out_table_new();
	char list[256];
	int i;

	out_table_column(table, "NAME", OUT_LEFT);
	if (!only_cpus) {
		out_table_column(table, "ID", OUT_RIGHT);
		out_table_column(table, "CPUS", OUT_RIGHT);
		out_table_column(table, "SCHEDULER", OUT_LEFT);
		out_table_column(table, "DOMAINS", OUT_RIGHT);
	}
	out_table_column(table, "CPU LIST", OUT_LEFT);
	for (i = 0; i < n; i++) {
		out_table_text(table, pools[i].name);
		if (!only_cpus) {
			out_table_fmt(table, "%u", pools[i].id);
			out_table_fmt(table, "%u", count(&pools[i].cpus));
			out_table_text(table, pools[i].scheduler);
			out_table_fmt(table, "%u", pools[i].domains);
		}
		uvp_cpumap_format(host, &pools[i].cpus, list, sizeof(list));
		out_table_text(table, list);
	}
	return out_table_print(table, false);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_free_ struct uvp_pool *list = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool one;
	const struct uvp_pool *pools = &one;
	int n = 1, status;

	if (xlx_arg(args, 0)) {
		status = xlx_open_pool(xlx_arg(args, 0), &host, &one);
		if (status)
			return status;
	} else {
		status = xlx_open_host(&host);
		if (status)
			return status;
		n = uvp_pool_list(host, &list, &err);
		if (n < 0)
			return xlx_fail(&err);
		pools = list;
	}
	return xlx_has(args, "json") ? print_json(pools, n) : print_table(host, pools, n, xlx_has(args, "cpus"));
}

static const struct xlx_opt opts[] = {
	{ "cpus", 'c', NULL, "names and CPUs only", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an array of objects", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpupool_list = {
	.name = "cpupool-list",
	.group = "CPU pools",
	.summary = "list the pools of physical CPUs",
	.args = "[POOL]",
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_POOL,
	.run = run,
};
