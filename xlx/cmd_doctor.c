/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx doctor --scale: do the settings of this host carry so many guests? */
#include <inttypes.h>
#include <stdio.h>

#include "core/error.h"
#include "core/host.h"
#include "core/json.h"
#include "core/num.h"
#include "doctor/scale.h"
#include "xlx/open.h"
#include "xlx/out.h"

static const char *const words[] = { "fits", "too little", "not told" };
static const char *const json_words[] = { "fits", "short", "unknown" };

struct report {
	struct uvpi_scale_shape shape;
	struct uvpi_scale_facts facts;
	struct uvpi_scale_check checks[UVPI_SCALE_CHECKS_MAX];
	int n;
	uint64_t carries; /* by all of them */
	int n_short;
};

static void sum_up(struct report *report)
{
	report->carries = UVPI_SCALE_GUESTS_MAX;
	for (int i = 0; i < report->n; i++) {
		report->n_short += report->checks[i].verdict == UVPI_SCALE_SHORT;
		if (report->checks[i].carries < report->carries)
			report->carries = report->checks[i].carries;
	}
}

static void number_cell(struct out_table *table, uint64_t number, const char *if_none)
{
	if (number == UVPI_SCALE_UNKNOWN)
		out_table_text(table, if_none);
	else
		out_table_fmt(table, "%" PRIu64, number);
}

static int print_text(const struct report *report)
{
	struct out_table *table = out_table_new();
	int status;

	out_table_column(table, "LIMIT", OUT_LEFT);
	out_table_column(table, "NEEDED", OUT_RIGHT);
	out_table_column(table, "THERE", OUT_RIGHT);
	out_table_column(table, "CARRIES", OUT_RIGHT);
	out_table_column(table, "", OUT_LEFT);
	for (int i = 0; i < report->n; i++) {
		const struct uvpi_scale_check *check = &report->checks[i];

		out_table_text(table, check->what);
		number_cell(table, check->need, "-");
		number_cell(table, check->limit, "-");
		number_cell(table, check->carries, check->verdict == UVPI_SCALE_FITS ? "any" : "-");
		out_table_text(table, words[check->verdict]);
	}
	status = out_table_print(table, false);
	for (int i = 0; i < report->n; i++)
		if (report->checks[i].change[0])
			printf("\n%s: %s\n", report->checks[i].what, report->checks[i].change);
	return status;
}

static void set_number(struct uvpi_json *object, const char *key, uint64_t number)
{
	if (number == UVPI_SCALE_UNKNOWN)
		uvpi_json_set_str(object, key, NULL);
	else
		uvpi_json_set_u64(object, key, number);
}

static int print_json(const struct report *report)
{
	static const char *const stores[] = { "unknown", "xenstored", "oxenstored", "domain" };
	struct uvpi_json *root = uvpi_json_object(), *array = uvpi_json_array();

	uvpi_json_set_u64(root, "guests", report->shape.guests);
	uvpi_json_set_u64(root, "disks", report->shape.disks);
	uvpi_json_set_u64(root, "vifs", report->shape.vifs);
	uvpi_json_set_u64(root, "memory_kib", report->shape.memory_kib);
	uvpi_json_set_u64(root, "guests_now", report->facts.domains);
	uvpi_json_set_str(root, "xenstore", stores[report->facts.store]);
	uvpi_json_set_bool(root, "fits", !report->n_short);
	uvpi_json_set_u64(root, "carries", report->carries);
	for (int i = 0; i < report->n; i++) {
		const struct uvpi_scale_check *check = &report->checks[i];
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_str(object, "name", check->name);
		uvpi_json_set_str(object, "verdict", json_words[check->verdict]);
		set_number(object, "needed", check->need);
		set_number(object, "limit", check->limit);
		set_number(object, "carries", check->carries);
		uvpi_json_set_str(object, "change", check->change[0] ? check->change : NULL);
		uvpi_json_add(array, object);
	}
	uvpi_json_set(root, "checks", array);
	return out_json(root);
}

static int read_shape(const struct xlx_args *args, struct uvpi_scale_shape *shape)
{
	struct uvp_error err = UVP_ERROR_INIT;
	uint64_t disks = 1, vifs = 1, bytes = 0;
	int status;

	if (!xlx_value(args, "scale"))
		return xlx_usage(args, "say for how many guests: --scale N");
	status = xlx_number(args, xlx_value(args, "scale"), "--scale", 1, UVPI_SCALE_GUESTS_MAX, &shape->guests);
	if (!status && xlx_value(args, "disks"))
		status = xlx_number(args, xlx_value(args, "disks"), "--disks", 0, 256, &disks);
	if (!status && xlx_value(args, "vifs"))
		status = xlx_number(args, xlx_value(args, "vifs"), "--vifs", 0, 256, &vifs);
	if (status)
		return status;
	if (xlx_value(args, "memory") &&
	    uvpi_parse_size(xlx_value(args, "memory"), "--memory", 1024 * 1024, &bytes, &err))
		return xlx_usage(args, "%s", err.message);
	shape->disks = (uint32_t)disks;
	shape->vifs = (uint32_t)vifs;
	if (bytes / 1024 > UINT32_MAX * (uint64_t)1024)
		return xlx_usage(args, "--memory is more than a domain can have");
	shape->memory_kib = bytes / 1024;
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct report report = { 0 };
	int status = read_shape(args, &report.shape);

	if (!status)
		status = xlx_open_host(&host);
	if (status)
		return status;
	if (uvpi_scale_facts(host, &report.facts, &err) < 0)
		return xlx_fail(&err);
	report.n = uvpi_scale_judge(&report.shape, &report.facts, report.checks);
	sum_up(&report);
	status = xlx_has(args, "json") ? print_json(&report) : print_text(&report);
	if (status || !report.n_short)
		return status;
	uvpi_fail(&err, UVP_E_UNSUPPORTED, 0, "the settings of this host carry %" PRIu64 " such guests, not %" PRIu64,
		  report.carries, report.shape.guests);
	if (!xlx_has(args, "json"))
		uvpi_hint(&err, "what to change stands above");
	return xlx_fail(&err);
}

static const struct xlx_opt opts[] = {
	{ "scale", 0, "N", "for that many guests in all", XLX_VALUE },
	{ "disks", 0, "N", "disks of each guest (1 if not given)", XLX_VALUE },
	{ "vifs", 0, "N", "network interfaces of each guest (1 if not given)", XLX_VALUE },
	{ "memory", 'm', "SIZE", "memory of each guest, in MiB without a unit", XLX_VALUE },
	{ "json", 0, NULL, "print an object", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_doctor = {
	.name = "doctor",
	.group = "Host",
	.summary = "tell whether the host's settings carry so many guests",
	.args = "",
	.opts = opts,
	.run = run,
};
