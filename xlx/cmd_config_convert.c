/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx config-convert: from xl.cfg to XML and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/config.h>

#include "config/model.h"
#include "core/error.h"
#include "xlx/cmd.h"

static void warn(void *data, const char *where, const char *text)
{
	xlx_warn("%s: %s", where, text);
}

static int read_config(const struct xlx_args *args, struct uvp_config **ret_config,
		       struct uvp_error *err)
{
	_cleanup_free_ const char **overrides =
		calloc((size_t)xlx_n_args(args), sizeof(*overrides));

	if (!overrides)
		return uvpi_no_memory(err);
	for (int i = 1; i < xlx_n_args(args); i++)
		overrides[i - 1] = xlx_arg(args, i);
	return uvp_config_read(xlx_arg(args, 0), overrides, xlx_n_args(args) - 1, warn, NULL,
			       ret_config, err);
}

static int print(const char *text, struct uvp_error *err)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		return uvpi_fail_errno(err, errno, "cannot write to standard output");
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	const char *to = xlx_value(args, "to");
	int rc;

	if (to && strcmp(to, "xml") != 0 && strcmp(to, "xl") != 0)
		return xlx_usage(args, "--to=%s is none of: xml, xl", to);
	rc = read_config(args, &config, &err);
	if (rc < 0)
		return xlx_fail(&err);
	if (to ? !strcmp(to, "xml") : !uvp_config_is_xml(config))
		rc = uvp_config_write_xml(config, &text, &err);
	else
		rc = uvp_config_write_xlcfg(config, &text, &err);
	if (rc == 0)
		rc = print(text, &err);
	return rc < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "to", 't', "FORMAT", "write xml or xl; without it, the format that FILE is not in",
	  XLX_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_config_convert = {
	.name = "config-convert",
	.group = "Configuration",
	.summary = "convert a configuration between xl.cfg and XML",
	.args = "FILE [KEY=VALUE]...",
	.min_args = 1,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
