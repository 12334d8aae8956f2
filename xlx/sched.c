/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Showing and setting weights, caps, and the settings of whole pools. */
#include "xlx/sched.h"

#include <stdio.h>
#include <string.h>

#include <uvp/memory.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/open.h"
#include "xlx/out.h"

/* ---- setting ---- */

/* The value of an option as a number, -1 when it is not given. */
static int option_number(const struct xlx_args *args, const char *option, int64_t max, int64_t *ret_value)
{
	const char *text = xlx_value(args, option);
	uint64_t value;
	int status;

	*ret_value = -1;
	if (!text)
		return 0;
	status = xlx_number(args, text, option, 0, (uint64_t)max, &value);
	if (!status)
		*ret_value = (int64_t)value;
	return status;
}

/* "150", "150%" or "none". */
static int option_cap(const struct xlx_args *args, int64_t *ret_cap)
{
	const char *text = xlx_value(args, "cap");
	char number[16];
	size_t len = text ? strlen(text) : 0;
	uint64_t value;
	int status;

	*ret_cap = -1;
	if (!text)
		return 0;
	if (!strcmp(text, "none")) {
		*ret_cap = 0;
		return 0;
	}
	if (len && text[len - 1] == '%')
		len--;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	status = xlx_number(args, number, "cap", 0, 1000000, &value);
	if (!status)
		*ret_cap = (int64_t)value;
	return status;
}

static int read_pool_options(const struct xlx_args *args, struct uvp_pool_sched *ret_sched)
{
	int status = option_number(args, "ratelimit_us", INT32_MAX, &ret_sched->ratelimit_us);

	if (!status)
		status = option_number(args, "tslice_ms", INT32_MAX, &ret_sched->tslice_ms);
	if (!status)
		status = option_number(args, "migration_delay_us", INT32_MAX, &ret_sched->migr_delay_us);
	return status;
}

static bool any_given(const struct uvp_pool_sched *s)
{
	return s->ratelimit_us != -1 || s->tslice_ms != -1 || s->migr_delay_us != -1;
}

static int wrong_scheduler(const char *what, const char *has, const char *wanted)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_fail(&err, UVP_E_UNSUPPORTED, 0, "%s has the scheduler '%s', not '%s'", what, has, wanted);
	uvpi_hint(&err, "'xlx sched' works with either");
	return xlx_fail(&err);
}

