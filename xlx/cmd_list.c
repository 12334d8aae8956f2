/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx list: what domains there are and how they are. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/list.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "xlx/cmd.h"
#include "xlx/listing.h"
#include "xlx/out.h"

/* ---- filters ---- */

struct filter {
	const char *state, *type, *name;
};

/* Is word one of the words between commas in list? */
static bool in_words(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, word, len) && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

static bool state_matches(const char *states, const struct uvp_domain_info *domain)
{
	if (in_words(states, xlx_state_word(domain)))
		return true;
	return domain->id != XLX_NO_ID && domain->state == UVP_STATE_SHUT_DOWN && in_words(states, uvp_reason_name(domain->reason));
}

static bool matches(const struct filter *filter, const struct uvp_domain_info *domain)
{
	return (!filter->state || state_matches(filter->state, domain)) &&
	       (!filter->type || in_words(filter->type, uvp_type_name(domain->type))) &&
	       (!filter->name || (domain->name && !fnmatch(filter->name, domain->name, 0)));
}

/* Every word of a filter must be one that could match. */
static int check_words(const struct xlx_args *args, const char *option, const char *const *known)
{
	const char *p = xlx_value(args, option);

	while (p) {
		size_t len = strcspn(p, ",");
		int i = 0;

		while (known[i] && (strlen(known[i]) != len || strncmp(known[i], p, len)))
			i++;
		if (!known[i]) {
			char word[32];
			const char *near;

			snprintf(word, sizeof(word), "%.*s", (int)len, p);
			near = uvpi_near_match(word, known);
			if (near)
				return xlx_usage(args, "--%s: '%s' is unknown; did you mean '%s'?", option, word, near);
			return xlx_usage(args, "--%s: '%s' is unknown", option, word);
		}
		p = p[len] ? p + len + 1 : NULL;
	}
	return 0;
}

static int check_filters(const struct xlx_args *args)
{
	static const char *const states[] = { "running",  "idle",   "paused", "shut-down", "dying",    "building", "left-over",
					      "poweroff", "reboot", "suspend", "crash",    "watchdog", "soft-reset", "defined",
					      "damaged",  NULL };
	static const char *const types[] = { "pv", "pvh", "hvm", "unknown", NULL };
	int r = check_words(args, "state", states);

	return r ? r : check_words(args, "type", types);
}

/* ---- order ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_id(const void *a, const void *b)
{
	return compare_u64((*(struct uvp_domain_info *const *)a)->id, (*(struct uvp_domain_info *const *)b)->id);
}

static int by_name(const void *a, const void *b)
{
	const char *left = (*(struct uvp_domain_info *const *)a)->name;
	const char *right = (*(struct uvp_domain_info *const *)b)->name;
	int order = strcmp(left ? left : "", right ? right : "");

	return order ? order : by_id(a, b);
}

#define BY_NUMBER(function, field)                                                                 \
	static int function(const void *a, const void *b)                                          \
	{                                                                                          \
		int order = compare_u64((*(struct uvp_domain_info *const *)b)->field,              \
					(*(struct uvp_domain_info *const *)a)->field);             \
		return order ? order : by_id(a, b);                                                \
	}
BY_NUMBER(by_memory, memory_bytes)
BY_NUMBER(by_vcpus, vcpus)
BY_NUMBER(by_time, cpu_time_ns)

static int by_state(const void *a, const void *b)
{
	int order = compare_u64((*(struct uvp_domain_info *const *)a)->state,
				(*(struct uvp_domain_info *const *)b)->state);

	return order ? order : by_id(a, b);
}

static const struct {
	const char *key;
	int (*compare)(const void *a, const void *b);
} orders[] = {
	{ "id", by_id },	 { "name", by_name }, { "memory", by_memory },
	{ "vcpus", by_vcpus }, { "state", by_state }, { "time", by_time },
};

static int sort(const struct xlx_args *args, struct uvp_domain_info **domains, size_t n)
{
	const char *key = xlx_value(args, "sort");

	if (!key)
		return 0;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(orders); i++)
		if (!strcmp(orders[i].key, key)) {
			if (n)
				qsort(domains, n, sizeof(struct uvp_domain_info *), orders[i].compare);
			return 0;
		}
	return xlx_usage(args, "--sort: '%s' is none of id, name, memory, vcpus, state, time", key);
}

/* ---- output ---- */

