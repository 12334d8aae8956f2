/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx undefine: forget defined domains. */
#include <stdio.h>

#include "xlx/ask.h"
#include "xlx/definition.h"
#include "xlx/domains.h"

static int undefine(const struct xlx_args *args, struct uvp_host *host, const char *text)
{
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_find_definition(host, text, &definition);

	if (!status)
		status = xlx_ask(xlx_has(args, "yes") || xlx_force(), "forget the definition of '%s', with its history?",
				 *definition.name ? definition.name : text);
	if (!status && uvp_definition_remove(&definition, &err) < 0)
		status = xlx_fail(&err);
	return status;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	int status = xlx_open_host_if_any(&host);

	for (int i = 0; !host ? i < xlx_n_args(args) && !status : i < xlx_n_args(args); i++)
		xlx_status_add(&status, undefine(args, host, xlx_arg(args, i)));
	return status;
}

static const struct xlx_opt opts[] = {
	{ "yes", 'y', NULL, "do not ask", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_undefine = {
	.name = "undefine",
	.group = "Defined domains",
	.summary = "forget defined domains; their disks stay",
	.args = "DOMAIN...",
	.min_args = 1,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
