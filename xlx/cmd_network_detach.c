/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx network-detach */
#include "xlx/device.h"

static int run(const struct xlx_args *args)
{
	return xlx_device_detach(args, UVP_DEVICE_VIF);
}

static const struct xlx_opt opts[] = {
	{ "force", 0, NULL, "take it away when the guest does not let go in time", XLX_NO_VALUE },
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_network_detach = {
	.name = "network-detach",
	.group = "Devices",
	.summary = "take a network interface away from a running domain",
	.args = "DOMAIN DEVICE",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