static int set_domain(struct uvp_domain *domain, const char *scheduler, int64_t weight, int64_t cap)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_sched sched;
	char text[300], what[320];

	if (scheduler) {
		if (uvp_domain_get_sched(domain, &sched, &err))
			return xlx_fail(&err);
		xlx_domain_text(domain, text, sizeof(text));
		snprintf(what, sizeof(what), "the pool of domain %s", text);
		if (strcmp(sched.scheduler, scheduler))
			return wrong_scheduler(what, sched.scheduler, scheduler);
	}
	return uvp_domain_set_sched(domain, weight, cap, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

static int set_pool(struct uvp_host *host, const struct uvp_pool *pool, const char *scheduler,
		    const struct uvp_pool_sched *sched)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char what[300];

	snprintf(what, sizeof(what), "CPU pool '%s'", pool->name);
	if (scheduler && strcmp(pool->scheduler, scheduler))
		return wrong_scheduler(what, pool->scheduler, scheduler);
	return uvp_pool_set_sched(host, pool, sched, &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

/* ---- showing ---- */

struct report {
	struct uvp_host *host;
	const struct uvp_pool *pools; /* those to show */
	int n_pools;
	struct uvpi_json *json_pools, *json_domains; /* NULL for tables */
	struct out_table *table;
};

static void cell_or_dash(struct out_table *table, int64_t value)
{
	if (value < 0)
		out_table_text(table, "-");
	else
		out_table_fmt(table, "%lld", (long long)value);
}

static void set_or_null(struct uvpi_json *object, const char *key, int64_t value)
{
	if (value < 0)
		uvpi_json_set_str(object, key, NULL);
	else
		uvpi_json_set_i64(object, key, value);
}

static int report_pools(struct report *report, struct uvp_error *err)
{
	struct out_table *table = report->json_pools ? NULL : out_table_new();
	struct uvp_pool_sched s;
	int i, r;

	out_table_column(table, "POOL", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "SCHEDULER", OUT_LEFT);
	out_table_column(table, "TIME SLICE(ms)", OUT_RIGHT);
	out_table_column(table, "RATE LIMIT(us)", OUT_RIGHT);
	out_table_column(table, "MIGRATION DELAY(us)", OUT_RIGHT);
	report->table = table;
	for (i = 0; i < report->n_pools; i++) {
		const struct uvp_pool *pool = &report->pools[i];
		struct uvpi_json *object;

		r = uvp_pool_get_sched(report->host, pool, &s, err);
		if (r)
			return r;
		out_table_text(table, pool->name);
		out_table_fmt(table, "%u", pool->id);
		out_table_text(table, pool->scheduler);
		cell_or_dash(table, s.tslice_ms);
		cell_or_dash(table, s.ratelimit_us);
		cell_or_dash(table, s.migr_delay_us);
		if (!report->json_pools)
			continue;
		object = uvpi_json_object();
		uvpi_json_set_str(object, "name", pool->name);
		uvpi_json_set_u64(object, "id", pool->id);
		uvpi_json_set_str(object, "scheduler", pool->scheduler);
		set_or_null(object, "tslice_ms", s.tslice_ms);
		set_or_null(object, "ratelimit_us", s.ratelimit_us);
		set_or_null(object, "migration_delay_us", s.migr_delay_us);
		uvpi_json_add(report->json_pools, object);
	}
	return 0;
}

static const struct uvp_pool *shown_pool(const struct report *report, uint32_t id)
{
	int i;

	for (i = 0; i < report->n_pools; i++)
		if (report->pools[i].id == id)
			return &report->pools[i];
	return NULL;
}

static int report_domain(struct report *report, struct uvp_domain *domain, struct uvp_error *err)
{
	struct out_table *table = report->table;
	const struct uvp_pool *pool;
	struct uvpi_json *object;
	struct uvp_sched s;
	int r = uvp_domain_get_sched(domain, &s, err);

	if (r)
		return r;
	pool = shown_pool(report, s.pool);
	if (!pool)
		return 0;
	out_table_text(table, *uvp_domain_name(domain) ? uvp_domain_name(domain) : "(no name)");
	out_table_fmt(table, "%u", uvp_domain_id(domain));
	out_table_text(table, pool->name);
	out_table_text(table, s.scheduler);
	cell_or_dash(table, s.has_weight ? (int64_t)s.weight : -1);
	if (s.has_weight && !s.cap)
		out_table_text(table, "none");
	else
		cell_or_dash(table, s.has_weight ? (int64_t)s.cap : -1);
	if (!report->json_domains)
		return 0;
	object = uvpi_json_object();
	uvpi_json_set_u64(object, "domid", uvp_domain_id(domain));
	uvpi_json_set_str(object, "name", uvp_domain_name(domain));
	uvpi_json_set_str(object, "pool", pool->name);
	uvpi_json_set_str(object, "scheduler", s.scheduler);
	set_or_null(object, "weight", s.has_weight ? (int64_t)s.weight : -1);
	set_or_null(object, "cap", s.has_weight ? (int64_t)s.cap : -1);
	uvpi_json_add(report->json_domains, object);
	return 0;
}

static int report_domains(struct report *report, struct uvp_domain *only, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_claim *domains = NULL;
	struct out_table *table = report->json_domains ? NULL : out_table_new();
	int n, i, r;

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "POOL", OUT_LEFT);
	out_table_column(table, "SCHEDULER", OUT_LEFT);
	out_table_column(table, "WEIGHT", OUT_RIGHT);
	out_table_column(table, "CAP(%)", OUT_RIGHT);
	report->table = table;
	if (only)
		return report_domain(report, only, err);
	n = uvp_claim_list(report->host, &domains, err);
	for (i = 0; i < n; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;

		r = uvp_domain_open(report->host, domains[i].domid, &domain, err);
		if (!r)
			r = report_domain(report, domain, err);
		if (r && r != -UVP_E_NOT_FOUND)
			return r;
	}
	return n < 0 ? n : 0;
}

static int print_json(struct report *report, bool pools, struct uvp_domain *only)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_json *root = uvpi_json_object();
	int r = 0;

	report->json_pools = uvpi_json_array();
	report->json_domains = uvpi_json_array();
	if (!only)
		r = report_pools(report, &err);
	if (!r && !pools)
		r = report_domains(report, only, &err);
	uvpi_json_set(root, "pools", report->json_pools);
	uvpi_json_set(root, "domains", report->json_domains);
	if (!r)
		return out_json(root);
	uvpi_json_free(root);
	return xlx_fail(&err);
}

