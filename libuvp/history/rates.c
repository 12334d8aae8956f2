/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters only grow, so what lies between two samples of one boot is known exactly, whatever the time between them; it is
 * counted for the step in which the later one was taken. */
#include "history/rates.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "domain/stats.h"

#define MAX_ROWS 1000000
#define OUT_OF_STEP_NS (2 * UINT64_C(1000000000)) /* what the clocks of an emulated host's CPUs may differ by */

/* ---- two files as one ---- */

static bool same_boot(const struct uvpi_history_frame *a, const struct uvpi_history_frame *b)
{
	return !memcmp(a->boot, b->boot, sizeof(a->boot));
}

/* How many minutes are older than the first second: of the same boot Xen's clock tells, and what stands before that boot is older. */
static size_t count_older(const struct uvpi_history *minutes, const struct uvpi_history_frame *second)
{
	size_t n = 0, end;

	while (n < minutes->n && !same_boot(&minutes->frames[n], second))
		n++;
	if (n < minutes->n) {
		for (end = n; end < minutes->n && same_boot(&minutes->frames[end], second); end++)
			if (minutes->frames[end].time_ns >= second->time_ns)
				break;
		return end;
	}
	for (n = 0; n < minutes->n && minutes->frames[n].wall_ns < second->wall_ns; n++)
		;
	return n;
}

static bool any_since(const struct uvpi_history *history, size_t n, int64_t since_ns)
{
	for (size_t i = 0; i < n; i++)
		if (history->frames[i].wall_ns >= since_ns)
			return true;
	return false;
}

/* One that has nothing of that time has the last frame before it, as far as it knows: whoever knows better is asked. */
static void forget_worse(struct uvpi_history *minutes, struct uvpi_history *seconds, int64_t since_ns)
{
	if (!seconds->n || !minutes->n || any_since(seconds, seconds->n, since_ns))
		return;
	if (any_since(minutes, minutes->n, since_ns) || minutes->frames[0].wall_ns > seconds->frames[0].wall_ns)
		uvpi_history_done(seconds);
	else
		uvpi_history_done(minutes);
}

/* The minutes that are older than all seconds go before them, unless seconds go back far enough. */
static int join(struct uvpi_history *minutes, struct uvpi_history *seconds, int64_t since_ns, struct uvpi_history *ret_history,
		struct uvp_error *err)
{
	struct uvpi_history_frame *frames;
	size_t n;

	forget_worse(minutes, seconds, since_ns);
	n = seconds->n ? count_older(minutes, &seconds->frames[0]) : minutes->n;
	if (seconds->n && seconds->frames[0].wall_ns < since_ns && !any_since(minutes, n, since_ns))
		n = 0;

	frames = calloc(n + seconds->n + 1, sizeof(*frames));
	if (!frames)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < minutes->n; i++)
		if (i < n)
			frames[i] = minutes->frames[i];
		else
			uvpi_history_frame_done(&minutes->frames[i]);
	/* The first of the seconds tells what was missed in that second, and not in all that lies between. */
	if (n && seconds->n)
		seconds->frames[0].missed = true;
	if (seconds->n)
		memcpy(frames + n, seconds->frames, seconds->n * sizeof(*frames));
	ret_history->frames = frames;
	ret_history->n = n + seconds->n;
	/* the frames' domains are the new one's now */
	free(minutes->frames);
	free(seconds->frames);
	*minutes = *seconds = (struct uvpi_history){ 0 };
	return 0;
}

int uvpi_history_load(const char *folder, int64_t since_ns, int64_t until_ns, struct uvpi_history *ret_history, struct uvp_error *err)
{
	struct uvpi_history minutes = { 0 }, seconds = { 0 };
	char path[4096];
	int r;

	snprintf(path, sizeof(path), "%.4000s/seconds", folder);
	r = uvpi_history_read(path, since_ns, until_ns, &seconds, err);
	snprintf(path, sizeof(path), "%.4000s/minutes", folder);
	if (r == 0)
		r = uvpi_history_read(path, since_ns, until_ns, &minutes, err);
	if (r == 0)
		r = join(&minutes, &seconds, since_ns, ret_history, err);
	uvpi_history_done(&minutes);
	uvpi_history_done(&seconds);
	return r;
}

/* as much of a name as is kept */
static bool is_called(const struct uvpi_history_domain *domain, const char *name)
{
	return !strncmp(domain->name, name, sizeof(domain->name) - 1);
}

/* What is called so: many may share as much of a name as is kept, and only their UUIDs tell them apart. */
static struct uvpi_history_who by_name(const struct uvpi_history_frame *frame, const struct uvpi_history_domain *domain, const char *text)
{
	struct uvpi_history_who who = { UVPI_HISTORY_BY_NAME, domain, false };

	if (strlen(domain->name) < sizeof(domain->name) - 1)
		return who;
	who.by = UVPI_HISTORY_BY_UUID;
	for (uint32_t i = 0; i < frame->n_domains; i++)
		who.ambiguous |= &frame->domains[i] != domain && is_called(&frame->domains[i], text);
	return who;
}

