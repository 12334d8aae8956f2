/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx dumpxml: print the configuration of a defined or running domain. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "core/error.h"
#include "core/num.h"
#include "domain/domain.h"
#include "xlx/definition.h"

static int print(const struct xlx_args *args, const struct uvp_config *config)
{
	_cleanup_free_ char *text = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = xlx_has(args, "xl") ? uvp_config_write_xlcfg(config, &text, &err) :
				      uvp_config_write_xml(config, &text, &err);

	if (r == 0 && (fputs(text, stdout) == EOF || fflush(stdout) == EOF))
		r = uvpi_fail_errno(&err, errno, "cannot write to standard output");
	return r < 0 ? xlx_fail(&err) : 0;
}

static int print_definition(const struct xlx_args *args, const struct uvp_definition *definition, uint32_t revision)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_definition_config(definition, revision, &config, &err) < 0)
		return xlx_fail(&err);
	return print(args, config);
}

static int print_domain(const struct xlx_args *args, struct uvp_domain *domain)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_domain_config(domain, &config, &err) < 0)
		return xlx_fail(&err);
	config->has_uuid = true;
	memcpy(config->uuid, domain->uuid, 16);
	return print(args, config);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT, undefined = UVP_ERROR_INIT;
	const char *text = xlx_value(args, "revision");
	uint32_t revision = 0;
	int status = xlx_open_host_if_any(&host);

	if (status)
		return status;
	if (text && uvpi_parse_u32(text, "--revision", 1, UINT32_MAX, &revision, &err) < 0)
		return xlx_usage(args, "%s", err.message);
	if (revision || xlx_has(args, "defined")) {
		status = xlx_find_definition(host, xlx_arg(args, 0), &definition);
		return status ? status : print_definition(args, &definition, revision);
	}
	if (host && uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err) == 0)
		return print_domain(args, domain);
	if (host && err.code != UVP_E_NOT_FOUND)
		return xlx_fail(&err);
	if (uvp_definition_find(xlx_arg(args, 0), &definition, &undefined) < 0)
		return xlx_fail(host && undefined.code == UVP_E_NOT_FOUND ? &err : &undefined);
	return print_definition(args, &definition, 0);
}

static const struct xlx_opt opts[] = {
	{ "defined", 'd', NULL, "its definition, also while it runs", XLX_NO_VALUE },
	{ "revision", 'r', "NUMBER", "its definition as it was in that revision", XLX_VALUE },
	{ "xl", 'x', NULL, "print in the format of xl.cfg", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_dumpxml = {
	.name = "dumpxml",
	.group = "Defined domains",
	.summary = "print the configuration of a running or defined domain",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
