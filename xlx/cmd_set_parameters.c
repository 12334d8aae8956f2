/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx set-parameters: the hypervisor's settings that can be changed while it runs. */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "xlx/open.h"
#include "xlx/out.h"

static int print_json(const struct uvp_parameter *parameters, int n)
{
	struct uvpi_json *array = uvpi_json_array();
	int i;

	for (i = 0; i < n; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_str(object, "name", parameters[i].name);
		uvpi_json_set_str(object, "value", parameters[i].value);
		uvpi_json_set_bool(object, "writable", parameters[i].writable);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

static int list(struct uvp_host *host, bool json)
{
	_cleanup_free_ struct uvp_parameter *parameters = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct out_table *table;
	int n = uvp_host_parameter_list(host, &parameters, &err), i;

	if (n < 0)
		return xlx_fail(&err);
	if (json)
		return print_json(parameters, n);
	table = out_table_new();
	out_table_column(table, "PARAMETER", OUT_LEFT);
	out_table_column(table, "CAN CHANGE", OUT_LEFT);
	out_table_column(table, "VALUE", OUT_LEFT);
	for (i = 0; i < n; i++) {
		out_table_text(table, parameters[i].name);
		out_table_text(table, parameters[i].writable ? "yes" : "no");
		out_table_text(table, parameters[i].value);
	}
	return out_table_print(table, false);
}

/* "name=value", "name" for yes and "no-name" or "noname" for no, as on Xen's own command line. */
static int set_one(struct uvp_host *host, const char *text)
{
	struct uvp_error err = UVP_ERROR_INIT;
	const char *equals = strchr(text, '='), *value = "yes";
	char name[256];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "="), text);
	if (equals) {
		value = equals + 1;
	} else if (!strncmp(text, "no-", 3)) { /* as on Xen's command line */
		snprintf(name, sizeof(name), "%s", text + 3);
		value = "no";
	}
	return uvp_host_set_parameter(host, name, value, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

/* xl takes all in one argument, separated by blanks; so do we, besides one in each. */
static int set_each(struct uvp_host *host, const char *text)
{
	char word[256];
	int status = XLX_EXIT_OK;

	while (status == XLX_EXIT_OK && *(text += strspn(text, " \t"))) {
		size_t len = strcspn(text, " \t");

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		status = set_one(host, word);
		text += len;
	}
	return status;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	int i, status;

	if (xlx_has(args, "json") && xlx_n_args(args))
		return xlx_usage(args, "--json is for listing");
	status = xlx_open_host(&host);
	if (status || !xlx_n_args(args))
		return status ? status : list(host, xlx_has(args, "json"));
	for (i = 0; i < xlx_n_args(args) && status == XLX_EXIT_OK; i++)
		status = set_each(host, xlx_arg(args, i));
	return status;
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print an array of objects", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_set_parameters = {
	.name = "set-parameters",
	.group = "Host",
	.summary = "list or change the hypervisor's parameters",
	.args = "[NAME=VALUE]...",
	.max_args = -1,
	.opts = opts,
	.run = run,
};
