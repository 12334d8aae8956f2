/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx vm-list: UUID, id and name of every guest. */
#include <inttypes.h>

#include "core/json.h"
#include "core/num.h"
#include "xlx/cmd.h"
#include "xlx/listing.h"
#include "xlx/out.h"

static int print_json(const struct uvp_domain_list *list)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < list->n; i++) {
		struct uvpi_json *object;
		char uuid[UVPI_UUID_TEXT];

		if (!list->domains[i].id)
			continue;
		object = uvpi_json_object();
		uvpi_format_uuid(list->domains[i].uuid, uuid);
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_set_u64(object, "domid", list->domains[i].id);
		uvpi_json_set_str(object, "name", list->domains[i].name);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

static int print_table(const struct xlx_args *args, const struct uvp_domain_list *list)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "UUID", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "NAME", OUT_LEFT);
	for (size_t i = 0; i < list->n; i++) {
		char uuid[UVPI_UUID_TEXT];

		if (!list->domains[i].id)
			continue;
		uvpi_format_uuid(list->domains[i].uuid, uuid);
		out_table_text(table, uuid);
		out_table_fmt(table, "%" PRIu32, list->domains[i].id);
		out_table_text(table, list->domains[i].name ? list->domains[i].name : "-");
	}
	return out_table_print(table, xlx_has(args, "no-header"));
}

static int run(const struct xlx_args *args)
{
	return xlx_listing_print(args, 0, print_table, print_json);
}

const struct xlx_cmd cmd_vm_list = {
	.name = "vm-list",
	.group = "Domains",
	.summary = "list the UUIDs of guests",
	.args = "",
	.opts = xlx_listing_opts,
	.quick = true,
	.run = run,
};
