/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for completion. */
#include "xlx/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/cpu.h>
#include <uvp/define.h>
#include <uvp/list.h>

#include "core/host.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

static void print_name(const char *name)
{
	char text[256];

	out_sanitize(name, text, sizeof(text));
	puts(text);
}

static int list_domains(struct uvp_host *host, struct uvp_error *err)
{
	struct uvp_domain_list list = { 0 };
	int r = uvp_domain_list(host, 0, &list, err);

	if (r < 0)
		return xlx_exit_status(err->code);
	for (size_t i = 0; i < list.n; i++)
		if (list.domains[i].name)
			print_name(list.domains[i].name);
	uvp_domain_list_free(&list);
	return XLX_EXIT_OK;
}

static int list_pools(struct uvp_host *host, struct uvp_error *err)
{
	struct uvp_pool *pools = NULL;
	int n = uvp_pool_list(host, &pools, err);

	if (n < 0)
		return xlx_exit_status(err->code);
	for (int i = 0; i < n; i++)
		print_name(pools[i].name);
	uvp_pool_list_free(pools);
	return XLX_EXIT_OK;
}

static int list_definitions(struct uvp_error *err)
{
	struct uvp_definition *list = NULL;
	int n = uvp_definition_list(&list, err);

	for (int i = 0; i < n; i++)
		print_name(list[i].name);
	free(list);
	return n < 0 ? xlx_exit_status(err->code) : XLX_EXIT_OK;
}

int xlx_list_names(const char *kind)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	bool domains = !strcmp(kind, "domains");

	if (!strcmp(kind, "defined"))
		return list_definitions(&err);
	if (!domains && strcmp(kind, "pools"))
		return XLX_EXIT_USAGE;
	if (uvp_host_open(&host, &err))
		return xlx_exit_status(err.code);
	return domains ? list_domains(host, &err) : list_pools(host, &err);
}
