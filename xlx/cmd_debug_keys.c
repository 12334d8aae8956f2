/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx debug-keys: have the hypervisor print its own state to its log. */
#include <string.h>

#include "xlx/ask.h"
#include "xlx/open.h"

/* R reboots the machine, C crashes into the kexec kernel, % drops into a debugger. */
#define DANGEROUS "RC%"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	const char *keys = xlx_arg(args, 0);
	int status;

	if (strpbrk(keys, DANGEROUS)) {
		status = xlx_ask(xlx_has(args, "yes") || xlx_force(),
				 "the keys '%s' can stop this machine and everything on it: send them?", keys);
		if (status)
			return status;
	}
	status = xlx_open_host(&host);
	if (status)
		return status;
	return uvp_host_send_keys(host, keys, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "yes", 'y', NULL, "do not ask before keys that can stop the machine", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_debug_keys = {
	.name = "debug-keys",
	.group = "Host",
	.summary = "send debug keys to the hypervisor",
	.args = "KEYS",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.run = run,
};
