/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx rename: give a domain another name. */
#include "core/host.h"
#include "domain/domain.h"
#include "xlx/cmd.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_host_open(&host, &err) < 0 || uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err) < 0 ||
	    uvp_domain_rename(domain, xlx_arg(args, 1), &err) < 0)
		return xlx_fail(&err);
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_rename = {
	.name = "rename",
	.group = "Domains",
	.summary = "give a domain another name",
	.args = "DOMAIN NAME",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
