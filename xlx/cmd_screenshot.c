/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx screenshot */
#include "xlx/open.h"
#include "xlx/wait.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	int status = xlx_open_domain(args, 0, &host, &domain);

	if (!status)
		status = xlx_wait_init(&wait, args);
	if (status)
		return status;
	return uvp_domain_screenshot(domain, xlx_arg(args, 1), &wait.op, &err) < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "timeout", 0, "DURATION", "how long to wait for QEMU at most, instead of 10s", XLX_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_screenshot = {
	.name = "screenshot",
	.group = "Devices",
	.summary = "write a picture of a domain's screen to a file",
	.args = "DOMAIN FILE",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
