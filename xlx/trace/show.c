/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/trace/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/json.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

#define BAR 40

/* "999 ns", "12.3 us", "4 s": a duration with no more than three or four digits. */
static const char *duration(uint64_t ns, char buf[24])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	size_t unit = 0;

	while (value >= 999.95 && unit + 1 < UVPI_ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, 24, value >= 99.95 || !unit ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return buf;
}

static void quantiles(struct out_table *table, const struct trace_histogram *histogram)
{
	static const unsigned int of_1000[] = { 500, 990, 1000 };
	char text[24];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(of_1000); i++)
		out_table_text(table, histogram->count ? duration(trace_histogram_quantile(histogram, of_1000[i]), text) : "-");
}

static int print_vcpus(const struct trace_waits *waits)
{
	static const char *const titles[] = { "VCPU",     "RUN%", "READY%", "BLOCKED%", "OFF%", "TURNS", "READY50",
					      "READY99", "READYMAX", "WOKEN", "WAKE50", "WAKE99", "WAKEMAX", "MOVES" };
	struct out_table *table = out_table_new();
	double whole = (double)trace_interval_ns(waits) / 100;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(titles); i++)
		out_table_column(table, titles[i], OUT_RIGHT);
	for (uint32_t i = 0; i < waits->n_vcpus; i++) {
		const struct trace_vcpu *vcpu = &waits->vcpus[i];

		out_table_fmt(table, "%" PRIu32, i);
		for (int state = 0; state < TRACE_STATES; state++)
			out_table_fmt(table, "%.2f", (double)vcpu->ns[state] / whole);
		out_table_fmt(table, "%" PRIu64, vcpu->turns);
		quantiles(table, &vcpu->ready);
		out_table_fmt(table, "%" PRIu64, vcpu->wakeups);
		quantiles(table, &vcpu->wakeup);
		out_table_fmt(table, "%" PRIu64, vcpu->moves);
	}
	return out_table_print(table, false);
}

static void print_bar(uint64_t count, uint64_t most)
{
	int len = (int)(count * BAR / most);

	printf("  %8" PRIu64 "  %.*s\n", count, len ? len : 1, "########################################");
}

/* A line for each power of two from the first to the last that has any. */
static void print_histogram(const char *title, const struct trace_histogram *histogram)
{
	uint64_t powers[TRACE_SLOTS / 4] = { 0 }, most = 0;
	int first = -1, last = -1;
	char below[24], sum[24];

	printf("\n%s: %" PRIu64 ", %s in all\n", title, histogram->count, duration(histogram->sum_ns, sum));
	for (unsigned int slot = 0; slot < TRACE_SLOTS; slot++)
		powers[slot / 4] += histogram->slots[slot];
	for (int i = 0; i < (int)UVPI_ARRAY_SIZE(powers); i++) {
		if (!powers[i])
			continue;
		first = first < 0 ? i : first;
		last = i;
		most = powers[i] > most ? powers[i] : most;
	}
	for (int i = first; i >= 0 && i <= last; i++) {
		printf("  below %8s", duration(trace_slot_end((unsigned int)i * 4 + 3), below));
		if (powers[i])
			print_bar(powers[i], most);
		else
			printf("  %8d\n", 0);
	}
}

static void print_moves(const struct trace_waits *waits)
{
	size_t n = (size_t)waits->n_cpus * waits->n_cpus;
	uint64_t all = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		all += waits->moves[i];
		most = waits->moves[i] > most ? waits->moves[i] : most;
	}
	printf("\nmigrations between CPUs: %" PRIu64 "\n", all);
	for (size_t i = 0; i < n; i++) {
		if (!waits->moves[i])
			continue;
		printf("  %4zu to %4zu  ", i / waits->n_cpus, i % waits->n_cpus);
		print_bar(waits->moves[i], most);
	}
}

int trace_print(const struct trace_report *report)
{
	const struct trace_waits *waits = report->waits;
	struct trace_histogram ready = { 0 }, wakeup = { 0 };
	char name[256];
	int status;

	out_sanitize(report->name, name, sizeof(name));
	printf("domain %" PRIu32 "%s%s: %.3f seconds, %" PRIu64 " records\n", waits->domid, *name ? " " : "", name,
	       (double)trace_interval_ns(waits) / 1e9, waits->records);
	status = print_vcpus(waits);
	for (uint32_t i = 0; i < waits->n_vcpus; i++) {
		trace_histogram_join(&ready, &waits->vcpus[i].ready);
		trace_histogram_join(&wakeup, &waits->vcpus[i].wakeup);
		if (waits->vcpus[i].still_ready_ns > 1000000)
			printf("vCPU %" PRIu32 " waits still, since %.3f seconds\n", i, (double)waits->vcpus[i].still_ready_ns / 1e9);
		if (waits->vcpus[i].unknown_ns > trace_interval_ns(waits) / 1000)
			printf("vCPU %" PRIu32 ": of %.3f seconds it is not known what it did\n", i, (double)waits->vcpus[i].unknown_ns / 1e9);
	}
	print_histogram("ready time, from ready to running", &ready);
	print_histogram("wake-up latency, from woken to running", &wakeup);
	print_moves(waits);
	return status;
}

