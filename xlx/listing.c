/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvp/cpu.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "dm/qemu.h"
#include "domain/domain.h"
#include "xlx/out.h"

static struct uvp_pool *pools;
static int n_pools;

static int fail_memory(void)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_no_memory(&err);
	return xlx_fail(&err);
}

/* Names that cannot be found leave their mark in the status; the others are shown. */
static int open_named(const struct xlx_args *args, struct xlx_listing *listing)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int n = xlx_n_args(args);

	listing->opened = calloc((size_t)n, sizeof(*listing->opened));
	if (!listing->opened)
		return fail_memory();
	for (int i = 0; i < n; i++) {
		int status;

		if (uvp_domain_lookup(listing->host, xlx_arg(args, i), &listing->opened[listing->n_opened], &err) == 0) {
			listing->n_opened++;
			continue;
		}
		status = xlx_fail(&err);
		if (listing->status && listing->status != status)
			status = XLX_EXIT_FAILED;
		listing->status = status;
	}
	return listing->n_opened ? 0 : listing->status;
}

int xlx_listing_open(const struct xlx_args *args, unsigned int flags, bool with_pools, struct xlx_listing *listing)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status = 0, r;

	*listing = (struct xlx_listing){ .with_defined = xlx_has(args, "all") || xlx_has(args, "defined") };
	if (listing->with_defined)
		xlx_defined_read(&listing->defined);
	r = uvp_host_open(&listing->host, &err);
	/* Definitions are there without Xen, too. */
	if (r == -UVP_E_UNSUPPORTED && listing->with_defined)
		return xlx_defined_compare(&listing->defined, &listing->list);
	if (r < 0)
		return xlx_fail(&err);
	if (xlx_n_args(args))
		status = open_named(args, listing);
	if (status)
		return status;
	r = xlx_n_args(args) ? uvp_domain_list_some(listing->opened, (size_t)listing->n_opened, flags, &listing->list, &err) :
			       uvp_domain_list(listing->host, flags, &listing->list, &err);
	if (r < 0)
		return xlx_fail(&err);
	if (listing->list.store_error.code) {
		uvpi_prefix(&listing->list.store_error, "names may be missing or old");
		status = xlx_fail(&listing->list.store_error);
		if (!listing->status)
			listing->status = status;
	} else if (with_pools) {
		n_pools = uvp_pool_list(listing->host, &pools, &err);
		if (n_pools < 0) {
			xlx_warn("%s", err.message);
			n_pools = 0;
		}
	}
	return listing->with_defined ? xlx_defined_compare(&listing->defined, &listing->list) : 0;
}

void xlx_listing_close(struct xlx_listing *listing)
{
	for (int i = 0; i < listing->n_opened; i++)
		uvp_domain_free(listing->opened[i]);
	free(listing->opened);
	xlx_defined_close(&listing->defined);
	uvp_domain_list_free(&listing->list);
	uvp_host_close(listing->host);
	uvp_pool_list_free(pools);
	pools = NULL;
	n_pools = 0;
}

const char *xlx_state_word(const struct uvp_domain_info *domain)
{
	if (domain->id == XLX_NO_ID) /* a configuration without a vCPU is none */
		return domain->vcpus ? "defined" : "damaged";
	return uvp_state_name(domain->state);
}

int xlx_listing_print(const struct xlx_args *args, unsigned int flags,
		      int (*print_table)(const struct xlx_args *args, const struct uvp_domain_list *list),
		      int (*print_json)(const struct uvp_domain_list *list))
{
	struct xlx_listing listing;
	int status = xlx_listing_open(args, flags, false, &listing);

	if (!status)
		status = xlx_has(args, "json") ? print_json(&listing.list) : print_table(args, &listing.list);
	if (!status)
		status = listing.status;
	xlx_listing_close(&listing);
	return status;
}

const struct xlx_opt xlx_listing_opts[] = {
	{ "no-header", 'H', NULL, "leave the titles out", XLX_NO_VALUE },
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ NULL },
};

