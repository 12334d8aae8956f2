/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx button-press: what xl still has for xend's sake. */
#include "xlx/trigger.h"

#include <string.h>

static int run_button_press(const struct xlx_args *args)
{
	const char *button = xlx_arg(args, 1);

	if (strcmp(button, "power") && strcmp(button, "sleep"))
		return xlx_usage(args, "there is no button '%s', only power and sleep", button);
	xlx_warn("button-press is an old name: use 'xlx trigger %s %s'", xlx_arg(args, 0), button);
	return xlx_send_trigger(args);
}

const struct xlx_cmd cmd_button_press = {
	.name = "button-press",
	.group = "Domains",
	.summary = "press the power or sleep button: the old name of 'xlx trigger'",
	.args = "DOMAIN BUTTON",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_button_press,
};
