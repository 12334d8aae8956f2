/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the trace buffers of two CPUs hold, over several rounds: a byte says which CPU and whether a round ends, a byte how
 * many words follow. */
#include "tests/fuzz/fuzz.h"
#include "xlx/trace/waits.h"

#define VCPUS 3
#define CPUS 2

static void check(const struct trace_waits *waits)
{
	uint64_t moves = 0, of_vcpus = 0;

	for (size_t i = 0; i < CPUS * CPUS; i++)
		moves += waits->moves[i];
	for (size_t i = 0; i < VCPUS; i++) {
		const struct trace_vcpu *vcpu = &waits->vcpus[i];

		of_vcpus += vcpu->moves;
		FUZZ_CHECK(vcpu->wakeup.count <= vcpu->ready.count);
		FUZZ_CHECK(vcpu->ready.count <= vcpu->turns);
		FUZZ_CHECK(trace_histogram_quantile(&vcpu->ready, 500) <= trace_histogram_quantile(&vcpu->ready, 990));
		FUZZ_CHECK(trace_histogram_quantile(&vcpu->ready, 1000) == vcpu->ready.max_ns);
	}
	FUZZ_CHECK(moves == of_vcpus);
	FUZZ_CHECK(waits->n_queue == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum trace_state states[VCPUS] = { TRACE_RUNNING, TRACE_READY, TRACE_OFFLINE };
	struct trace_waits waits;

	FUZZ_CHECK(trace_waits_init(&waits, 7, VCPUS, CPUS, 2000000));
	while (size >= 2) {
		size_t len = (size_t)data[1] * 4;
		uint8_t what = data[0];

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		FUZZ_CHECK(trace_waits_add(&waits, what & 3, data, len));
		data += len;
		size -= len;
		if (what & 4)
			trace_waits_round(&waits);
	}
	trace_waits_round(&waits);
	trace_waits_end(&waits, states, NULL);
	check(&waits);
	trace_waits_done(&waits);
	return 0;
}