/* One of the two reports as a table. */
static int print_table(struct report *report, bool pools, struct uvp_domain *only)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = pools ? report_pools(report, &err) : report_domains(report, only, &err);

	if (!r)
		return out_table_print(report->table, false);
	out_table_free(report->table);
	return xlx_fail(&err);
}

static int show(const struct xlx_args *args, struct uvp_host *host, struct uvp_domain *only,
		const char *scheduler)
{
	_cleanup_free_ struct uvp_pool *pools = NULL;
	struct report report = { .host = host };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool wanted;
	const char *name = xlx_value(args, "cpupool");
	bool only_pools = xlx_has(args, "schedparam");
	int n, i, status;

	if (name && uvp_pool_lookup(host, name, &wanted, &err))
		return xlx_fail(&err);
	n = uvp_pool_list(host, &pools, &err);
	if (n < 0)
		return xlx_fail(&err);
	for (i = 0; i < n; i++) {
		if ((name && pools[i].id != wanted.id) || (scheduler && strcmp(pools[i].scheduler, scheduler)))
			continue;
		pools[report.n_pools++] = pools[i];
	}
	report.pools = pools;
	if (!report.n_pools && scheduler) {
		uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "no CPU pool%s has the scheduler '%s'", name ? " of that name" : "",
			  scheduler);
		uvpi_hint(&err, "'xlx cpupool-list' shows which they have; 'xlx sched' works with any");
		return xlx_fail(&err);
	}
	if (xlx_has(args, "json"))
		return print_json(&report, only_pools, only);
	if (!only) {
		status = print_table(&report, true, NULL);
		if (status || only_pools)
			return status;
		putchar('\n');
	}
	return print_table(&report, false, only);
}

/* ---- both ---- */

static int check_combination(const struct xlx_args *args, const char *domain_name, bool set_domain_given,
			     bool set_pool_given)
{
	if (domain_name && (xlx_has(args, "cpupool") || xlx_has(args, "schedparam")))
		return xlx_usage(args, "a domain and a pool's settings do not go together");
	if (set_domain_given && !domain_name)
		return xlx_usage(args, "which domain's weight or cap?");
	if (set_pool_given && !xlx_has(args, "schedparam"))
		return xlx_usage(args, "settings of a whole pool need --schedparam beside them");
	return 0;
}

int xlx_sched_run(const struct xlx_args *args, const char *domain_name, const char *scheduler)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool_sched pool_sched;
	struct uvp_pool pool;
	int64_t weight, cap;
	const char *pool_name = xlx_value(args, "cpupool");
	int status = option_number(args, "weight", INT32_MAX, &weight);

	if (!status)
		status = option_cap(args, &cap);
	if (!status)
		status = read_pool_options(args, &pool_sched);
	if (!status)
		status = check_combination(args, domain_name, weight != -1 || cap != -1, any_given(&pool_sched));
	if (!status)
		status = xlx_open_host(&host);
	if (status)
		return status;
	if (domain_name && uvp_domain_lookup(host, domain_name, &domain, &err))
		return xlx_fail(&err);
	if (weight != -1 || cap != -1)
		return set_domain(domain, scheduler, weight, cap);
	if (any_given(&pool_sched)) {
		if (uvp_pool_lookup(host, pool_name ? pool_name : "0", &pool, &err))
			return xlx_fail(&err);
		return set_pool(host, &pool, scheduler, &pool_sched);
	}
	return show(args, host, domain, scheduler);
}
