/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx rename: give a domain another name. */
#include "core/host.h"
#include "define/store.h"
#include "domain/domain.h"
#include "xlx/definition.h"

/* One that does not run, and may be defined. */
static int rename_definition(const struct xlx_args *args, struct uvp_host *host, const struct uvp_error *no_domain)
{
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_definition_find(xlx_arg(args, 0), &definition, NULL) < 0)
		return xlx_fail(no_domain);
	return uvpi_def_rename(host, definition.uuid, xlx_arg(args, 1), &err) < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	int r = uvp_host_open(&host, &err);

	if (r == 0)
		r = uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err);
	if (r == -UVP_E_NOT_FOUND || (r == -UVP_E_UNSUPPORTED && !host))
		return rename_definition(args, host, &err);
	if (r < 0 || uvp_domain_rename(domain, xlx_arg(args, 1), &err) < 0)
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
