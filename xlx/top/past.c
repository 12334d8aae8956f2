/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Only what the screen needs is read from the history, each time anew: a file of days would not fit into memory. */
#include "xlx/top/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "history/rates.h"

#define NS INT64_C(1000000000)
#define CURVE_NS (70 * NS) /* before what is shown: for the small curve, and one sample at least for rates */

void top_past_done(struct top_past *past)
{
	top_model_free(past->model);
	uvpi_history_done(&past->history);
	past->model = NULL;
	past->at_ns = 0;
}

/* ---- a sample as it would be taken ---- */

/* The history has all disks of a domain as one, and all its interfaces. */
static void add_devices(struct uvp_stats *stats, const struct uvpi_history_domain *domain)
{
	const struct uvp_stats_device disks = {
		.domid = domain->domid, .disk = true, .name = "all disks", .reads = domain->disk_reads, .writes = domain->disk_writes,
		.read_bytes = domain->disk_read_bytes, .write_bytes = domain->disk_write_bytes,
	};
	const struct uvp_stats_device nets = {
		.domid = domain->domid, .name = "all interfaces", .reads = domain->net_rx_packets, .writes = domain->net_tx_packets,
		.read_bytes = domain->net_rx_bytes, .write_bytes = domain->net_tx_bytes,
	};

	if (disks.reads || disks.writes)
		stats->devices[stats->n_devices++] = disks;
	if (nets.reads || nets.writes)
		stats->devices[stats->n_devices++] = nets;
}

struct uvp_stats *top_past_stats(const struct uvpi_history_frame *frame)
{
	struct uvp_stats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return NULL;
	stats->cpus = calloc(frame->cpus + 1u, sizeof(*stats->cpus));
	stats->devices = calloc(2 * (size_t)frame->n_domains + 1, sizeof(*stats->devices));
	stats->domains.domains = calloc(frame->n_domains + 1u, sizeof(*stats->domains.domains));
	stats->nodes = calloc(frame->n_nodes + 1u, sizeof(*stats->nodes));
	if (!stats->cpus || !stats->devices || !stats->domains.domains || !stats->nodes) {
		uvp_stats_free(stats);
		return NULL;
	}
	stats->time_ns = frame->time_ns;
	stats->total_memory = frame->total_memory;
	stats->free_memory = frame->free_memory;
	stats->claimed_memory = frame->claimed_memory;
	stats->missed = frame->missed;
	/* nor has it single CPUs: each is shown with the average */
	for (; stats->n_cpus < frame->cpus; stats->n_cpus++)
		stats->cpus[stats->n_cpus] = (struct uvp_stats_cpu){ (uint32_t)stats->n_cpus, true, frame->idle_ns / frame->cpus };
	for (uint32_t i = 0; i < frame->n_nodes; i++)
		stats->nodes[stats->n_nodes++] = (struct uvp_stats_node){ i, frame->nodes[i].total_memory, frame->nodes[i].free_memory };
	for (uint32_t i = 0; i < frame->n_domains; i++) {
		const struct uvpi_history_domain *domain = &frame->domains[i];
		struct uvp_domain_info *info = &stats->domains.domains[stats->domains.n++];

		*info = (struct uvp_domain_info){
			.id = domain->domid, .name = domain->name[0] ? domain->name : NULL, .state = domain->state,
			.reason = domain->reason, .type = domain->type,
			.pool = domain->pool == UVPI_HISTORY_UNKNOWN ? UINT32_MAX : domain->pool,
			.memory_bytes = domain->memory, .vcpus = domain->vcpus,
			.max_vcpus = domain->vcpus, .cpu_time_ns = domain->cpu_ns, .target_bytes = domain->target,
			.most_bytes = domain->most,
		};
		memcpy(info->uuid, domain->uuid, sizeof(info->uuid));
		add_devices(stats, domain);
	}
	return stats;
}

