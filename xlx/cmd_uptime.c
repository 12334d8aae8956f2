/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx uptime: for how long domains have been there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/json.h"
#include "core/num.h"
#include "xlx/cmd.h"
#include "xlx/listing.h"
#include "xlx/out.h"

/* Seconds, or -1 when nobody noted when it began. Domain 0 is as old as its kernel. */
static int64_t uptime_of(const struct uvp_domain_info *domain)
{
	struct timespec now;

	if (!domain->id) {
		clock_gettime(CLOCK_BOOTTIME, &now);
		return now.tv_sec;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (!domain->start_time)
		return -1;
	return now.tv_sec > domain->start_time ? now.tv_sec - domain->start_time : 0;
}

static int print_json(const struct uvp_domain_list *list)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < list->n; i++) {
		struct uvpi_json *object = uvpi_json_object();
		int64_t seconds = uptime_of(&list->domains[i]);

		uvpi_json_set_str(object, "name", list->domains[i].name);
		uvpi_json_set_u64(object, "domid", list->domains[i].id);
		if (seconds >= 0)
			uvpi_json_set_i64(object, "uptime_s", seconds);
		else
			uvpi_json_set_str(object, "uptime_s", NULL);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

static int print_table(const struct xlx_args *args, const struct uvp_domain_list *list)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "UPTIME", OUT_RIGHT);
	for (size_t i = 0; i < list->n; i++) {
		int64_t seconds = uptime_of(&list->domains[i]);
		char text[32] = "-";

		if (seconds >= 0)
			out_format_time((uint64_t)seconds, text, sizeof(text));
		out_table_text(table, list->domains[i].name ? list->domains[i].name : "-");
		out_table_fmt(table, "%" PRIu32, list->domains[i].id);
		out_table_text(table, text);
	}
	return out_table_print(table, xlx_has(args, "no-header"));
}

static int run(const struct xlx_args *args)
{
	return xlx_listing_print(args, UVP_LIST_DETAILS, print_table, print_json);
}

const struct xlx_cmd cmd_uptime = {
	.name = "uptime",
	.group = "Domains",
	.summary = "print for how long domains have been running",
	.args = "[DOMAIN]...",
	.max_args = -1,
	.opts = xlx_listing_opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run,
};
