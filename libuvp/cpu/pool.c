/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU pools: finding, making, naming and ending them. */
#include "cpu/pool.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"
#include "cpu/cpumap.h"

/* ---- finding ---- */

static int read_names(struct uvp_host *host, struct uvp_pool *pools, int n, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64];
	int i, r = uvpi_host_batch(host, &batch, err);

	if (r)
		return r;
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/local/pool/%u/name", pools[i].id);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r)
		return r;
	for (i = 0; i < n; i++) {
		const char *name = uvpi_batch_value(batch, i, NULL);

		if (name && *name)
			snprintf(pools[i].name, sizeof(pools[i].name), "%s", name);
		else
			snprintf(pools[i].name, sizeof(pools[i].name), "Pool-%u", pools[i].id);
	}
	return 0;
}

int uvp_pool_list(struct uvp_host *host, struct uvp_pool **ret_pools, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_pool *pools = NULL;
	struct uvpi_poolinfo *raw;
	int n = uvpi_hyp_pools(host->hyp, &raw, err), i, r;

	if (n < 0)
		return n;
	pools = calloc((size_t)n + 1, sizeof(*pools));
	for (i = 0; pools && i < n; i++) {
		const char *sched = uvpi_sched_name(raw[i].sched);

		pools[i].id = raw[i].id;
		pools[i].domains = raw[i].domains;
		snprintf(pools[i].scheduler, sizeof(pools[i].scheduler), "%s", sched ? sched : "unknown");
		uvpi_cpumap_from_xen(host, raw[i].cpus, &pools[i].cpus);
	}
	uvpi_pools_free(raw, n);
	if (!pools)
		return uvpi_no_memory(err);
	r = read_names(host, pools, n, err);
	if (r)
		return r;
	*ret_pools = uvpi_steal(&pools);
	return n;
}

void uvp_pool_list_free(struct uvp_pool *pools)
{
	free(pools);
}

static int fail_no_pool(const char *name, const struct uvp_pool *pools, int n, struct uvp_error *err)
{
	char names[200] = "";
	size_t used = 0;
	int i, r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no CPU pool '%s'", name);

	for (i = 0; i < n && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s'%s'", i ? ", " : "",
					 pools[i].name);
	uvpi_hint(err, "there %s %s", n == 1 ? "is only" : "are", names);
	return r;
}

int uvp_pool_lookup(struct uvp_host *host, const char *id_or_name, struct uvp_pool *ret_pool,
		    struct uvp_error *err)
{
	_cleanup_free_ struct uvp_pool *pools = NULL;
	uint32_t id = 0;
	bool is_id = !uvpi_parse_u32(id_or_name, "pool", 0, UINT32_MAX, &id, NULL);
	int n = uvp_pool_list(host, &pools, err), i;

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		if (is_id ? pools[i].id == id : !strcmp(pools[i].name, id_or_name)) {
			*ret_pool = pools[i];
			return 0;
		}
	}
	return fail_no_pool(id_or_name, pools, n, err);
}

int uvp_pool_free_cpus(struct uvp_host *host, struct uvp_cpumap *ret_map, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *map = NULL;
	int r = uvpi_hyp_pool_free_cpus(host->hyp, &map, err);

	if (!r)
		uvpi_cpumap_from_xen(host, map, ret_map);
	return r;
}

/* ---- names ---- */

static int check_name(struct uvp_host *host, const char *name, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_pool *pools = NULL;
	uint32_t number;
	const char *p;
	int n, i, r;

	if (!*name || strlen(name) >= sizeof(pools[0].name))
		return uvpi_fail(err, UVP_E_INVALID, 0, "a pool's name has 1 to %zu characters",
				 sizeof(pools[0].name) - 1);
	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.+:@", *p))
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "pool name '%s': only letters, digits and _ - . + : @ can be in it",
					 name);
	if (name[0] == '-' || !uvpi_parse_u32(name, "pool", 0, UINT32_MAX, &number, NULL)) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "'%s' cannot be a pool's name", name);
		uvpi_hint(err, "a name does not start with '-' and is not a number, which would be an id");
		return r;
	}
	n = uvp_pool_list(host, &pools, err);
	for (i = 0; i < n; i++)
		if (!strcmp(pools[i].name, name))
			return uvpi_fail(err, UVP_E_EXISTS, 0, "CPU pool %u is already called '%s'",
					 pools[i].id, name);
	return n < 0 ? n : 0;
}

int uvpi_pool_write_name(struct uvp_host *host, uint32_t pool, const char *name, struct uvp_error *err)
{
	struct uvpi_store *store;
	char path[64];
	int r = uvpi_host_store(host, &store, err);

	if (r)
		return r;
	snprintf(path, sizeof(path), "/local/pool/%u/name", pool);
	return uvpi_store_write(store, path, name, err);
}

int uvp_pool_rename(struct uvp_host *host, const struct uvp_pool *pool, const char *name,
		    struct uvp_error *err)
{
	int r = check_name(host, name, err);

	return r ? r : uvpi_pool_write_name(host, pool->id, name, err);
}

/* ---- making ---- */