static bool find_in(const struct uvpi_history_frame *frame, const char *text, uint32_t domid, const uint8_t *uuid,
		    struct uvpi_history_who *ret_who)
{
	ret_who->domain = NULL;
	for (uint32_t i = 0; i < frame->n_domains; i++) {
		const struct uvpi_history_domain *domain = &frame->domains[i];

		if (is_called(domain, text)) {
			*ret_who = by_name(frame, domain, text);
			return true;
		}
		if (uuid && !memcmp(domain->uuid, uuid, 16)) {
			*ret_who = (struct uvpi_history_who){ UVPI_HISTORY_BY_UUID, domain, false };
			return true;
		}
		if (domain->domid == domid)
			*ret_who = (struct uvpi_history_who){ UVPI_HISTORY_BY_ID, domain, false };
	}
	return ret_who->domain;
}

bool uvpi_history_find(const struct uvpi_history *history, const char *text, struct uvpi_history_who *ret_who)
{
	uint32_t domid = UINT32_MAX;
	uint8_t uuid[16];
	bool by_uuid = uvpi_parse_uuid(text, uuid, NULL) == 0;

	if (!*text)
		return false;
	if (uvpi_parse_u32(text, "domain", 0, UVPI_HISTORY_DOMAINS, &domid, NULL) < 0)
		domid = UINT32_MAX;
	for (size_t i = history->n; i > 0; i--)
		if (find_in(&history->frames[i - 1], text, domid, by_uuid ? uuid : NULL, ret_who))
			return true;
	return false;
}

/* ---- steps ---- */

static double grown(uint64_t before, uint64_t now)
{
	return (double)uvpi_stats_grown(before, now);
}

/* What is summed up within a step; divided at its end. */
struct sum {
	double ns, cpu;
	double capacity, idle, dom0, all; /* while as many CPUs were online at the end as at the beginning */
	double xen_capacity, xen;         /* and no domain had ended, or come and gone */
};

static void add_domain(struct uvpi_history_row *row, struct sum *sum, const struct uvpi_history_domain *a,
		       const struct uvpi_history_domain *b)
{
	static const struct uvpi_history_domain nothing;

	if (!a)
		a = &nothing;
	sum->cpu += grown(a->cpu_ns, b->cpu_ns);
	row->reads += grown(a->disk_reads, b->disk_reads);
	row->writes += grown(a->disk_writes, b->disk_writes);
	row->read_bytes += grown(a->disk_read_bytes, b->disk_read_bytes);
	row->write_bytes += grown(a->disk_write_bytes, b->disk_write_bytes);
	row->rx_packets += grown(a->net_rx_packets, b->net_rx_packets);
	row->tx_packets += grown(a->net_tx_packets, b->net_tx_packets);
	row->rx_bytes += grown(a->net_rx_bytes, b->net_rx_bytes);
	row->tx_bytes += grown(a->net_tx_bytes, b->net_tx_bytes);
}

/* Whom of that frame, and by what. */
static struct uvpi_history_who who_of(const struct uvpi_history_frame *frame, const struct uvpi_history_who *who)
{
	struct uvpi_history_who other = { 0 };

	if (!who)
		return other;
	other = *who;
	for (uint32_t i = 0; i < frame->n_domains && who->by == UVPI_HISTORY_BY_NAME; i++)
		if (is_called(&frame->domains[i], who->domain->name))
			return other;
	if (who->by == UVPI_HISTORY_BY_NAME)
		other.by = UVPI_HISTORY_BY_UUID;
	return other;
}

static bool is_meant(const struct uvpi_history_domain *domain, const struct uvpi_history_who *who)
{
	if (!who->domain)
		return domain->domid != 0;
	if (who->by == UVPI_HISTORY_BY_NAME)
		return is_called(domain, who->domain->name);
	return (who->by == UVPI_HISTORY_BY_UUID || domain->domid == who->domain->domid) &&
	       !memcmp(domain->uuid, who->domain->uuid, sizeof(domain->uuid));
}

/* The sum of what CPUs were idle tells nothing when another CPU brought its own, or took it away. What a domain had since the first
 * sample is told by nobody when it is gone in the second, nor what one had that lived in between: what is left over then is not only
 * Xen's. */
static void add_host(struct sum *sum, const struct uvpi_history_frame *a, const struct uvpi_history_frame *b, double dom0,
		     double all, bool known)
{
	double capacity = (double)(b->time_ns - a->time_ns) * b->cpus, idle = grown(a->idle_ns, b->idle_ns);
	double less = grown(b->idle_ns, a->idle_ns), out_of_step = (double)OUT_OF_STEP_NS * b->cpus;

	/* As many as before, and others among them: then more is idle than there was, or less than nothing. */
	if (a->cpus != b->cpus || idle > 1.1 * capacity + out_of_step || less > out_of_step)
		return;
	sum->capacity += capacity;
	sum->idle += idle;
	sum->dom0 += dom0;
	sum->all += all;
	if (!known)
		return;
	sum->xen_capacity += capacity;
	sum->xen += capacity - idle - all;
}

