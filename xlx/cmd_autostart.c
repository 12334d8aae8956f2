/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx autostart: show and choose which defined domains start at boot. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/num.h"
#include "xlx/definition.h"
#include "xlx/out.h"

static int by_order(const void *a, const void *b)
{
	const struct uvp_definition *left = a, *right = b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return strcmp(left->name, right->name);
}

static int print_json(const struct uvp_definition *list, int n)
{
	struct uvpi_json *array = uvpi_json_array();

	for (int i = 0; i < n; i++) {
		struct uvpi_json *object = uvpi_json_object();
		char uuid[UVPI_UUID_TEXT];

		uvpi_format_uuid(list[i].uuid, uuid);
		uvpi_json_set_str(object, "name", list[i].name);
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_set_bool(object, "autostart", list[i].autostart);
		uvpi_json_set_u64(object, "order", list[i].order);
		uvpi_json_set_u64(object, "delay_ms", list[i].delay_ms);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

static int print_table(const struct uvp_definition *list, int n)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "AUTOSTART", OUT_LEFT);
	out_table_column(table, "ORDER", OUT_RIGHT);
	out_table_column(table, "DELAY(s)", OUT_RIGHT);
	for (int i = 0; i < n; i++) {
		out_table_text(table, list[i].name);
		out_table_text(table, list[i].autostart ? "on" : "off");
		if (list[i].autostart) {
			out_table_fmt(table, "%" PRIu32, list[i].order);
			out_table_fmt(table, "%g", list[i].delay_ms / 1000.0);
		} else {
			out_table_text(table, "-");
			out_table_text(table, "-");
		}
	}
	return out_table_print(table, false);
}

/* One, whatever it is, or all that start at boot. */
static int show(const struct xlx_args *args, struct uvp_host *host)
{
	_cleanup_free_ struct uvp_definition *list = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_definition one;
	int n = 0, all, status = 0;

	if (xlx_n_args(args)) {
		status = xlx_find_definition(host, xlx_arg(args, 0), &one);
		if (status)
			return status;
		return xlx_has(args, "json") ? print_json(&one, 1) : print_table(&one, 1);
	}
	all = uvp_definition_list(&list, &err);
	if (all < 0)
		return xlx_fail(&err);
	for (int i = 0; i < all; i++) {
		if (list[i].error.code)
			status = xlx_fail(&list[i].error);
		if (list[i].autostart)
			list[n++] = list[i];
	}
	if (n)
		qsort(list, (size_t)n, sizeof(*list), by_order);
	all = xlx_has(args, "json") ? print_json(list, n) : print_table(list, n);
	return all ? all : status;
}

static int set(const struct xlx_args *args, struct uvp_host *host)
{
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;
	const char *order = xlx_value(args, "order"), *delay = xlx_value(args, "delay"), *word = xlx_arg(args, 1);
	uint64_t ms = 0;
	uint32_t number = 0;
	int64_t duration = 0;
	bool on = !word || !strcmp(word, "on");
	int status;

	if (word && !on && strcmp(word, "off") != 0)
		return xlx_usage(args, "'%s' is neither on nor off", word);
	if (!on && (order || delay))
		return xlx_usage(args, "--order and --delay are for what starts at boot");
	status = xlx_find_definition(host, xlx_arg(args, 0), &definition);
	if (status)
		return status;
	if (definition.autostart) { /* what is not said stays */
		number = definition.order;
		ms = definition.delay_ms;
	}
	if ((order && uvpi_parse_u32(order, "--order", 0, 1000000, &number, &err) < 0) ||
	    (delay && uvpi_parse_duration(delay, "--delay", &duration, &err) < 0))
		return xlx_usage(args, "%s", err.message);
	if (delay)
		ms = (uint64_t)duration;
	if (ms > 86400000)
		return xlx_usage(args, "--delay is a day at most");
	return uvp_definition_set_autostart(&definition, on, number, (uint32_t)ms, &err) < 0 ? xlx_fail(&err) : 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	int status = xlx_open_host_if_any(&host);

	if (status)
		return status;
	if (xlx_n_args(args) == 2 || (xlx_n_args(args) == 1 && (xlx_has(args, "order") || xlx_has(args, "delay"))))
		return set(args, host);
	if (xlx_has(args, "order") || xlx_has(args, "delay"))
		return xlx_usage(args, "which domain?");
	return show(args, host);
}

static const struct xlx_opt opts[] = {
	{ "order", 'o', "NUMBER", "those with lower numbers start first", XLX_VALUE },
	{ "delay", 'd', "DURATION", "start the next one that much later: \"30s\", \"2m\"", XLX_VALUE },
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_autostart = {
	.name = "autostart",
	.group = "Defined domains",
	.summary = "show or choose what starts at boot",
	.args = "[DOMAIN [on|off]]",
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
