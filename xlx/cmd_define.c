/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx define: keep domains, whether they run or not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/definition.h"
#include "xlx/out.h"

static void warn(void *data, const char *where, const char *text)
{
	xlx_warn("%s: %s", where, text);
}

static void report_json(const struct uvp_definition *definition, struct uvpi_json *array)
{
	struct uvpi_json *object = uvpi_json_object();
	char uuid[UVPI_UUID_TEXT];

	uvpi_format_uuid(definition->uuid, uuid);
	uvpi_json_set_str(object, "name", definition->name);
	uvpi_json_set_str(object, "uuid", uuid);
	uvpi_json_set_u64(object, "revision", definition->revision);
	uvpi_json_add(array, object);
}

static void report(const struct uvp_definition *definition, bool unchanged)
{
	char name[256];

	out_sanitize(definition->name, name, sizeof(name));
	if (unchanged)
		printf("'%s' is defined like that already\n", name);
	else if (definition->revision > 1)
		printf("'%s' is defined anew: revision %" PRIu32 "; 'xlx history %s' shows what it was\n", name,
		       definition->revision, name);
	else
		printf("'%s' is defined; 'xlx start %s' starts it\n", name, name);
}

static int define(struct uvp_host *host, const char *file, const char *const *overrides, int n, struct uvpi_json *array)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_config_read(file, overrides, n, warn, NULL, &config, &err);

	if (r == 0)
		r = uvp_definition_save(host, config, 0, &definition, &err);
	if (r < 0)
		return xlx_fail(&err);
	xlx_warn_unsupported(config);
	xlx_warn_same_mac(config, &definition);
	if (array)
		report_json(&definition, array);
	else
		report(&definition, r > 0);
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_free_ const char **lines = calloc((size_t)xlx_n_args(args) + 1, sizeof(*lines));
	struct uvpi_json *array = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n = 0, status = xlx_open_host_if_any(&host), first = 0;

	if (status)
		return status;
	if (!lines) {
		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	for (int i = 0; i < xlx_n_args(args); i++)
		if (strchr(xlx_arg(args, i), '='))
			lines[n++] = xlx_arg(args, i);
	if (n == xlx_n_args(args))
		return xlx_usage(args, "no configuration file given");
	if (xlx_has(args, "json"))
		array = uvpi_json_array();
	for (int i = 0; i < xlx_n_args(args); i++) {
		if (strchr(xlx_arg(args, i), '='))
			continue;
		status = define(host, xlx_arg(args, i), lines, n, array);
		first = first ? first : status;
	}
	status = array ? out_json(array) : 0;
	return first ? first : status;
}

static const struct xlx_opt opts[] = {
	{ "json", 'j', NULL, "print what was defined as JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_define = {
	.name = "define",
	.group = "Defined domains",
	.summary = "keep domains, whether they run or not",
	.args = "FILE... [KEY=VALUE]...",
	.min_args = 1,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
