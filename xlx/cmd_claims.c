/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx claims: free memory that is promised to domains that are being made. */
#include <uvp/memory.h>

#include "core/json.h"
#include "xlx/open.h"
#include "xlx/out.h"

static int print_json(struct uvp_host *host, const struct uvp_claim *claims, int n)
{
	struct uvpi_json *array = uvpi_json_array();
	int i;

	for (i = 0; i < n; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;
		struct uvpi_json *object;

		if (uvp_domain_open(host, claims[i].domid, &domain, NULL))
			continue;
		object = uvpi_json_object();
		uvpi_json_set_u64(object, "domid", claims[i].domid);
		uvpi_json_set_str(object, "name", uvp_domain_name(domain));
		uvpi_json_set_u64(object, "memory_kib", claims[i].current);
		uvpi_json_set_u64(object, "claimed_kib", claims[i].claimed);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

static int print_table(struct uvp_host *host, const struct uvp_claim *claims, int n)
{
	struct out_table *table = out_table_new();
	int i;

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "MEMORY(MiB)", OUT_RIGHT);
	out_table_column(table, "CLAIMED(MiB)", OUT_RIGHT);
	for (i = 0; i < n; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;

		if (uvp_domain_open(host, claims[i].domid, &domain, NULL))
			continue;
		out_table_text(table, *uvp_domain_name(domain) ? uvp_domain_name(domain) : "(no name)");
		out_table_fmt(table, "%u", claims[i].domid);
		/* As in xl: what it has and what it was promised. */
		out_table_fmt(table, "%llu", (unsigned long long)(claims[i].current + claims[i].claimed) / 1024);
		out_table_fmt(table, "%llu", (unsigned long long)claims[i].claimed / 1024);
	}
	return out_table_print(table, false);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_free_ struct uvp_claim *claims = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n, status = xlx_open_host(&host);

	if (status)
		return status;
	n = uvp_claim_list(host, &claims, &err);
	if (n < 0)
		return xlx_fail(&err);
	return xlx_has(args, "json") ? print_json(host, claims, n) : print_table(host, claims, n);
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print an array of objects", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_claims = {
	.name = "claims",
	.group = "Memory and CPU",
	.summary = "show memory that is promised to domains being made",
	.opts = opts,
	.run = run,
};
