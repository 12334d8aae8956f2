/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx block-resize */
#include <inttypes.h>

#include "core/num.h"
#include "xlx/device.h"
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	const char *text = xlx_arg(args, 2);
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	uint64_t size = 0, now = 0;
	int r, status;

	if (text && (uvpi_parse_size(text, "SIZE", 1, &size, &err) < 0 || !size))
		return xlx_usage(args, "%s", *err.message ? err.message : "SIZE is 0");
	status = xlx_wait_domain(&wait, args, &host, &domain);
	if (status)
		return status;
	r = uvp_disk_resize(domain, xlx_arg(args, 1), size, wait.no_wait ? UVP_DEVICE_NO_WAIT : 0, &wait.op, &now, &err);
	bar_done(&wait.bar);
	if (r < 0)
		return xlx_fail(&err);
	printf("'%s' has %" PRIu64 " bytes%s\n", xlx_arg(args, 1), now,
	       r ? "" : "; the guest is told with its next request to the disk");
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "no-wait", 0, NULL, "do not wait until the guest is told", XLX_NO_VALUE },
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_block_resize = {
	.name = "block-resize",
	.group = "Devices",
	.summary = "make a disk of a running domain larger",
	.args = "DOMAIN DEVICE [SIZE]",
	.min_args = 2,
	.max_args = 3,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