/* ---- JSON ---- */

static struct uvpi_json *histogram_json(const struct trace_histogram *histogram)
{
	struct uvpi_json *object = uvpi_json_object(), *array = uvpi_json_array();

	uvpi_json_set_u64(object, "count", histogram->count);
	uvpi_json_set_u64(object, "sum_ns", histogram->sum_ns);
	uvpi_json_set_u64(object, "p50_ns", trace_histogram_quantile(histogram, 500));
	uvpi_json_set_u64(object, "p99_ns", trace_histogram_quantile(histogram, 990));
	uvpi_json_set_u64(object, "max_ns", histogram->max_ns);
	for (unsigned int slot = 0; slot < TRACE_SLOTS; slot++) {
		struct uvpi_json *one;

		if (!histogram->slots[slot])
			continue;
		one = uvpi_json_object();
		uvpi_json_set_u64(one, "below_ns", trace_slot_end(slot));
		uvpi_json_set_u64(one, "count", histogram->slots[slot]);
		uvpi_json_add(array, one);
	}
	uvpi_json_set(object, "histogram", array);
	return object;
}

static struct uvpi_json *vcpu_json(const struct trace_report *report, uint32_t i)
{
	const struct trace_vcpu *vcpu = &report->waits->vcpus[i];
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_u64(object, "vcpu", i);
	uvpi_json_set_u64(object, "run_ns", vcpu->ns[TRACE_RUNNING]);
	uvpi_json_set_u64(object, "counted_run_ns", report->count[i]);
	uvpi_json_set_u64(object, "ready_ns", vcpu->ns[TRACE_READY]);
	uvpi_json_set_u64(object, "blocked_ns", vcpu->ns[TRACE_BLOCKED]);
	uvpi_json_set_u64(object, "offline_ns", vcpu->ns[TRACE_OFFLINE]);
	uvpi_json_set_u64(object, "unknown_ns", vcpu->unknown_ns);
	uvpi_json_set_bool(object, "doubtful", vcpu->doubtful);
	uvpi_json_set_u64(object, "still_ready_ns", vcpu->still_ready_ns);
	uvpi_json_set_u64(object, "turns", vcpu->turns);
	uvpi_json_set_u64(object, "wakeups", vcpu->wakeups);
	uvpi_json_set_u64(object, "migrations", vcpu->moves);
	uvpi_json_set(object, "ready", histogram_json(&vcpu->ready));
	uvpi_json_set(object, "wakeup", histogram_json(&vcpu->wakeup));
	return object;
}

static struct uvpi_json *moves_json(const struct trace_waits *waits)
{
	struct uvpi_json *array = uvpi_json_array();

	for (uint32_t from = 0; from < waits->n_cpus; from++) {
		for (uint32_t to = 0; to < waits->n_cpus; to++) {
			uint64_t count = waits->moves[(size_t)from * waits->n_cpus + to];
			struct uvpi_json *one;

			if (!count)
				continue;
			one = uvpi_json_object();
			uvpi_json_set_u64(one, "from", from);
			uvpi_json_set_u64(one, "to", to);
			uvpi_json_set_u64(one, "count", count);
			uvpi_json_add(array, one);
		}
	}
	return array;
}

int trace_json(const struct trace_report *report)
{
	const struct trace_waits *waits = report->waits;
	struct uvpi_json *object = uvpi_json_object(), *array = uvpi_json_array(), *silent = uvpi_json_array();

	uvpi_json_set_u64(object, "domain", waits->domid);
	uvpi_json_set_str(object, "name", report->name);
	uvpi_json_set_u64(object, "interval_ns", trace_interval_ns(waits));
	uvpi_json_set_u64(object, "records", waits->records);
	uvpi_json_set_u64(object, "lost_records", waits->lost);
	uvpi_json_set_u64(object, "full_buffers", report->full);
	uvpi_json_set_u64(object, "broken_buffers", waits->broken);
	for (uint32_t cpu = 0; cpu < waits->n_cpus; cpu++)
		if (report->silent[cpu])
			uvpi_json_add_u64(silent, cpu);
	uvpi_json_set(object, "untraced_cpus", silent);
	for (uint32_t i = 0; i < waits->n_vcpus; i++)
		uvpi_json_add(array, vcpu_json(report, i));
	uvpi_json_set(object, "vcpus", array);
	uvpi_json_set(object, "migrations", moves_json(waits));
	return out_json(object);
}
