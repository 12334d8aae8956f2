/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx block-list */
#include "xlx/device.h"

static int run(const struct xlx_args *args)
{
	return xlx_device_list(args, UVP_DEVICE_DISK);
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print JSON", XLX_NO_VALUE },
	{ "no-header", 0, NULL, "leave the titles out", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_block_list = {
	.name = "block-list",
	.group = "Devices",
	.summary = "list the disks of domains",
	.args = "[DOMAIN]...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
