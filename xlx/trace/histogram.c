/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts of durations by their size. */
#include "xlx/trace/waits.h"

#define PARTS 4u /* of each power of two */
#define PART_BITS 2u

static unsigned int slot_of(uint64_t ns)
{
	unsigned int power;

	if (ns < PARTS)
		return (unsigned int)ns;
	power = 63u - (unsigned int)__builtin_clzll(ns);
	return (power - PART_BITS + 1) * PARTS + (unsigned int)(ns >> (power - PART_BITS) & (PARTS - 1));
}

uint64_t trace_slot_end(unsigned int slot)
{
	unsigned int power = slot / PARTS;

	if (!power)
		return slot + 1u;
	/* of the last one it is more than the numbers have */
	if (slot >= slot_of(UINT64_MAX))
		return UINT64_MAX;
	return (uint64_t)(PARTS + slot % PARTS + 1) << (power - 1);
}

void trace_histogram_add(struct trace_histogram *histogram, uint64_t ns)
{
	histogram->count++;
	histogram->sum_ns += ns;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
	histogram->slots[slot_of(ns)]++;
}

void trace_histogram_join(struct trace_histogram *histogram, const struct trace_histogram *more)
{
	histogram->count += more->count;
	histogram->sum_ns += more->sum_ns;
	if (more->max_ns > histogram->max_ns)
		histogram->max_ns = more->max_ns;
	for (unsigned int slot = 0; slot < TRACE_SLOTS; slot++)
		histogram->slots[slot] += more->slots[slot];
}

uint64_t trace_histogram_quantile(const struct trace_histogram *histogram, unsigned int of_1000)
{
	uint64_t wanted = histogram->count / 1000 * of_1000 + (histogram->count % 1000 * of_1000 + 999) / 1000, seen = 0;

	for (unsigned int slot = 0; slot < TRACE_SLOTS && wanted; slot++) {
		seen += histogram->slots[slot];
		if (seen >= wanted)
			return trace_slot_end(slot) < histogram->max_ns ? trace_slot_end(slot) : histogram->max_ns;
	}
	return 0;
}