static void add_between(struct uvpi_history_row *row, struct sum *sum, const struct uvpi_history_frame *a,
			const struct uvpi_history_frame *b, const struct uvpi_history_who *who)
{
	uint32_t next = 0;
	double dom0 = 0, all = 0;

	sum->ns += (double)(b->time_ns - a->time_ns);
	for (uint32_t i = 0; i < b->n_domains; i++) {
		const struct uvpi_history_domain *domain = &b->domains[i], *before = uvpi_history_before(a, &next, domain);
		double run = grown(before ? before->cpu_ns : 0, domain->cpu_ns);

		all += run;
		dom0 += domain->domid ? 0 : run;
		if (is_meant(domain, who))
			add_domain(row, sum, before, domain);
	}
	add_host(sum, a, b, dom0, all, uvpi_history_all_stayed(a, b) && !b->missed);
}

/* How things were at the end of the step, as far as samples go. */
static void note_state(struct uvpi_history_row *row, const struct uvpi_history_frame *frame, const struct uvpi_history_who *who)
{
	row->domains = row->vcpus = row->memory = row->target = row->most = 0;
	row->last = frame;
	row->total = (double)frame->total_memory;
	row->free = (double)frame->free_memory;
	row->claimed = (double)frame->claimed_memory;
	row->used = row->total - row->free - row->claimed;
	for (uint32_t i = 0; i < frame->n_domains; i++) {
		if (!is_meant(&frame->domains[i], who))
			continue;
		row->domains++;
		row->vcpus += frame->domains[i].vcpus;
		row->memory += (double)frame->domains[i].memory;
		row->target = who->domain ? (double)frame->domains[i].target : 0;
		row->most = who->domain ? (double)frame->domains[i].most : 0;
	}
}

static double share(double part, double capacity)
{
	if (capacity <= 0)
		return NAN;
	return part > 0 ? part / capacity * 100 : 0;
}

static void finish_row(struct uvpi_history_row *row, const struct sum *sum)
{
	double *const rates[] = { &row->reads, &row->writes, &row->read_bytes, &row->write_bytes,
				  &row->rx_packets, &row->tx_packets, &row->rx_bytes, &row->tx_bytes };

	row->covered_s = sum->ns / 1e9;
	if (sum->ns <= 0)
		return;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(rates); i++)
		*rates[i] /= row->covered_s;
	row->cpu = sum->cpu / sum->ns * 100;
	row->idle = share(sum->idle, sum->capacity);
	row->dom0 = share(sum->dom0, sum->capacity);
	row->guests = share(sum->all - sum->dom0, sum->capacity);
	row->xen = share(sum->xen, sum->xen_capacity);
}

bool uvpi_history_goes_on(const struct uvpi_history_frame *a, const struct uvpi_history_frame *b)
{
	return same_boot(a, b) && b->time_ns > a->time_ns && b->time_ns - a->time_ns <= UVPI_HISTORY_GAP_NS;
}

static int64_t step_of(const struct uvpi_history_frame *frame, int64_t step_s)
{
	return frame->wall_ns / 1000000000 / step_s;
}

int uvpi_history_rows(const struct uvpi_history *history, const struct uvpi_history_who *who, int64_t step_s,
		      struct uvpi_history_row **ret_rows, size_t *ret_n, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_history_row *rows = NULL;
	int64_t first = INT64_MAX, last = INT64_MIN;
	_cleanup_free_ struct sum *sums = NULL;
	size_t n = 0;

	/* The clock may have been set meanwhile: samples are in the order in which they were taken, not in that of its time. */
	for (size_t i = 1; i < history->n; i++) {
		int64_t step = step_of(&history->frames[i], step_s);

		first = step < first ? step : first;
		last = step > last ? step : last;
	}
	if (first <= last && (uint64_t)last - (uint64_t)first >= MAX_ROWS)
		return uvpi_fail(err, UVP_E_INVALID, 0, "that is more than %d steps", MAX_ROWS);
	n = first <= last ? (size_t)(last - first) + 1 : 0;
	rows = calloc(n + 1, sizeof(*rows));
	sums = calloc(n + 1, sizeof(*sums));
	if (!rows || !sums)
		return uvpi_no_memory(err);
	for (size_t i = 1; i < history->n; i++) {
		const struct uvpi_history_frame *a = &history->frames[i - 1], *b = &history->frames[i];
		size_t at = (size_t)(step_of(b, step_s) - first);
		struct uvpi_history_who then = who_of(b, who);

		if (!uvpi_history_goes_on(a, b))
			continue;
		add_between(&rows[at], &sums[at], a, b, &then);
		note_state(&rows[at], b, &then);
	}
	for (size_t i = 0; i < n; i++) {
		rows[i].time_s = (first + (int64_t)i) * step_s;
		finish_row(&rows[i], &sums[i]);
	}
	*ret_rows = uvpi_steal(&rows);
	*ret_n = n;
	return 0;
}
