/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx block-attach */
#include "xlx/device.h"

static int run(const struct xlx_args *args)
{
	return xlx_device_attach(args, UVP_DEVICE_DISK);
}

static const struct xlx_opt opts[] = {
	XLX_OPT_DEVICE_NO_WAIT,
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_block_attach = {
	.name = "block-attach",
	.group = "Devices",
	.summary = "attach a disk to a running domain",
	.args = "DOMAIN SPECIFICATION...",
	.min_args = 2,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