/* A guest whose device model is dead looks alive from outside. */
bool xlx_lacks_qemu(const struct uvp_domain_info *domain)
{
	static int any = -1;

	if (domain->type == UVP_TYPE_PV || domain->type == UVP_TYPE_PVH)
		return false;
	if (any < 0)
		any = uvpi_qemu_any();
	return any && uvpi_qemu_runs(domain->id, NULL) == 0;
}

const char *xlx_state_words(const struct uvp_domain_info *domain)
{
	static const char *const reasons[] = { "shut down", "shut down (reboot)", "suspended", "shut down (crash)",
					       "shut down (watchdog)", "shut down (soft reset)" };

	if (domain->id == XLX_NO_ID)
		return xlx_state_word(domain);
	switch (domain->state) {
	case UVP_STATE_SHUT_DOWN:
		return (size_t)domain->reason < UVPI_ARRAY_SIZE(reasons) ? reasons[domain->reason] : "shut down";
	case UVP_STATE_BUILDING:
		return "being created";
	case UVP_STATE_LEFT_OVER:
		return "left over: creation was interrupted";
	case UVP_STATE_RUNNING:
	case UVP_STATE_IDLE:
		if (xlx_lacks_qemu(domain))
			return "running, its QEMU has ended";
		return uvp_state_name(domain->state);
	case UVP_STATE_PAUSED:
		return xlx_lacks_qemu(domain) ? "paused, its QEMU has ended" : uvp_state_name(domain->state);
	default:
		return uvp_state_name(domain->state);
	}
}

const char *xlx_pool_name(uint32_t pool)
{
	static char text[32];

	for (int i = 0; i < n_pools; i++)
		if (pools[i].id == pool)
			return pools[i].name;
	if (pool == UINT32_MAX)
		return "-";
	snprintf(text, sizeof(text), "Pool-%" PRIu32, pool);
	return text;
}

const char *xlx_listing_nodes(struct xlx_listing *listing, const struct uvp_domain_info *info)
{
	static char text[128];
	_cleanup_domain_ struct uvp_domain *domain = NULL;

	if (info->id == XLX_NO_ID || uvp_domain_open(listing->host, info->id, &domain, NULL) < 0 ||
	    memcmp(uvp_domain_uuid(domain), info->uuid, 16) != 0 ||
	    uvp_domain_get_nodes(domain, text, sizeof(text), NULL) < 0)
		return "-";
	return text;
}

static struct uvp_config *defined_config(const struct uvp_definition *definition)
{
	struct uvp_config *config = NULL;

	/* What is wrong with a damaged one has been said. */
	if (definition && !definition->error.code)
		uvp_definition_config(definition, 0, &config, NULL);
	return config;
}

/* The configuration that a domain of ours runs with; NULL when there is none. */
static struct uvp_config *config_of(struct xlx_listing *listing, const struct uvp_domain_info *info)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_domain *domain = NULL;
	struct uvp_config *config = NULL;

	if (info->id == XLX_NO_ID)
		return defined_config(xlx_defined_get(&listing->defined, info->uuid));
	if (!info->ours || uvp_domain_open(listing->host, info->id, &domain, &err) < 0)
		return NULL;
	if (!memcmp(uvp_domain_uuid(domain), info->uuid, 16) && uvp_domain_config(domain, &config, &err) < 0) {
		xlx_warn("%s", err.message);
		config = NULL;
	}
	uvp_domain_free(domain);
	return config;
}

static int config_text(struct xlx_listing *listing, const struct uvp_domain_info *info, char **ret_text)
{
	struct uvp_config *config = config_of(listing, info);
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	*ret_text = NULL;
	if (!config)
		return 0;
	r = uvp_config_write_xlcfg(config, ret_text, &err);
	uvp_config_free(config);
	return r < 0 ? xlx_fail(&err) : 0;
}

static void print_line(const char *key, const char *value)
{
	char safe[512];

	out_sanitize(value, safe, sizeof(safe));
	printf("  %-14s %s\n", key, safe);
}

