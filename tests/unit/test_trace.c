/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Xen's trace records: what is decoded, and what the states of vCPUs make of it: waits, wake-ups, moves, and gaps. */
#include <string.h>

#include "core/bytes.h"
#include "tests/unit/unit.h"
#include "xlx/trace/waits.h"

#define MS UINT64_C(2000000) /* a millisecond, in cycles of 2 GHz */
#define START (1000 * MS)

static struct trace_waits waits;
static uint8_t buffers[2][4096];
static size_t lens[2];

static void setup(void)
{
	lens[0] = lens[1] = 0;
	ck_assert(trace_waits_init(&waits, 7, 2, 2, 2000000));
}

static void done(void)
{
	trace_waits_done(&waits);
}

static void put_record(int cpu, uint32_t event, uint64_t time, const uint32_t *words, uint32_t n)
{
	uint8_t *at = buffers[cpu] + lens[cpu];

	uvpi_put_le32(at, event | n << 28 | 0x80000000u);
	uvpi_put_le64(at + 4, time);
	for (uint32_t i = 0; i < n; i++)
		uvpi_put_le32(at + 12 + 4 * i, words[i]);
	lens[cpu] += 12 + 4 * n;
	ck_assert_uint_le(lens[cpu], sizeof(buffers[cpu]));
}

static void put_change(int cpu, uint64_t time, uint32_t domid, uint32_t vcpu, enum trace_state from, enum trace_state to)
{
	const uint32_t who = domid << 16 | vcpu;

	put_record(cpu, 0x21001u | (uint32_t)from << 8 | (uint32_t)to << 4, START + time, &who, 1);
}

/* Both buffers are read, CPU 0 first. */
static void do_round(void)
{
	for (int cpu = 0; cpu < 2; cpu++) {
		ck_assert(trace_waits_add(&waits, (uint32_t)cpu, buffers[cpu], lens[cpu]));
		lens[cpu] = 0;
	}
	trace_waits_round(&waits);
}

static void end(void)
{
	static const enum trace_state states[] = { TRACE_BLOCKED, TRACE_BLOCKED };

	do_round();
	trace_waits_end(&waits, states, NULL);
}

static uint64_t all_ns(const struct trace_vcpu *vcpu)
{
	return vcpu->ns[TRACE_RUNNING] + vcpu->ns[TRACE_READY] + vcpu->ns[TRACE_BLOCKED] + vcpu->ns[TRACE_OFFLINE];
}

START_TEST(decoder_takes_whole_records_only)
{
	struct trace_record record;
	const uint32_t words[4] = { 5, 7 << 16, 0x1234, 1 };

	put_change(0, 1, 7, 1, TRACE_READY, TRACE_RUNNING);
	ck_assert_uint_eq(lens[0], 16);
	for (size_t len = 0; len < 16; len++)
		ck_assert_uint_eq(trace_record_take(buffers[0], len, &record), 0);
	ck_assert_uint_eq(trace_record_take(buffers[0], 16, &record), 16);
	ck_assert_int_eq(record.kind, TRACE_CHANGE);
	ck_assert_uint_eq(record.time, START + 1);
	ck_assert_uint_eq(record.domid, 7);
	ck_assert_uint_eq(record.vcpu, 1);
	ck_assert_int_eq(record.from, TRACE_READY);
	ck_assert_int_eq(record.to, TRACE_RUNNING);
	/* a longer buffer does not matter, what is not for us is passed over */
	put_record(1, 0x1f001, 9, words, 4);
	ck_assert_uint_eq(trace_record_take(buffers[1], sizeof(buffers[1]), &record), 28);
	ck_assert_int_eq(record.kind, TRACE_LOST);
	ck_assert_uint_eq(record.lost, 5);
	ck_assert_uint_eq(record.lost_since, UINT64_C(0x100001234));
	uvpi_put_le32(buffers[1], 0x1f002);
	ck_assert_uint_eq(trace_record_take(buffers[1], 4, &record), 4);
	ck_assert_int_eq(record.kind, TRACE_OTHER);
}
END_TEST