/* A sum that is less than before is one over other devices: it tells nothing of the time between. */
static void tell_sums_apart(const struct uvp_stats *before, struct uvp_stats *now)
{
	for (size_t i = 0, at = 0; i < now->n_devices; i++) {
		struct uvp_stats_device *sum = &now->devices[i];
		const struct uvp_stats_device *then;

		while (at < before->n_devices && (before->devices[at].domid < sum->domid ||
						  (before->devices[at].domid == sum->domid && before->devices[at].disk && !sum->disk)))
			at++;
		then = &before->devices[at];
		if (at == before->n_devices || then->domid != sum->domid || then->disk != sum->disk)
			continue;
		sum->devid = then->devid + (sum->reads < then->reads || sum->writes < then->writes || sum->read_bytes < then->read_bytes ||
					    sum->write_bytes < then->write_bytes);
	}
}

/* A rate over hours in which nobody took samples tells nothing of the moment. */
struct top_model *top_past_model(const struct uvpi_history *history, size_t last, const struct top_model *now)
{
	struct top_model *model = top_model_new();
	size_t first = last;

	if (!model)
		return NULL;
	while (first > 0 && uvpi_history_goes_on(&history->frames[first - 1], &history->frames[first]))
		first--;
	model->from_history = true;
	if (now) {
		snprintf(model->host, sizeof(model->host), "%s", now->host);
		snprintf(model->xen, sizeof(model->xen), "%s", now->xen);
	}
	model->taken_at = history->frames[last].wall_ns / NS;
	for (size_t i = first; i <= last; i++) {
		struct uvp_stats *stats = top_past_stats(&history->frames[i]);

		if (stats && model->now)
			tell_sums_apart(model->now, stats);
		if (!stats || top_model_add(model, stats) < 0) {
			top_model_free(model);
			return NULL;
		}
	}
	return model;
}

/* ---- going ---- */

/* The last one by the clock, which may have been set while they were taken. */
static size_t latest(const struct uvpi_history *history)
{
	size_t found = 0;

	for (size_t i = 1; i < history->n; i++)
		if (history->frames[i].wall_ns >= history->frames[found].wall_ns)
			found = i;
	return found;
}

/* The sample to show is the last one until then. */
static int show(struct top_past *past, int64_t until_ns, const struct top_model *now, struct uvp_error *err)
{
	struct uvpi_history history = { 0 };
	struct top_model *model;
	size_t at;
	int r = uvpi_history_load(past->folder, until_ns - CURVE_NS, until_ns, &history, err);

	if (r < 0 || !history.n) {
		uvpi_history_done(&history);
		return r;
	}
	at = latest(&history);
	model = top_past_model(&history, at, now);
	if (!model) {
		uvpi_history_done(&history);
		return uvpi_no_memory(err);
	}
	top_past_done(past);
	past->history = history;
	past->model = model;
	past->at_ns = history.frames[at].wall_ns;
	return 1;
}

/* When the first sample from then on was taken, by the clock; 0: there is none. */
static int next_after(const struct top_past *past, int64_t since_ns, int64_t until_ns, int64_t *ret_ns, struct uvp_error *err)
{
	struct uvpi_history history = { 0 };
	int r = uvpi_history_load(past->folder, since_ns, until_ns, &history, err);

	*ret_ns = 0;
	for (size_t i = 0; r == 0 && i < history.n; i++) {
		int64_t wall_ns = history.frames[i].wall_ns;

		if (wall_ns >= since_ns && (!*ret_ns || wall_ns < *ret_ns))
			*ret_ns = wall_ns;
	}
	uvpi_history_done(&history);
	return r;
}

int top_past_go(struct top_past *past, int64_t seconds, bool forward, int64_t now_ns, const struct top_model *now,
		struct uvp_error *err)
{
	int64_t from = past->model ? past->at_ns : now_ns, window = CURVE_NS, at = 0;
	int r;

	if (!forward)
		return show(past, from - (seconds ? seconds * NS : 1), now, err);
	if (!past->model)
		return 0;
	from += seconds ? seconds * NS : 1;
	/* Over a gap in the history one goes at a stroke. */
	for (; !at && from <= now_ns; from += window, window *= 2) {
		r = next_after(past, from, from + window < now_ns ? from + window : now_ns, &at, err);
		if (r < 0)
			return r;
	}
	if (at)
		return show(past, at, now, err);
	top_past_done(past);
	return 0;
}