static int print_table(const struct xlx_args *args, struct xlx_listing *listing, struct uvp_domain_info *const *domains,
		       size_t n)
{
	bool more = xlx_has(args, "verbose"), pool = xlx_has(args, "cpupool"), numa = xlx_has(args, "numa");
	struct out_table *table = out_table_new();

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "MEM(MiB)", OUT_RIGHT);
	out_table_column(table, "VCPUS", OUT_RIGHT);
	out_table_column(table, "STATE", OUT_LEFT);
	out_table_column(table, "TIME(s)", OUT_RIGHT);
	if (pool)
		out_table_column(table, "POOL", OUT_LEFT);
	if (numa)
		out_table_column(table, "NODES", OUT_LEFT);
	if (more) {
		out_table_column(table, "TYPE", OUT_LEFT);
		out_table_column(table, "UUID", OUT_LEFT);
	}
	for (size_t i = 0; i < n; i++) {
		const struct uvp_domain_info *domain = domains[i];
		char uuid[UVPI_UUID_TEXT];

		out_table_text(table, domain->name ? domain->name : "-");
		if (domain->id == XLX_NO_ID)
			out_table_text(table, "-");
		else
			out_table_fmt(table, "%" PRIu32, domain->id);
		out_table_fmt(table, "%" PRIu64, domain->memory_bytes >> 20);
		out_table_fmt(table, "%" PRIu32, domain->vcpus);
		out_table_text(table, xlx_state_words(domain));
		out_table_fmt(table, "%" PRIu64 ".%" PRIu64, domain->cpu_time_ns / 1000000000,
			      domain->cpu_time_ns / 100000000 % 10);
		if (pool)
			out_table_text(table, xlx_pool_name(domain->pool));
		if (numa)
			out_table_text(table, xlx_listing_nodes(listing, domain));
		if (more) {
			out_table_text(table, uvp_type_name(domain->type));
			uvpi_format_uuid(domain->uuid, uuid);
			out_table_text(table, uuid);
		}
	}
	return out_table_print(table, xlx_has(args, "no-header"));
}

static int refuse_label(void)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_fail(&err, UVP_E_UNSUPPORTED, 0, "security labels are not shown by this release");
	uvpi_hint(&err, "for domains of ours, 'xlx list --long' shows the seclabel that they were created with");
	return xlx_fail(&err);
}

static bool is_wanted(const struct xlx_args *args, const struct xlx_listing *listing,
		      const struct uvp_domain_info *domain)
{
	return !xlx_has(args, "defined") || xlx_defined_get(&listing->defined, domain->uuid);
}

static int run(const struct xlx_args *args)
{
	struct filter filter = { xlx_value(args, "state"), xlx_value(args, "type"), xlx_value(args, "name") };
	bool detailed = filter.type || xlx_has(args, "verbose") || xlx_has(args, "long") || xlx_has(args, "json");
	_cleanup_free_ struct uvp_domain_info **domains = NULL;
	struct xlx_listing listing = { 0 };
	size_t n = 0;
	int status = check_filters(args);

	if (xlx_has(args, "label"))
		return refuse_label();
	if (!status && xlx_n_args(args) && (xlx_has(args, "all") || xlx_has(args, "defined")))
		status = xlx_usage(args, "--all and --defined list all domains, names some: give one or the other");
	if (!status)
		status = sort(args, NULL, 0);
	if (!status)
		status = xlx_listing_open(args, detailed ? UVP_LIST_DETAILS : 0, xlx_has(args, "cpupool"), &listing);
	if (status) {
		xlx_listing_close(&listing);
		return status;
	}
	domains = calloc(listing.list.n + (size_t)listing.defined.n_infos + 1, sizeof(*domains));
	for (size_t i = 0; domains && i < listing.list.n; i++)
		if (matches(&filter, &listing.list.domains[i]) && is_wanted(args, &listing, &listing.list.domains[i]))
			domains[n++] = &listing.list.domains[i];
	for (int i = 0; domains && i < listing.defined.n_infos; i++)
		if (matches(&filter, &listing.defined.infos[i]))
			domains[n++] = &listing.defined.infos[i];
	sort(args, domains, n);
	if (xlx_has(args, "json"))
		status = xlx_listing_json(&listing, domains, n, xlx_has(args, "long"), xlx_has(args, "numa"));
	else if (xlx_has(args, "long"))
		status = xlx_listing_long(&listing, domains, n);
	else
		status = print_table(args, &listing, domains, n);
	if (!status)
		status = listing.status;
	xlx_listing_close(&listing);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "all", 'a', NULL, "also those that are defined and do not run", XLX_NO_VALUE },
	{ "defined", 'd', NULL, "those that are defined, whether they run or not", XLX_NO_VALUE },
	{ "long", 'l', NULL, "everything about each domain, with its configuration", XLX_NO_VALUE },
	{ "verbose", 'v', NULL, "show type and UUID too", XLX_NO_VALUE },
	{ "cpupool", 'c', NULL, "show the pool of physical CPUs too", XLX_NO_VALUE },
	{ "numa", 'n', NULL, "show the memory nodes that are preferred for its memory too", XLX_NO_VALUE },
	{ "label", 'Z', NULL, "refused: security labels are not shown by this release", XLX_NO_VALUE },
	{ "state", 's', "STATE", "only domains in this state", XLX_VALUE },
	{ "type", 't', "TYPE", "only domains of this type: pv, pvh or hvm", XLX_VALUE },
	{ "name", 0, "PATTERN", "only names that match, as in 'web*'", XLX_VALUE },
	{ "sort", 0, "KEY", "by id, name, memory, vcpus, state or time", XLX_VALUE },
	{ "no-header", 'H', NULL, "leave the titles out", XLX_NO_VALUE },
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_list = {
	.name = "list",
	.group = "Domains",
	.summary = "list domains",
	.args = "[DOMAIN]...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run,
};
