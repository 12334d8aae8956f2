/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the records of a trace say about one domain: how long its vCPUs were ready and did not run, how long after they were
 * woken they ran, and between which CPUs they moved. Pure: records in, figures out. */
#ifndef XLX_TRACE_WAITS_H
#define XLX_TRACE_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xlx/trace/record.h"

/* Durations by size: four slots for each power of two nanoseconds, so that a quantile is at most a quarter too high. */
#define TRACE_SLOTS 256u
struct trace_histogram {
	uint64_t count, sum_ns, max_ns;
	uint64_t slots[TRACE_SLOTS];
};

void trace_histogram_add(struct trace_histogram *histogram, uint64_t ns);
void trace_histogram_join(struct trace_histogram *histogram, const struct trace_histogram *more);
/* The duration that so many of a thousand are not above; 0 of none. */
uint64_t trace_histogram_quantile(const struct trace_histogram *histogram, unsigned int of_1000);
/* What is in a slot is below this. */
uint64_t trace_slot_end(unsigned int slot);

struct trace_vcpu {
	uint64_t ns[TRACE_STATES];
	uint64_t unknown_ns;      /* of the interval: records were lost, or the vCPU was where nothing is traced */
	bool doubtful;            /* Xen's counter of its run time does not go with ns: records are missing that nobody told of */
	uint64_t turns, wakeups, moves;
	uint64_t still_ready_ns;  /* at the end it was ready, and so long already */
	struct trace_histogram ready; /* from ready to running, whatever it did before */
	struct trace_histogram wakeup; /* the same of those that were blocked before */
	/* while records come */
	bool seen, known;         /* known: in this state since then */
	enum trace_state state;
	bool begin_known, woken;  /* the state was entered while it was traced; from blocked to ready */
	uint64_t since;
	int64_t cpu;              /* where it ran last; -1: not seen yet */
	uint64_t ticks[TRACE_STATES];
};

struct trace_waits {
	uint32_t domid, n_vcpus, n_cpus;
	uint64_t khz;
	uint64_t first, last;     /* time of the first and last record, of whatever domain */
	uint64_t records;         /* of the domain */
	uint64_t lost, broken;    /* records that found no room; buffers that held something else */
	uint64_t unsure_until;
	struct trace_vcpu *vcpus;
	uint64_t *moves;          /* [from * n_cpus + to] */
	bool *heard;              /* of each CPU: it wrote records */
	/* records that others, from other buffers, may still have to go before */
	struct trace_record *queue;
	size_t n_queue, room;
	uint64_t n_queued;        /* ever */
	uint64_t complete_until;
};

/* false: no memory */
bool trace_waits_init(struct trace_waits *waits, uint32_t domid, uint32_t n_vcpus, uint32_t n_cpus, uint64_t khz);
void trace_waits_done(struct trace_waits *waits);

/* What one buffer held. All buffers are read one after the other, and then again; trace_waits_round() after each time puts the
 * records into order, and counts those that nothing can come before any more. false: no memory */
bool trace_waits_add(struct trace_waits *waits, uint32_t cpu, const uint8_t *data, size_t len);
void trace_waits_round(struct trace_waits *waits);
/* After the last round: counts the rest, and up to the last record. A vCPU without a record was in one state all the time:
 * `states` says in which, once for each vCPU. `counted` is what Xen counts that each ran meanwhile, NULL when nobody knows: a state
 * that does not go with that is none. */
void trace_waits_end(struct trace_waits *waits, const enum trace_state *states, const uint64_t *counted_ns);

uint64_t trace_ns(const struct trace_waits *waits, uint64_t ticks);
static inline uint64_t trace_interval_ns(const struct trace_waits *waits)
{
	return trace_ns(waits, waits->last - waits->first);
}

#endif
