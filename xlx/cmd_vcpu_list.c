/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx vcpu-list: where each vCPU runs, and where it may. */
#include <stdio.h>

#include <uvp/memory.h>

#include "core/json.h"
#include "xlx/json_cpu.h"
#include "xlx/open.h"
#include "xlx/out.h"

static const char *state_of(const struct uvp_vcpu *vcpu)
{
	if (!vcpu->online)
		return "offline";
	if (vcpu->running)
		return "running";
	return vcpu->blocked ? "blocked" : "ready";
}

static void add_row(struct out_table *table, struct uvp_host *host, struct uvp_domain *domain,
		    const struct uvp_vcpu *v)
{
	char list[256];

	out_table_text(table, *uvp_domain_name(domain) ? uvp_domain_name(domain) : "(no name)");
	out_table_fmt(table, "%u", uvp_domain_id(domain));
	out_table_fmt(table, "%u", v->vcpu);
	if (v->online)
		out_table_fmt(table, "%u", v->cpu);
	else
		out_table_text(table, "-");
	out_table_text(table, state_of(v));
	out_table_fmt(table, "%.1f", (double)v->cpu_time_ns / 1e9);
	uvp_cpumap_format(host, &v->hard, list, sizeof(list));
	out_table_text(table, list);
	uvp_cpumap_format(host, &v->soft, list, sizeof(list));
	out_table_text(table, list);
}

static void add_json(struct uvpi_json *array, struct uvp_domain *domain, const struct uvp_vcpu *v)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_u64(object, "domid", uvp_domain_id(domain));
	uvpi_json_set_str(object, "name", uvp_domain_name(domain));
	xlx_json_vcpu(object, v, state_of(v));
	uvpi_json_add(array, object);
}

static int add_domain(struct uvp_host *host, struct uvp_domain *domain, struct out_table *table,
		      struct uvpi_json *array, struct uvp_error *err)
{
	struct uvp_vcpu *vcpus;
	int n = uvp_vcpu_list(domain, &vcpus, err), i;

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		if (array)
			add_json(array, domain, &vcpus[i]);
		else
			add_row(table, host, domain, &vcpus[i]);
	}
	uvp_vcpu_list_free(vcpus);
	return 0;
}

/* A domain that ends while we look is left out, when nobody asked for it by name. */
static int add_all(struct uvp_host *host, struct out_table *table, struct uvpi_json *array,
		   struct uvp_error *err)
{
	_cleanup_free_ struct uvp_claim *domains = NULL;
	int n = uvp_claim_list(host, &domains, err), i, r;

	for (i = 0; i < n; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;

		r = uvp_domain_open(host, domains[i].domid, &domain, err);
		if (!r)
			r = add_domain(host, domain, table, array, err);
		if (r && r != -UVP_E_NOT_FOUND)
			return r;
	}
	return n < 0 ? n : 0;
}

static int add_named(const struct xlx_args *args, struct uvp_host *host, struct out_table *table,
		     struct uvpi_json *array, struct uvp_error *err)
{
	int i, r = 0;

	for (i = 0; i < xlx_n_args(args) && !r; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;

		r = uvp_domain_lookup(host, xlx_arg(args, i), &domain, err);
		if (!r)
			r = add_domain(host, domain, table, array, err);
	}
	return r;
}

static struct out_table *new_table(void)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "VCPU", OUT_RIGHT);
	out_table_column(table, "CPU", OUT_RIGHT);
	out_table_column(table, "STATE", OUT_LEFT);
	out_table_column(table, "TIME(s)", OUT_RIGHT);
	out_table_column(table, "MAY RUN ON", OUT_LEFT);
	out_table_column(table, "PREFERS", OUT_LEFT);
	return table;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	bool json = xlx_has(args, "json");
	struct uvpi_json *array = json ? uvpi_json_array() : NULL;
	struct out_table *table = json ? NULL : new_table();
	int r, status = xlx_open_host(&host);

	if (status)
		goto out;
	if (xlx_n_args(args))
		r = add_named(args, host, table, array, &err);
	else
		r = add_all(host, table, array, &err);
	if (!r)
		return json ? out_json(array) : out_table_print(table, false);
	status = xlx_fail(&err);
out:
	uvpi_json_free(array);
	out_table_free(table);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print an array of objects", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_vcpu_list = {
	.name = "vcpu-list",
	.group = "Memory and CPU",
	.summary = "list vCPUs: where they run and where they may",
	.args = "[DOMAIN]...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run,
};
