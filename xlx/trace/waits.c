/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/trace/waits.h"

#include <stdlib.h>
#include <string.h>

#define APART_NS 100000000u /* a tenth of a second */

bool trace_waits_init(struct trace_waits *waits, uint32_t domid, uint32_t n_vcpus, uint32_t n_cpus, uint64_t khz)
{
	*waits = (struct trace_waits){ .domid = domid, .n_vcpus = n_vcpus, .n_cpus = n_cpus, .khz = khz ? khz : 1 };
	waits->vcpus = calloc((size_t)n_vcpus + 1, sizeof(*waits->vcpus));
	waits->moves = calloc((size_t)n_cpus * n_cpus + 1, sizeof(*waits->moves));
	waits->heard = calloc((size_t)n_cpus + 1, sizeof(*waits->heard));
	if (!waits->vcpus || !waits->moves || !waits->heard)
		return false;
	for (uint32_t i = 0; i < n_vcpus; i++)
		waits->vcpus[i].cpu = -1;
	return true;
}

void trace_waits_done(struct trace_waits *waits)
{
	free(waits->vcpus);
	free(waits->moves);
	free(waits->heard);
	free(waits->queue);
	*waits = (struct trace_waits){ 0 };
}

uint64_t trace_ns(const struct trace_waits *waits, uint64_t ticks)
{
	return ticks / waits->khz * 1000000 + ticks % waits->khz * 1000000 / waits->khz;
}

/* ---- one record after the other ---- */

static uint64_t since(uint64_t from, uint64_t to)
{
	/* the clocks of two CPUs are not the same to the last cycle */
	return to > from ? to - from : 0;
}

static void ran_on(struct trace_waits *waits, struct trace_vcpu *vcpu, uint32_t cpu)
{
	if (vcpu->cpu >= 0 && vcpu->cpu != cpu) {
		vcpu->moves++;
		waits->moves[(size_t)vcpu->cpu * waits->n_cpus + cpu]++;
	}
	vcpu->cpu = cpu;
}

/* From now on nothing is known of the vCPU. */
static void forget(struct trace_vcpu *vcpu, uint64_t now)
{
	if (vcpu->known)
		vcpu->ticks[vcpu->state] += since(vcpu->since, now);
	vcpu->known = vcpu->begin_known = false;
	vcpu->seen = true;
	vcpu->cpu = -1;
}

static void leave(struct trace_waits *waits, struct trace_vcpu *vcpu, const struct trace_record *record)
{
	uint64_t waited;

	/* What it was before its first record, that tells. */
	if (!vcpu->seen)
		vcpu->ticks[record->from] += since(waits->first, record->time);
	if (!vcpu->known || vcpu->state != record->from) {
		vcpu->begin_known = false;
		return;
	}
	waited = since(vcpu->since, record->time);
	vcpu->ticks[vcpu->state] += waited;
	if (record->from != TRACE_READY || record->to != TRACE_RUNNING || !vcpu->begin_known)
		return;
	trace_histogram_add(&vcpu->ready, trace_ns(waits, waited));
	if (vcpu->woken)
		trace_histogram_add(&vcpu->wakeup, trace_ns(waits, waited));
}

static void change(struct trace_waits *waits, struct trace_vcpu *vcpu, const struct trace_record *record)
{
	leave(waits, vcpu, record);
	vcpu->woken = record->from == TRACE_BLOCKED && record->to == TRACE_READY;
	vcpu->wakeups += vcpu->woken;
	vcpu->turns += record->to == TRACE_RUNNING;
	if (record->from == TRACE_RUNNING || record->to == TRACE_RUNNING)
		ran_on(waits, vcpu, record->cpu);
	vcpu->seen = true;
	vcpu->state = record->to;
	vcpu->since = record->time;
	vcpu->known = vcpu->begin_known = record->time >= waits->unsure_until;
}

static void runs_on(struct trace_waits *waits, struct trace_vcpu *vcpu, const struct trace_record *record)
{
	if (vcpu->known && vcpu->state == TRACE_RUNNING)
		return;
	if (!vcpu->seen)
		vcpu->ticks[TRACE_RUNNING] += since(waits->first, record->time);
	ran_on(waits, vcpu, record->cpu);
	vcpu->seen = true;
	vcpu->begin_known = false;
	vcpu->state = TRACE_RUNNING;
	vcpu->since = record->time;
	vcpu->known = record->time >= waits->unsure_until;
}

static void lost(struct trace_waits *waits, const struct trace_record *record)
{
	waits->lost += record->lost;
	if (record->time > waits->unsure_until)
		waits->unsure_until = record->time;
	for (uint32_t i = 0; i < waits->n_vcpus; i++)
		forget(&waits->vcpus[i], record->lost_since);
}