static int write_nodes(struct uvp_host *host, uint32_t id, const char *name, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64], text[UVPI_UUID_TEXT];
	uint8_t uuid[16];
	int r = uvpi_new_uuid(uuid, err);

	if (!r)
		r = uvpi_host_batch(host, &batch, err);
	if (r)
		return r;
	uvpi_format_uuid(uuid, text);
	snprintf(path, sizeof(path), "/local/pool/%u/uuid", id);
	uvpi_batch_write(batch, path, text);
	snprintf(path, sizeof(path), "/local/pool/%u/name", id);
	uvpi_batch_write(batch, path, name);
	return uvpi_batch_run(batch, true, err);
}

static void remove_nodes(struct uvp_host *host, uint32_t id)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_store *store;
	char path[64];

	snprintf(path, sizeof(path), "/local/pool/%u", id);
	if (uvpi_host_store(host, &store, &err) || uvpi_store_rm(store, path, &err))
		uvpi_debug("%s", err.message);
}

static int choose_cpus(struct uvp_host *host, const struct uvp_cpumap *wanted, struct uvp_cpumap *ret_cpus,
		       struct uvp_error *err)
{
	struct uvp_cpumap free_cpus;
	uint32_t cpu = 0;
	int r;

	if (wanted) {
		*ret_cpus = *wanted;
		return uvpi_pool_check_free(host, wanted, err);
	}
	r = uvp_pool_free_cpus(host, &free_cpus, err);
	if (r)
		return r;
	if (uvpi_cpumap_is_empty(&free_cpus)) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "every CPU of this host is in a pool: there is none for a new one");
		uvpi_hint(err, "take some from a pool first: 'xlx cpupool-cpu-remove Pool-0 CPUS'");
		return r;
	}
	while (!uvp_cpumap_has(&free_cpus, cpu))
		cpu++;
	memset(ret_cpus, 0, sizeof(*ret_cpus));
	uvpi_cpumap_set(ret_cpus->bits, cpu);
	return 0;
}

static int choose_scheduler(struct uvp_host *host, const char *name, uint32_t *ret_sched, struct uvp_error *err)
{
	struct uvpi_poolinfo *pools;
	int n, r;

	if (name) {
		r = uvpi_sched_by_name(name);
		if (r < 0) {
			r = uvpi_fail(err, UVP_E_INVALID, 0, "there is no scheduler '%s'", name);
			uvpi_hint(err, "Xen has credit, credit2, rtds, null and arinc653");
			return r;
		}
		*ret_sched = (uint32_t)r;
		return 0;
	}
	n = uvpi_hyp_pools(host->hyp, &pools, err);
	if (n < 0)
		return n;
	*ret_sched = n ? pools[0].sched : UVPI_SCHED_CREDIT2;
	uvpi_pools_free(pools, n);
	return 0;
}

int uvp_pool_create(struct uvp_host *host, const char *name, const char *scheduler,
		    const struct uvp_cpumap *cpus, unsigned int flags, uint32_t *ret_id, struct uvp_error *err)
{
	struct uvp_error undo = UVP_ERROR_INIT;
	struct uvp_cpumap chosen;
	uint32_t sched = 0, id = 0;
	int r;

	r = check_name(host, name, err);
	if (!r)
		r = choose_scheduler(host, scheduler, &sched, err);
	if (!r)
		r = choose_cpus(host, cpus, &chosen, err);
	if (r || (flags & UVP_POOL_DRY_RUN))
		return r;
	r = uvpi_hyp_pool_create(host->hyp, sched, &id, err);
	if (r)
		return r;
	r = uvpi_pool_add_each(host, id, &chosen, err);
	if (r)
		goto out_destroy;
	r = write_nodes(host, id, name, err);
	if (r)
		goto out_cpus;
	*ret_id = id;
	return 0;

out_cpus:
	if (uvpi_pool_remove_each(host, id, &chosen, &undo))
		uvpi_debug("%s", undo.message);
	remove_nodes(host, id);
out_destroy:
	if (uvpi_hyp_pool_destroy(host->hyp, id, &undo))
		uvpi_debug("%s", undo.message);
	uvpi_prefix(err, "cannot create CPU pool '%s'", name);
	return r;
}

int uvp_pool_destroy(struct uvp_host *host, const struct uvp_pool *pool, struct uvp_error *err)
{
	struct uvp_error undo = UVP_ERROR_INIT;
	int r;

	if (!pool->id)
		return uvpi_fail(err, UVP_E_INVALID, 0, "pool 0 cannot be destroyed: domain 0 lives in it");
	if (pool->domains) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "cannot destroy CPU pool '%s': it has %u domain%s", pool->name,
			      pool->domains, pool->domains == 1 ? "" : "s");
		uvpi_hint(err, "move them first: 'xlx cpupool-migrate DOMAIN Pool-0'; 'xlx list' shows them");
		return r;
	}
	r = uvpi_pool_remove_each(host, pool->id, &pool->cpus, err);
	if (r)
		return r;
	r = uvpi_hyp_pool_destroy(host->hyp, pool->id, err);
	if (r) {
		if (uvpi_pool_add_each(host, pool->id, &pool->cpus, &undo))
			uvpi_debug("%s", undo.message);
		return r;
	}
	remove_nodes(host, pool->id);
	return 0;
}
