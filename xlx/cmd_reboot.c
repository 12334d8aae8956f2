/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx reboot */
#include "xlx/ending.h"

static int run_reboot(const struct xlx_args *args)
{
	unsigned int flags = xlx_has(args, "trigger") ? UVP_SHUTDOWN_TRIGGER : 0;

	return xlx_end_domains(args, UVP_SHUTDOWN_REBOOT, flags);
}

static const struct xlx_opt opts[] = {
	XLX_OPTS_ENDING,
	{ "trigger", 'F', NULL, "as xl has it: press the ACPI reset button of guests without PV drivers", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_reboot = {
	.name = "reboot",
	.group = "Domains",
	.summary = "ask guests to reboot",
	.args = "DOMAIN...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run_reboot,
};
