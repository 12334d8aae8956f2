/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/wait.h"

#include <stdio.h>

#include "core/num.h"
#include "xlx/open.h"

int xlx_wait_init(struct xlx_wait *wait, const struct xlx_args *args)
{
	static const struct uvp_op op = UVP_OP_INIT;
	struct uvp_error err = UVP_ERROR_INIT;
	const char *timeout = xlx_value(args, "timeout");
	enum bar_mode mode;
	int64_t ms;

	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	wait->no_wait = xlx_has(args, "no-wait");
	wait->op = op;
	if (timeout) {
		if (uvpi_parse_duration(timeout, "--timeout", &ms, &err))
			return xlx_usage(args, "%s", err.message);
		wait->op.deadline_ms = uvpi_now_ms() + ms;
	}
	bar_init(&wait->bar, stderr, mode, uvpi_now_ms);
	wait->op.progress = bar_update;
	wait->op.warning = xlx_warn_op;
	wait->op.progress_data = &wait->bar;
	wait->op.cancel_fd = xlx_cancel_fd();
	return 0;
}

int xlx_wait_domain(struct xlx_wait *wait, const struct xlx_args *args, struct uvp_host **ret_host,
		    struct uvp_domain **ret_domain)
{
	int status = xlx_open_domain(args, 0, ret_host, ret_domain);

	return status ? status : xlx_wait_init(wait, args);
}
