/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx image-info */
#include "xlx/saved.h"

static int run(const struct xlx_args *args)
{
	return xlx_print_saved(args, 0);
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print it as JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_image_info = {
	.name = "image-info",
	.group = "Domains",
	.summary = "tell which domain is in a file of a saved domain",
	.args = "FILE",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
