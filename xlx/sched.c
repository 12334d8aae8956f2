/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Showing and setting weights, caps, and the settings of whole pools; what the weights are sure to give. */
#include "xlx/sched.h"

#include <stdio.h>
#include <string.h>

#include <uvp/memory.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "cpu/share.h"
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

/* Is it a cap at all? What it is in per cent only the host tells. */
static int check_cap(const struct xlx_args *args)
{
	const char *text = xlx_value(args, "cap");
	struct uvp_error err = UVP_ERROR_INIT;
	uint32_t percent, mhz;

	return text && uvpi_cap_parse(text, &percent, &mhz, &err) < 0 ? xlx_usage(args, "%s", err.message) : 0;
}

void xlx_print_cap(const struct uvp_cap *cap)
{
	uint32_t mhz = (uint32_t)((uint64_t)cap->percent * cap->cpu_mhz / 100);

	if (!cap->asked_mhz)
		return;
	printf("cap: %u MHz are %u %% of one CPU of %u MHz here", cap->asked_mhz, cap->percent, cap->cpu_mhz);
	if (mhz != cap->asked_mhz)
		printf("; Xen counts whole per cents, which makes it %u MHz", mhz);
	putchar('\n');
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

static int set_domain(struct uvp_domain *domain, const char *scheduler, int64_t weight, const struct uvp_cap *cap)
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
	if (uvp_domain_set_sched(domain, weight, cap ? (int64_t)cap->percent : -1, &err))
		return xlx_fail(&err);
	if (cap)
		xlx_print_cap(cap);
	return XLX_EXIT_OK;
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
	uint32_t cpu_mhz;
	const struct uvp_share *shares; /* of all domains */
	int n_shares;
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

struct capacity {
	uint32_t cpus, vcpus; /* in the pool; online, of all its domains */
	uint64_t mhz;
};

static struct capacity capacity_of(const struct report *report, const struct uvp_pool *pool)
{
	struct capacity c = { 0 };

	for (uint32_t cpu = 0; cpu < UVP_CPUS_MAX; cpu++)
		c.cpus += uvp_cpumap_has(&pool->cpus, cpu);
	for (int i = 0; i < report->n_shares; i++)
		if (report->shares[i].pool == pool->id)
			c.vcpus += report->shares[i].vcpus;
	c.mhz = (uint64_t)c.cpus * report->cpu_mhz;
	return c;
}

static void pool_columns(struct out_table *table)
{
	out_table_column(table, "POOL", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "SCHEDULER", OUT_LEFT);
	out_table_column(table, "CPUS", OUT_RIGHT);
	out_table_column(table, "MHz", OUT_RIGHT);
	out_table_column(table, "VCPUS", OUT_RIGHT);
	out_table_column(table, "VCPUS/CPU", OUT_RIGHT);
	out_table_column(table, "TIME SLICE(ms)", OUT_RIGHT);
	out_table_column(table, "RATE LIMIT(us)", OUT_RIGHT);
	out_table_column(table, "MIGRATION DELAY(us)", OUT_RIGHT);
}

static void pool_row(struct out_table *table, const struct uvp_pool *pool, const struct capacity *c,
		     const struct uvp_pool_sched *s)
{
	out_table_text(table, pool->name);
	out_table_fmt(table, "%u", pool->id);
	out_table_text(table, pool->scheduler);
	out_table_fmt(table, "%u", c->cpus);
	out_table_fmt(table, "%llu", (unsigned long long)c->mhz);
	out_table_fmt(table, "%u", c->vcpus);
	if (c->cpus)
		out_table_fmt(table, "%.1f", (double)c->vcpus / c->cpus);
	else
		out_table_text(table, "-");
	cell_or_dash(table, s->tslice_ms);
	cell_or_dash(table, s->ratelimit_us);
	cell_or_dash(table, s->migr_delay_us);
}

static int report_pools(struct report *report, struct uvp_error *err)
{
	struct out_table *table = report->json_pools ? NULL : out_table_new();
	struct uvp_pool_sched s;
	int i, r;

	pool_columns(table);
	report->table = table;
	for (i = 0; i < report->n_pools; i++) {
		const struct uvp_pool *pool = &report->pools[i];
		struct capacity c = capacity_of(report, pool);
		struct uvpi_json *object;

		r = uvp_pool_get_sched(report->host, pool, &s, err);
		if (r)
			return r;
		pool_row(table, pool, &c, &s);
		if (!report->json_pools)
			continue;
		object = uvpi_json_object();
		uvpi_json_set_str(object, "name", pool->name);
		uvpi_json_set_u64(object, "id", pool->id);
		uvpi_json_set_str(object, "scheduler", pool->scheduler);
		uvpi_json_set_u64(object, "cpus", c.cpus);
		uvpi_json_set_u64(object, "mhz", c.mhz);
		uvpi_json_set_u64(object, "vcpus", c.vcpus);
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

static void domain_row(struct out_table *table, struct uvp_domain *domain, const char *pool, const struct uvp_sched *s,
		       const struct uvp_share *share, uint32_t cpu_mhz)
{
	out_table_text(table, *uvp_domain_name(domain) ? uvp_domain_name(domain) : "(no name)");
	out_table_fmt(table, "%u", uvp_domain_id(domain));
	out_table_text(table, pool);
	out_table_text(table, s->scheduler);
	cell_or_dash(table, s->has_weight ? (int64_t)s->weight : -1);
	if (s->has_weight && !s->cap)
		out_table_text(table, "none");
	else
		cell_or_dash(table, s->has_weight ? (int64_t)s->cap : -1);
	if (!share || !share->has_weight) {
		out_table_text(table, "-");
		out_table_text(table, "-");
		return;
	}
	out_table_fmt(table, "%.1f", share->guaranteed / 10.0);
	out_table_fmt(table, "%llu", (unsigned long long)share->guaranteed * cpu_mhz / 1000);
}

static int report_domain(struct report *report, struct uvp_domain *domain, struct uvp_error *err)
{
	const struct uvp_share *share = NULL;
	const struct uvp_pool *pool;
	struct uvpi_json *object;
	struct uvp_sched s;
	int r = uvp_domain_get_sched(domain, &s, err);

	if (r)
		return r;
	pool = shown_pool(report, s.pool);
	if (!pool)
		return 0;
	for (int i = 0; i < report->n_shares; i++)
		if (report->shares[i].domid == uvp_domain_id(domain))
			share = &report->shares[i];
	domain_row(report->table, domain, pool->name, &s, share, report->cpu_mhz);
	if (!report->json_domains)
		return 0;
	object = uvpi_json_object();
	uvpi_json_set_u64(object, "domid", uvp_domain_id(domain));
	uvpi_json_set_str(object, "name", uvp_domain_name(domain));
	uvpi_json_set_str(object, "pool", pool->name);
	uvpi_json_set_str(object, "scheduler", s.scheduler);
	set_or_null(object, "weight", s.has_weight ? (int64_t)s.weight : -1);
	set_or_null(object, "cap", s.has_weight ? (int64_t)s.cap : -1);
	set_or_null(object, "guaranteed_permille", share && s.has_weight ? (int64_t)share->guaranteed : -1);
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
	out_table_column(table, "SURE(%)", OUT_RIGHT);
	out_table_column(table, "SURE(MHz)", OUT_RIGHT);
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
	_cleanup_free_ struct uvp_share *shares = NULL;
	struct report report = { .host = host };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_pool wanted;
	struct uvp_cap one;
	const char *name = xlx_value(args, "cpupool");
	bool only_pools = xlx_has(args, "schedparam");
	int n, i, status;

	if (name && uvp_pool_lookup(host, name, &wanted, &err))
		return xlx_fail(&err);
	n = uvp_pool_list(host, &pools, &err);
	if (n < 0 || uvp_cap_parse(host, "100", &one, &err) < 0)
		return xlx_fail(&err);
	report.cpu_mhz = one.cpu_mhz;
	report.n_shares = uvp_share_list(host, &shares, &err);
	if (report.n_shares < 0)
		return xlx_fail(&err);
	report.shares = shares;
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
	const char *cap_text = xlx_value(args, "cap");
	struct uvp_cap cap;
	int64_t weight;
	const char *pool_name = xlx_value(args, "cpupool");
	int status = option_number(args, "weight", INT32_MAX, &weight);

	if (!status)
		status = check_cap(args);
	if (!status)
		status = read_pool_options(args, &pool_sched);
	if (!status)
		status = check_combination(args, domain_name, weight != -1 || cap_text, any_given(&pool_sched));
	if (!status)
		status = xlx_open_host(&host);
	if (status)
		return status;
	if (domain_name && uvp_domain_lookup(host, domain_name, &domain, &err))
		return xlx_fail(&err);
	if (cap_text && uvp_cap_parse(host, cap_text, &cap, &err))
		return xlx_fail(&err);
	if (weight != -1 || cap_text)
		return set_domain(domain, scheduler, weight, cap_text ? &cap : NULL);
	if (any_given(&pool_sched)) {
		if (uvp_pool_lookup(host, pool_name ? pool_name : "0", &pool, &err))
			return xlx_fail(&err);
		return set_pool(host, &pool, scheduler, &pool_sched);
	}
	return show(args, host, domain, scheduler);
}
