/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory beyond what Xen's list of domains says: the host's nodes, and what domains are asked and allowed to have, which only
 * xenstore knows. It changes seldom: domains are asked for in turns, new ones at once; while xenstored is silent, what was known
 * before is told. */
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

#define ROUND_MS 5000 /* in which each domain has its turn, and so much more for each of them */
#define ROUND_EACH_MS 100
#define ROUND_MOST_MS 60000
#define TURNS_LEAST 16 /* of one exchange with xenstored, or all domains there are */
#define YOUNG_MS 60000 /* so long after it was seen first, a domain may yet be given a target */
#define YOUNG_AGAIN_MS 2000
#define PATIENCE_MS 100
#define REST_MS 30000 /* when it did not answer */

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

/* ---- whose turn it is ---- */

/* Both are in order of id. */
int uvpi_targets_follow(struct uvpi_targets *targets, const struct uvp_domain_list *domains, int64_t now, struct uvp_error *err)
{
	struct uvpi_target *list = calloc(domains->n + 1, sizeof(*list));

	if (!list)
		return uvpi_no_memory(err);
	for (size_t i = 0, at = 0; i < domains->n; i++) {
		const struct uvp_domain_info *info = &domains->domains[i];

		while (at < targets->n && targets->list[at].domid < info->id)
			at++;
		if (at < targets->n && targets->list[at].domid == info->id && !memcmp(targets->list[at].uuid, info->uuid, 16)) {
			list[i] = targets->list[at];
			continue;
		}
		list[i].domid = info->id;
		list[i].seen_ms = now;
		memcpy(list[i].uuid, info->uuid, sizeof(list[i].uuid));
	}
	free(targets->list);
	targets->list = list;
	targets->n = domains->n;
	return 0;
}

static bool is_urgent(const struct uvpi_target *target, int64_t now)
{
	return !target->asked_ms ||
	       (!target->target && now - target->seen_ms < YOUNG_MS && now - target->asked_ms >= YOUNG_AGAIN_MS);
}

static size_t choose_urgent(struct uvpi_targets *targets, int64_t now, struct uvpi_target *chosen[UVPI_TARGETS_BATCH])
{
	size_t n = 0;

	for (size_t i = 0; i < targets->n && n < UVPI_TARGETS_BATCH; i++)
		if (is_urgent(&targets->list[i], now))
			chosen[n++] = &targets->list[i];
	return n;
}

/* As many as the time since the last ones is worth. */
static size_t choose_turns(struct uvpi_targets *targets, int64_t now, struct uvpi_target *chosen[UVPI_TARGETS_BATCH], size_t n)
{
	int64_t all = (int64_t)targets->n, round = ROUND_MS + all * ROUND_EACH_MS, due;
	size_t at = 0;

	if (round > ROUND_MOST_MS)
		round = ROUND_MOST_MS;
	if (now - targets->turn_ms > round)
		targets->turn_ms = now - round;
	due = all * (now - targets->turn_ms) / round;
	if (!due || due < (all < TURNS_LEAST ? all : TURNS_LEAST))
		return n;
	while (at < targets->n && targets->list[at].domid < targets->next)
		at++;
	for (; due && n < UVPI_TARGETS_BATCH; due--) {
		at = at < targets->n ? at : 0;
		chosen[n++] = &targets->list[at++];
		targets->turn_ms += round / all;
	}
	targets->next = at < targets->n ? targets->list[at].domid : 0;
	return n;
}

size_t uvpi_targets_choose(struct uvpi_targets *targets, int64_t now, struct uvpi_target *chosen[UVPI_TARGETS_BATCH])
{
	return choose_turns(targets, now, chosen, choose_urgent(targets, now, chosen));
}

/* ---- asking ---- */

static int run_batch(struct uvp_host *host, struct uvpi_target *const *chosen, size_t n, struct uvpi_batch **ret_batch)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_store *store;
	int patience, r = uvpi_host_store_within(host, PATIENCE_MS, &store, NULL);

	if (r == 0)
		r = uvpi_batch_new(store, &batch, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		ask_for(batch, chosen[i]->domid);
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

static int ask_store(struct uvp_host *host, struct uvpi_target *const *chosen, size_t n, int64_t now)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = run_batch(host, chosen, n, &batch);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		chosen[i]->target = bytes_of(uvpi_batch_value(batch, (int)(2 * i), NULL));
		chosen[i]->most = bytes_of(uvpi_batch_value(batch, (int)(2 * i + 1), NULL));
		chosen[i]->asked_ms = now;
	}
	return 0;
}

/* Not longer than one patience in all, and the last batch's. */
static void ask_in_turns(struct uvp_host *host, struct uvpi_targets *targets, int64_t now)
{
	int64_t end = now + PATIENCE_MS;
	struct uvpi_target *chosen[UVPI_TARGETS_BATCH];
	size_t n;

	while (now < end && now >= targets->rest_ms) {
		n = uvpi_targets_choose(targets, now, chosen);
		if (!n)
			return;
		if (ask_store(host, chosen, n, now) < 0)
			targets->rest_ms = uvpi_now_ms() + REST_MS;
		now = uvpi_now_ms();
	}
}

int uvpi_stats_memory(struct uvp_host *host, struct uvp_stats *stats, bool store_silent, struct uvp_error *err)
{
	struct uvpi_targets *targets = host->targets ? host->targets : calloc(1, sizeof(*targets));
	int64_t now = uvpi_now_ms();
	int r = take_nodes(host, stats, err);

	if (targets && !host->targets)
		targets->turn_ms = now;
	host->targets = targets;
	if (r < 0)
		return r;
	r = targets ? uvpi_targets_follow(targets, &stats->domains, now, err) : uvpi_no_memory(err);
	if (r < 0)
		return r;
	if (!store_silent)
		ask_in_turns(host, targets, now);
	for (size_t i = 0; i < targets->n; i++) {
		stats->domains.domains[i].target_bytes = targets->list[i].target;
		stats->domains.domains[i].most_bytes = targets->list[i].most;
	}
	return 0;
}