static void print_block(const struct uvp_domain_info *domain)
{
	char text[128], size[32], most[32], uuid[UVPI_UUID_TEXT];
	time_t now = time(NULL);

	if (domain->id != XLX_NO_ID) {
		snprintf(text, sizeof(text), "%" PRIu32, domain->id);
		print_line("id", text);
	}
	uvpi_format_uuid(domain->uuid, uuid);
	print_line("uuid", uuid);
	print_line("type", uvp_type_name(domain->type));
	print_line("state", xlx_state_words(domain));
	out_format_size(domain->memory_bytes, size, sizeof(size));
	out_format_size(domain->max_memory_bytes, most, sizeof(most));
	snprintf(text, sizeof(text), domain->max_memory_bytes >> 50 || !domain->max_memory_bytes ? "%s" : "%s of %s", size, most);
	print_line("memory", text);
	snprintf(text, sizeof(text), "%" PRIu32 " of %" PRIu32, domain->vcpus, domain->max_vcpus);
	print_line("vcpus", text);
	snprintf(text, sizeof(text), "%.1f s", (double)domain->cpu_time_ns / 1e9);
	print_line("cpu time", text);
	print_line("pool", xlx_pool_name(domain->pool));
	if (domain->start_time && now > domain->start_time) {
		out_format_time((uint64_t)(now - domain->start_time), text, sizeof(text));
		print_line("up", text);
	}
	print_line("made by", domain->ours ? "libuvp" : "another tool");
}

int xlx_listing_long(struct xlx_listing *listing, struct uvp_domain_info *const *domains, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = NULL;
		char name[512];
		int status;

		out_sanitize(domains[i]->name ? domains[i]->name : "-", name, sizeof(name));
		printf("%s%s\n", i ? "\n" : "", name);
		print_block(domains[i]);
		status = config_text(listing, domains[i], &text);
		if (status)
			return status;
		for (char *line = text; line && *line;) {
			size_t len = strcspn(line, "\n");

			printf("    %.*s\n", (int)len, line);
			line += len + (line[len] == '\n');
		}
	}
	return 0;
}

static void set_defined(struct uvpi_json *object, const struct uvp_definition *definition)
{
	uvpi_json_set_bool(object, "defined", definition != NULL);
	uvpi_json_set_bool(object, "autostart", definition && definition->autostart);
}

int xlx_listing_json(struct xlx_listing *listing, struct uvp_domain_info *const *domains, size_t n, bool configs,
		     bool nodes)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < n; i++) {
		const struct uvp_domain_info *domain = domains[i];
		struct uvpi_json *object = uvpi_json_object();
		_cleanup_free_ char *text = NULL;
		char uuid[UVPI_UUID_TEXT];

		uvpi_format_uuid(domain->uuid, uuid);
		uvpi_json_set_str(object, "name", domain->name);
		if (domain->id == XLX_NO_ID)
			uvpi_json_set_str(object, "domid", NULL);
		else
			uvpi_json_set_u64(object, "domid", domain->id);
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_set_str(object, "type", uvp_type_name(domain->type));
		uvpi_json_set_str(object, "state", xlx_state_word(domain));
		uvpi_json_set_str(object, "reason",
				  domain->state == UVP_STATE_SHUT_DOWN ? uvp_reason_name(domain->reason) : NULL);
		uvpi_json_set_u64(object, "memory_bytes", domain->memory_bytes);
		uvpi_json_set_u64(object, "max_memory_bytes", domain->max_memory_bytes);
		uvpi_json_set_u64(object, "vcpus", domain->vcpus);
		uvpi_json_set_u64(object, "max_vcpus", domain->max_vcpus);
		uvpi_json_set_u64(object, "cpu_time_ns", domain->cpu_time_ns);
		if (domain->id == XLX_NO_ID)
			uvpi_json_set_str(object, "pool", NULL);
		else
			uvpi_json_set_u64(object, "pool", domain->pool);
		uvpi_json_set_i64(object, "start_time", domain->start_time);
		uvpi_json_set_bool(object, "ours", domain->ours);
		if (domain->id != XLX_NO_ID && xlx_lacks_qemu(domain))
			uvpi_json_set_str(object, "device_model", "ended");
		if (nodes)
			uvpi_json_set_str(object, "nodes", xlx_listing_nodes(listing, domain));
		if (listing->with_defined)
			set_defined(object, xlx_defined_get(&listing->defined, domain->uuid));
		if (configs && config_text(listing, domain, &text) == 0)
			uvpi_json_set_str(object, "config", text);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}
