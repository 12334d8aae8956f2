/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx sysrq */
#include <string.h>

#include "xlx/open.h"

static int run_sysrq(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	const char *key = xlx_arg(args, 1);
	int status;

	if (strlen(key) != 1)
		return xlx_usage(args, "'%s' is not one letter or digit", key);
	status = xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	return uvp_domain_send_sysrq(domain, key[0], &err) < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

const struct xlx_cmd cmd_sysrq = {
	.name = "sysrq",
	.group = "Domains",
	.summary = "send a magic SysRq key to a Linux guest",
	.args = "DOMAIN KEY",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_sysrq,
};