START_TEST(wait_after_waking_and_after_losing_the_cpu)
{
	const struct trace_vcpu *vcpu = waits.vcpus;

	put_change(0, 0, 0, 0, TRACE_BLOCKED, TRACE_READY); /* another domain: the beginning */
	put_change(0, 10 * MS, 7, 0, TRACE_BLOCKED, TRACE_READY);
	put_change(1, 12 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	do_round();
	put_change(1, 20 * MS, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_change(1, 25 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	put_change(0, 40 * MS, 0, 0, TRACE_READY, TRACE_RUNNING); /* the end */
	end();
	ck_assert_uint_eq(vcpu->ready.count, 2);
	ck_assert_uint_eq(vcpu->ready.sum_ns, 7000000);
	ck_assert_uint_eq(vcpu->ready.max_ns, 5000000);
	ck_assert_uint_eq(vcpu->wakeup.count, 1);
	ck_assert_uint_eq(vcpu->wakeup.sum_ns, 2000000);
	ck_assert_uint_eq(vcpu->wakeups, 1);
	ck_assert_uint_eq(vcpu->turns, 2);
	ck_assert_uint_eq(vcpu->ns[TRACE_RUNNING], 23000000);
	ck_assert_uint_eq(vcpu->ns[TRACE_BLOCKED], 10000000);
	ck_assert_uint_eq(all_ns(vcpu), 40000000);
	ck_assert_uint_eq(vcpu->unknown_ns, 0);
	/* without a record it was what it was all the time */
	ck_assert_uint_eq(vcpu[1].ns[TRACE_BLOCKED], 40000000);
	ck_assert_uint_eq(waits.records, 4);
}
END_TEST

START_TEST(buffers_that_are_read_one_after_the_other_are_put_in_order)
{
	const struct trace_vcpu *vcpu = waits.vcpus;

	/* CPU 0 was read before this was written to it; CPU 1, read later, has what came after */
	put_change(1, 0, 7, 0, TRACE_RUNNING, TRACE_BLOCKED);
	put_change(1, 11 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	do_round();
	put_change(0, 10 * MS, 7, 0, TRACE_BLOCKED, TRACE_READY);
	put_change(1, 20 * MS, 7, 0, TRACE_RUNNING, TRACE_BLOCKED);
	end();
	ck_assert_uint_eq(vcpu->wakeup.count, 1);
	ck_assert_uint_eq(vcpu->wakeup.sum_ns, 1000000);
	ck_assert_uint_eq(all_ns(vcpu), 20000000);
}
END_TEST

START_TEST(moves_between_cpus)
{
	for (uint32_t i = 0; i < 6; i++) {
		put_change(i & 1, 10 * i * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
		put_change(i & 1, (10 * i + 5) * MS, 7, 0, TRACE_RUNNING, TRACE_READY);
	}
	end();
	ck_assert_uint_eq(waits.vcpus[0].moves, 5);
	ck_assert_uint_eq(waits.moves[0 * 2 + 1], 3);
	ck_assert_uint_eq(waits.moves[1 * 2 + 0], 2);
	ck_assert_uint_eq(waits.vcpus[0].ready.count, 5);
	ck_assert_uint_eq(waits.vcpus[0].wakeup.count, 0);
}
END_TEST

START_TEST(lost_records_make_no_waits)
{
	const struct trace_vcpu *vcpu = waits.vcpus;
	uint64_t since = START + 5 * MS;
	const uint32_t words[4] = { 300, 0, (uint32_t)since, (uint32_t)(since >> 32) };

	put_change(0, 0, 7, 0, TRACE_BLOCKED, TRACE_READY);
	/* that it ran and blocked again in between was lost on CPU 0 */
	put_record(0, 0x1f001, START + 30 * MS, words, 4);
	put_change(1, 20 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	put_change(1, 25 * MS, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_change(1, 40 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	put_change(1, 50 * MS, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_change(1, 51 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	put_change(1, 60 * MS, 7, 0, TRACE_RUNNING, TRACE_BLOCKED);
	end();
	ck_assert_uint_eq(waits.lost, 300);
	ck_assert_uint_eq(vcpu->ready.count, 1);
	ck_assert_uint_eq(vcpu->ready.sum_ns, 1000000);
	/* 5 ms at first, and from 40 ms on it is known again */
	ck_assert_uint_eq(all_ns(vcpu), 25000000);
	ck_assert_uint_eq(vcpu->unknown_ns, 35000000);
}
END_TEST

START_TEST(chain_that_does_not_fit_is_not_counted)
{
	const struct trace_vcpu *vcpu = waits.vcpus;

	put_change(0, 0, 7, 0, TRACE_BLOCKED, TRACE_READY);
	put_change(0, 10 * MS, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_change(0, 12 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	put_change(0, 13 * MS, 7, 0, TRACE_RUNNING, TRACE_BLOCKED);
	end();
	ck_assert_uint_eq(vcpu->ready.count, 1);
	ck_assert_uint_eq(vcpu->ready.sum_ns, 2000000);
	ck_assert_uint_eq(vcpu->unknown_ns, 10000000);
}
END_TEST

START_TEST(who_never_runs_waits_still)
{
	const uint32_t who = 7 << 16 | 1;

	put_change(0, 0, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_record(1, 0x21002, START + 1 * MS, &who, 1); /* runs on: it ran before, and no more is said */
	put_change(1, 90 * MS, 9, 0, TRACE_RUNNING, TRACE_BLOCKED);
	put_change(1, 91 * MS, 7, 300, TRACE_RUNNING, TRACE_BLOCKED); /* it has no such vCPU */
	end();
	ck_assert_uint_eq(waits.vcpus[0].still_ready_ns, 91000000);
	ck_assert_uint_eq(waits.vcpus[0].ready.count, 0);
	ck_assert_uint_eq(waits.vcpus[1].ns[TRACE_RUNNING], 91000000);
}
END_TEST

/* CPU 1 writes nothing, as one does that came online after the buffers were made. */
START_TEST(what_ran_where_nothing_is_traced_is_unknown)
{
	static const enum trace_state states[] = { TRACE_RUNNING, TRACE_RUNNING };
	const uint64_t counted[] = { 1500000000, 50000000 };
	const struct trace_vcpu *vcpus = waits.vcpus;

	/* the first, of which records say that it is ready all the time, and which ran there; the second never left it */
	put_change(0, 0, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_change(0, 2000 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	do_round();
	trace_waits_end(&waits, states, counted);
	ck_assert(waits.heard[0] && !waits.heard[1]);
	ck_assert(vcpus[0].doubtful && !vcpus[1].doubtful);
	ck_assert_uint_eq(vcpus[1].unknown_ns, 2000000000);
	ck_assert_uint_eq(all_ns(&vcpus[1]), 0);
}
END_TEST

/* One that runs without an end has no record, either. */
START_TEST(what_goes_with_xens_counters_is_not_doubtful)
{
	static const enum trace_state states[] = { TRACE_RUNNING, TRACE_BLOCKED };
	const uint64_t counted[] = { 1990000000, 700000000 };

	put_change(0, 0, 7, 1, TRACE_READY, TRACE_RUNNING);
	put_change(0, 750 * MS, 7, 1, TRACE_RUNNING, TRACE_BLOCKED);
	put_change(0, 2000 * MS, 9, 0, TRACE_READY, TRACE_RUNNING);
	do_round();
	trace_waits_end(&waits, states, counted);
	ck_assert(!waits.vcpus[0].doubtful && !waits.vcpus[1].doubtful);
	ck_assert_uint_eq(waits.vcpus[0].ns[TRACE_RUNNING], 2000000000);
	ck_assert_uint_eq(waits.vcpus[0].unknown_ns, 0);
}
END_TEST

START_TEST(broken_buffer_is_said)
{
	put_change(0, 0, 7, 0, TRACE_RUNNING, TRACE_READY);
	put_change(0, 5 * MS, 7, 0, TRACE_READY, TRACE_RUNNING);
	lens[0] -= 4;
	end();
	ck_assert_uint_eq(waits.broken, 1);
	ck_assert_uint_eq(waits.records, 1);
}
END_TEST

START_TEST(histogram_slots_and_quantiles)
{
	struct trace_histogram histogram = { 0 };

	ck_assert_uint_eq(trace_histogram_quantile(&histogram, 500), 0);
	for (unsigned int slot = 1; slot < TRACE_SLOTS; slot++)
		ck_assert_uint_ge(trace_slot_end(slot), trace_slot_end(slot - 1));
	for (uint64_t ns = 1; ns && ns < UINT64_MAX / 3; ns = ns * 3 + 1) {
		memset(&histogram, 0, sizeof(histogram));
		trace_histogram_add(&histogram, ns);
		trace_histogram_add(&histogram, UINT64_MAX);
		ck_assert_uint_gt(trace_histogram_quantile(&histogram, 500), ns);
		ck_assert_uint_le(trace_histogram_quantile(&histogram, 500), ns + ns / 4 + 1);
		ck_assert_uint_eq(trace_histogram_quantile(&histogram, 1000), UINT64_MAX);
	}
	memset(&histogram, 0, sizeof(histogram));
	for (uint64_t i = 1; i <= 100; i++)
		trace_histogram_add(&histogram, i == 100 ? 1000000 : 1000);
	ck_assert_uint_eq(trace_histogram_quantile(&histogram, 990), 1024);
	ck_assert_uint_eq(trace_histogram_quantile(&histogram, 991), 1000000);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, done);
	tcase_add_test(tcase, decoder_takes_whole_records_only);
	tcase_add_test(tcase, wait_after_waking_and_after_losing_the_cpu);
	tcase_add_test(tcase, buffers_that_are_read_one_after_the_other_are_put_in_order);
	tcase_add_test(tcase, moves_between_cpus);
	tcase_add_test(tcase, lost_records_make_no_waits);
	tcase_add_test(tcase, chain_that_does_not_fit_is_not_counted);
	tcase_add_test(tcase, who_never_runs_waits_still);
	tcase_add_test(tcase, what_ran_where_nothing_is_traced_is_unknown);
	tcase_add_test(tcase, what_goes_with_xens_counters_is_not_doubtful);
	tcase_add_test(tcase, broken_buffer_is_said);
	tcase_add_test(tcase, histogram_slots_and_quantiles);
}

UNIT_MAIN("trace", add_tests);
