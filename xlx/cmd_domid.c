/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx domid: the id of a domain. */
#include <inttypes.h>
#include <stdio.h>

#include "domain/domain.h"
#include "core/host.h"
#include "xlx/cmd.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_host_open(&host, &err) < 0 || uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err) < 0)
		return xlx_fail(&err);
	printf("%" PRIu32 "\n", uvp_domain_id(domain));
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_domid = {
	.name = "domid",
	.group = "Domains",
	.summary = "print the id of a domain",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run,
};
