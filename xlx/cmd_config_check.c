/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx config-check: what is wrong with a configuration, without touching the host. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <uvp/config.h>

#include "config/devspec.h"
#include "config/model.h"
#include "core/error.h"
#include "core/json.h"
#include "device/qdisk.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

/* Warnings go to the terminal or into the report. */
struct report {
	struct uvpi_json *warnings; /* NULL: the terminal */
};

static void warn(void *data, const char *where, const char *text)
{
	struct report *report = data;
	struct uvpi_json *warning;

	if (!report->warnings) {
		xlx_warn("%s: %s", where, text);
		return;
	}
	warning = uvpi_json_object();
	uvpi_json_set_str(warning, "where", where);
	uvpi_json_set_str(warning, "text", text);
	uvpi_json_add(report->warnings, warning);
}

static struct uvpi_json *error_json(const struct uvp_error *err)
{
	struct uvpi_json *error = uvpi_json_object();

	uvpi_json_set_str(error, "code", uvp_errcode_name(err->code));
	uvpi_json_set_str(error, "message", err->message);
	uvpi_json_set_str(error, "hint", *err->hint ? err->hint : NULL);
	return error;
}

static void describe_json(struct uvpi_json *object, const struct uvp_config *config)
{
	uvpi_json_set_str(object, "format", config->is_xml ? "xml" : "xl");
	uvpi_json_set_str(object, "name", config->name);
	uvpi_json_set_str(object, "type", uvpi_type_name(config->type));
	uvpi_json_set_u64(object, "memory_mib", config->memory_kib / 1024);
	uvpi_json_set_u64(object, "maxmem_mib", config->maxmem_kib / 1024);
	uvpi_json_set_u64(object, "vcpus", config->vcpus);
	uvpi_json_set_u64(object, "maxvcpus", config->maxvcpus);
}

static int print_json(const char *file, const struct uvp_config *config, struct report *report,
		      const struct uvp_error *err)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_str(object, "file", file);
	uvpi_json_set_bool(object, "understood", config != NULL);
	uvpi_json_set_bool(object, "runnable", config && !err->code);
	if (config)
		describe_json(object, config);
	uvpi_json_set(object, "warnings", uvpi_steal(&report->warnings));
	if (err->code)
		uvpi_json_set(object, "error", error_json(err));
	else
		uvpi_json_set_str(object, "error", NULL);
	return out_json(object);
}

static void print_summary(const struct uvp_config *config)
{
	printf("%s: %s guest, %" PRIu64 " MiB", config->name, uvpi_type_name(config->type),
	       config->memory_kib / 1024);
	if (config->maxmem_kib != config->memory_kib)
		printf(" of at most %" PRIu64, config->maxmem_kib / 1024);
	printf(", %" PRIu32 " vCPU%s", config->vcpus, config->vcpus == 1 ? "" : "s");
	if (config->maxvcpus != config->vcpus)
		printf(" of at most %" PRIu32, config->maxvcpus);
	puts(": good");
}

static const char **overrides_of(const struct xlx_args *args)
{
	const char **overrides = calloc((size_t)xlx_n_args(args), sizeof(*overrides));

	for (int i = 1; overrides && i < xlx_n_args(args); i++)
		overrides[i - 1] = xlx_arg(args, i);
	return overrides;
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ const char **overrides = overrides_of(args);
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT, unsupported = UVP_ERROR_INIT;
	bool json = xlx_has(args, "json");
	struct report report = { .warnings = json ? uvpi_json_array() : NULL };
	int rc;

	rc = uvp_config_read(xlx_arg(args, 0), overrides, overrides ? xlx_n_args(args) - 1 : 0,
			     warn, &report, &config, &err);
	if (rc == 0)
		rc = uvpi_qdisk_check_config(config, &unsupported);
	if (config && rc < 0) {
		err = unsupported;
		if (xlx_has(args, "syntax") && !json)
			xlx_warn("%s", err.message);
	}
	if (json) {
		int status = print_json(xlx_arg(args, 0), config, &report, &err);

		if (status)
			return status;
	}
	if (rc < 0 && !(config && xlx_has(args, "syntax")))
		return xlx_fail(&err);
	if (!json)
		print_summary(config);
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "json", 'j', NULL, "print the result as JSON", XLX_NO_VALUE },
	{ "syntax", 's', NULL, "accept what this release understands but cannot run",
	  XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_config_check = {
	.name = "config-check",
	.group = "Configuration",
	.summary = "say what is wrong with a configuration file",
	.args = "FILE [KEY=VALUE]...",
	.min_args = 1,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
