/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx shutdown */
#include "xlx/ending.h"

static int run_shutdown(const struct xlx_args *args)
{
	unsigned int flags = xlx_has(args, "trigger") ? UVP_SHUTDOWN_TRIGGER : 0;

	return xlx_end_domains(args, xlx_has(args, "halt") ? UVP_SHUTDOWN_HALT : UVP_SHUTDOWN_POWEROFF, flags);
}

static const struct xlx_opt opts[] = {
	XLX_OPTS_ENDING,
	{ "halt", 0, NULL, "ask them to halt instead of to power off", XLX_NO_VALUE },
	{ "trigger", 'F', NULL, "press the ACPI power button of guests without PV drivers", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_shutdown = {
	.name = "shutdown",
	.group = "Domains",
	.summary = "ask guests to shut down",
	.args = "DOMAIN...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run_shutdown,
};
