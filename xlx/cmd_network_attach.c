/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx network-attach */
#include "xlx/device.h"

static int run(const struct xlx_args *args)
{
	return xlx_device_attach(args, UVP_DEVICE_VIF);
}

static const struct xlx_opt opts[] = {
	XLX_OPT_DEVICE_NO_WAIT,
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_network_attach = {
	.name = "network-attach",
	.group = "Devices",
	.summary = "attach a network interface to a running domain",
	.args = "DOMAIN [KEY=VALUE]...",
	.min_args = 1,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
