/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx image-verify */
#include "xlx/bar.h"
#include "xlx/saved.h"

static int run(const struct xlx_args *args)
{
	return xlx_print_saved(args, UVP_SAVED_VERIFY);
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print it as JSON", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_image_verify = {
	.name = "image-verify",
	.group = "Domains",
	.summary = "read all of a file of a saved domain and check it",
	.args = "FILE",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
