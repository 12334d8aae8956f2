/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx info: everything about the host, or about one domain. */
#include "xlx/info.h"
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	const char *what = xlx_arg(args, 0);
	bool numa = xlx_has(args, "numa"), json = xlx_has(args, "json");
	bool about_host = !what || (!xlx_has(args, "domain") && xlx_info_is_field(what));
	int status;

	if (xlx_has(args, "domain") && !what)
		return xlx_usage(args, "which domain?");
	if (numa && what)
		return xlx_usage(args, "--numa is about the whole host");
	if (json && what && about_host)
		return xlx_usage(args, "--json prints all fields; leave '%s' out", what);
	status = about_host ? xlx_open_host(&host) : xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	return about_host ? xlx_info_host(host, what, numa, json) : xlx_info_domain(host, domain, json);
}

static const struct xlx_opt opts[] = {
	{ "numa", 'n', NULL, "also show CPUs, memory nodes and their distances", XLX_NO_VALUE },
	{ "domain", 'd', NULL, "the argument is a domain, even if a field is called like it", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_info = {
	.name = "info",
	.group = "Host",
	.summary = "show the host, one of its fields, or one domain",
	.args = "[FIELD|DOMAIN]",
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
