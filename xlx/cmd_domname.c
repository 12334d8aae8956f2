/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx domname: the name of a domain. */
#include <stdio.h>

#include "core/error.h"
#include "core/host.h"
#include "domain/domain.h"
#include "xlx/cmd.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_host_open(&host, &err) < 0 || uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err) < 0)
		return xlx_fail(&err);
	if (!*uvp_domain_name(domain)) {
		uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "domain %u has no name", uvp_domain_id(domain));
		return xlx_fail(&err);
	}
	/* Raw: what this prints is for programs, and they ask for this very name. */
	puts(uvp_domain_name(domain));
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_domname = {
	.name = "domname",
	.group = "Domains",
	.summary = "print the name of a domain",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run,
};
