/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory beyond what Xen's list of domains says: the host's nodes, and what domains are asked and allowed to have, which only
 * xenstore knows. It changes seldom and is asked for seldom; while xenstored is silent, what was known before is told. */
#include "domain/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"

#define ASK_MS 5000       /* when there is a domain that nobody has asked for */
#define ASK_EACH_MS 100   /* otherwise so much later for each: a thousand must not keep xenstored busy */
#define PATIENCE_MS 100
#define REST_MS 30000 /* when it did not answer */

struct target {
	uint32_t domid;
	uint8_t uuid[16];
	uint64_t target, most; /* bytes */
};

struct uvpi_targets {
	struct target *list; /* by domain */
	size_t n;
	int64_t ask_ms, again_ms; /* not before that; not before that when all are known */
	bool all_known;
};

void uvpi_targets_free(struct uvpi_targets *targets)
{
	if (!targets)
		return;
	free(targets->list);
	free(targets);
}

static int take_nodes(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err)
{
	struct uvpi_numanode *nodes;
	int n = uvpi_hyp_numa(host->hyp, &nodes, err);

	if (n < 0)
		return n;
	stats->nodes = calloc((size_t)n + 1, sizeof(*stats->nodes));
	for (int i = 0; stats->nodes && i < n; i++)
		stats->nodes[stats->n_nodes++] = (struct uvp_stats_node){ (uint32_t)i, nodes[i].size_bytes, nodes[i].free_bytes };
	uvpi_numa_free(nodes, n);
	return stats->nodes ? 0 : uvpi_no_memory(err);
}

static uint64_t bytes_of(const char *kib)
{
	uint64_t value;

	return kib && uvpi_parse_u64(kib, "memory", 0, UINT64_MAX / 1024, &value, NULL) == 0 ? value * 1024 : 0;
}

static void ask_for(struct uvpi_batch *batch, uint32_t domid)
{
	static const char *const nodes[] = { "target", "static-max" };
	char path[96];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(nodes); i++) {
		snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/%s", domid, nodes[i]);
		uvpi_batch_read(batch, path);
	}
}

static int run_batch(struct uvp_host *host, const struct uvp_domain_list *domains, struct uvpi_batch **ret_batch)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_store *store;
	int patience, r = uvpi_host_store_within(host, PATIENCE_MS, &store, NULL);

	if (r == 0)
		r = uvpi_batch_new(store, &batch, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < domains->n; i++)
		ask_for(batch, domains->domains[i].id);
	patience = uvpi_store_set_patience(store, PATIENCE_MS);
	r = uvpi_batch_run(batch, false, NULL);
	if (r < 0) {
		/* a connection whose deadline passed is of no use any more */
		uvpi_host_drop_store(host);
		return r;
	}
	uvpi_store_set_patience(store, patience);
	*ret_batch = uvpi_steal(&batch);
	return 0;
}

static void ask_store(struct uvp_host *host, struct uvpi_targets *targets, const struct uvp_domain_list *domains)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct target *list = calloc(domains->n + 1, sizeof(*list));

	if (!list || run_batch(host, domains, &batch) < 0) {
		free(list);
		targets->ask_ms = targets->again_ms = uvpi_now_ms() + REST_MS;
		return;
	}
	for (size_t i = 0; i < domains->n; i++) {
		list[i].domid = domains->domains[i].id;
		memcpy(list[i].uuid, domains->domains[i].uuid, sizeof(list[i].uuid));
		list[i].target = bytes_of(uvpi_batch_value(batch, (int)(2 * i), NULL));
		list[i].most = bytes_of(uvpi_batch_value(batch, (int)(2 * i + 1), NULL));
	}
	free(targets->list);
	targets->list = list;
	targets->n = domains->n;
	targets->ask_ms = uvpi_now_ms() + ASK_MS;
	targets->again_ms = targets->ask_ms + (int64_t)domains->n * ASK_EACH_MS;
}

/* Both are in order of id. */
static bool tell(const struct uvpi_targets *targets, struct uvp_domain_list *domains)
{
	bool all_known = true;

	for (size_t i = 0, at = 0; i < domains->n; i++) {
		struct uvp_domain_info *info = &domains->domains[i];

		while (at < targets->n && targets->list[at].domid < info->id)
			at++;
		if (at == targets->n || targets->list[at].domid != info->id || memcmp(targets->list[at].uuid, info->uuid, 16) != 0) {
			all_known = false;
			continue;
		}
		info->target_bytes = targets->list[at].target;
		info->most_bytes = targets->list[at].most;
	}
	return all_known;
}

int uvpi_stats_memory(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err)
{
	struct uvpi_targets *targets = host->targets ? host->targets : calloc(1, sizeof(*targets));
	int r = take_nodes(host, stats, err);

	host->targets = targets;
	if (r < 0)
		return r;
	if (!targets)
		return uvpi_no_memory(err);
	if (uvpi_now_ms() >= (targets->all_known ? targets->again_ms : targets->ask_ms) && !stats->domains.store_error.code)
		ask_store(host, targets, &stats->domains);
	targets->all_known = tell(targets, &stats->domains);
	return 0;
}
