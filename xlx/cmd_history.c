/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx history: show what a definition was before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/json.h"
#include "define/store.h"
#include "xlx/definition.h"
#include "xlx/out.h"

struct history {
	const struct uvp_definition *definition;
	struct uvp_revision *revisions;
	int n;
};

/* What revision i changed: 1, or 0 when that cannot be told, as for the first that is kept. */
static int changes_of(const struct history *h, int i, struct uvp_change_list *ret_changes)
{
	_cleanup_config_ struct uvp_config *before = NULL, *after = NULL;

	return i > 0 && uvp_definition_config(h->definition, h->revisions[i - 1].revision, &before, NULL) == 0 &&
	       uvp_definition_config(h->definition, h->revisions[i].revision, &after, NULL) == 0 &&
	       uvp_config_compare(before, after, ret_changes, NULL) == 0;
}

static int print_json(const struct history *h)
{
	struct uvpi_json *array = uvpi_json_array();

	for (int i = 0; i < h->n; i++) {
		_cleanup_changes_ struct uvp_change_list changes = { 0 };
		struct uvpi_json *object = uvpi_json_object(), *list = uvpi_json_array();

		uvpi_json_set_u64(object, "revision", h->revisions[i].revision);
		uvpi_json_set_i64(object, "changed", h->revisions[i].changed);
		uvpi_json_set_bool(object, "current", h->revisions[i].current);
		changes_of(h, i, &changes);
		for (size_t k = 0; k < changes.n; k++) {
			struct uvpi_json *change = uvpi_json_object();

			uvpi_json_set_str(change, "key", changes.changes[k].key);
			uvpi_json_set_str(change, "from", changes.changes[k].from);
			uvpi_json_set_str(change, "to", changes.changes[k].to);
			uvpi_json_add(list, change);
		}
		uvpi_json_set(object, "changes", list);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

static void format_changes(const struct history *h, int i, char *buf, size_t size)
{
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	size_t len = 0;

	snprintf(buf, size, "%s", i ? "cannot be read" : h->revisions[i].revision == 1 ? "defined" : "the oldest that is kept");
	if (!changes_of(h, i, &changes))
		return;
	buf[0] = '\0';
	for (size_t k = 0; k < changes.n && len < size; k++) {
		char text[512];

		xlx_format_change(&changes.changes[k], text, sizeof(text));
		len += (size_t)snprintf(buf + len, size - len, "%s%.100s", k ? "; " : "", text);
	}
}

static int print_table(const struct history *h)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "REVISION", OUT_RIGHT);
	out_table_column(table, "SINCE", OUT_LEFT);
	out_table_column(table, "CHANGES", OUT_LEFT);
	for (int i = 0; i < h->n; i++) {
		char date[32], text[400];

		out_table_fmt(table, "%" PRIu32 "%s", h->revisions[i].revision, h->revisions[i].current ? "*" : " ");
		xlx_format_date(h->revisions[i].changed, date, sizeof(date));
		out_table_text(table, date);
		format_changes(h, i, text, sizeof(text));
		out_table_text(table, text);
	}
	return out_table_print(table, false);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_definition definition;
	struct history h = { .definition = &definition };
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_definition(args, 0, &host, &definition);

	if (status)
		return status;
	h.n = uvp_definition_history(&definition, &h.revisions, &err);
	if (h.n < 0)
		return xlx_fail(&err);
	status = xlx_has(args, "json") ? print_json(&h) : print_table(&h);
	free(h.revisions);
	if (!status && definition.error.code)
		status = xlx_fail(&definition.error);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_history = {
	.name = "history",
	.group = "Defined domains",
	.summary = "show what a definition was before",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