static void count(struct trace_waits *waits, const struct trace_record *record)
{
	if (record->kind == TRACE_LOST) {
		lost(waits, record);
		return;
	}
	waits->records++;
	if (record->kind == TRACE_CHANGE)
		change(waits, &waits->vcpus[record->vcpu], record);
	else
		runs_on(waits, &waits->vcpus[record->vcpu], record);
}

/* ---- the order of many buffers ---- */

static bool is_wanted(const struct trace_waits *waits, const struct trace_record *record)
{
	if (record->cpu >= waits->n_cpus)
		return false;
	return record->kind == TRACE_LOST ||
	       (record->kind != TRACE_OTHER && record->domid == waits->domid && record->vcpu < waits->n_vcpus);
}

static bool enqueue(struct trace_waits *waits, const struct trace_record *record)
{
	if (waits->n_queue == waits->room) {
		size_t room = waits->room ? waits->room * 2 : 1024;
		struct trace_record *more = reallocarray(waits->queue, room, sizeof(*more));

		if (!more)
			return false;
		waits->queue = more;
		waits->room = room;
	}
	waits->queue[waits->n_queue] = *record;
	waits->queue[waits->n_queue++].number = waits->n_queued++;
	return true;
}

bool trace_waits_add(struct trace_waits *waits, uint32_t cpu, const uint8_t *data, size_t len)
{
	struct trace_record record;
	size_t taken;

	if (cpu < waits->n_cpus && len)
		waits->heard[cpu] = true;
	for (; len; data += taken, len -= taken) {
		taken = trace_record_take(data, len, &record);
		if (!taken) {
			waits->broken++;
			return true;
		}
		record.cpu = cpu;
		if (record.time && (!waits->first || record.time < waits->first))
			waits->first = record.time;
		if (record.time > waits->last)
			waits->last = record.time;
		if (is_wanted(waits, &record) && !enqueue(waits, &record))
			return false;
	}
	return true;
}

static uint64_t order_of(const struct trace_record *record)
{
	return record->kind == TRACE_LOST ? record->lost_since : record->time;
}

static int compare(const void *a, const void *b)
{
	const struct trace_record *left = a, *right = b;
	uint64_t first = order_of(left), second = order_of(right);

	if (first != second)
		return first < second ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

static void count_until(struct trace_waits *waits, uint64_t time)
{
	size_t n = 0;

	if (!waits->n_queue)
		return;
	qsort(waits->queue, waits->n_queue, sizeof(*waits->queue), compare);
	for (; n < waits->n_queue && order_of(&waits->queue[n]) <= time; n++)
		count(waits, &waits->queue[n]);
	waits->n_queue -= n;
	memmove(waits->queue, waits->queue + n, waits->n_queue * sizeof(*waits->queue));
}

/* A record of this round may have been written before one of the same round that was read from another buffer, and one that
 * the next round finds may be older than those of this; but not than those of the round before. */
void trace_waits_round(struct trace_waits *waits)
{
	count_until(waits, waits->complete_until);
	waits->complete_until = waits->last;
}

/* The counters are not read at the instants of the first and last record. */
static bool goes_with(uint64_t least, uint64_t most, uint64_t counted, uint64_t interval)
{
	uint64_t apart = interval / 10 + APART_NS;

	return counted + apart >= least && counted <= most + apart;
}

static void end_vcpu(struct trace_waits *waits, struct trace_vcpu *vcpu, enum trace_state state, const uint64_t *counted)
{
	uint64_t known = 0, interval = trace_interval_ns(waits), run = state == TRACE_RUNNING ? interval : 0;

	if (!vcpu->seen && (!counted || goes_with(run, run, *counted, interval))) {
		vcpu->state = state;
		vcpu->since = waits->first;
		vcpu->known = true;
	}
	if (vcpu->known && vcpu->state == TRACE_READY)
		vcpu->still_ready_ns = trace_ns(waits, since(vcpu->since, waits->last));
	if (vcpu->known)
		vcpu->ticks[vcpu->state] += since(vcpu->since, waits->last);
	for (int i = 0; i < TRACE_STATES; i++) {
		vcpu->ns[i] = trace_ns(waits, vcpu->ticks[i]);
		known += vcpu->ns[i];
	}
	vcpu->unknown_ns = interval > known ? interval - known : 0;
	run = vcpu->ns[TRACE_RUNNING];
	vcpu->doubtful = counted && !goes_with(run, run + vcpu->unknown_ns, *counted, interval);
}

void trace_waits_end(struct trace_waits *waits, const enum trace_state *states, const uint64_t *counted_ns)
{
	count_until(waits, UINT64_MAX);
	for (uint32_t i = 0; i < waits->n_vcpus; i++)
		end_vcpu(waits, &waits->vcpus[i], states[i], counted_ns ? &counted_ns[i] : NULL);
}
