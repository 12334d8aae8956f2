/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples on disk while the clock on the wall is set: they are in the order in which they were taken. */
#include "history/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define NS INT64_C(1000000000)
#define BEGIN (INT64_C(1790000000) / 600 * 600) /* a whole number of steps */
#define WITHOUT_CLOCK INT64_C(946684800)        /* where one that lost its battery begins */

static char folder[] = "/tmp/uvp-clock-XXXXXX";

static void setup(void)
{
	ck_assert(mkdtemp(folder) != NULL);
}

static void teardown(void)
{
	static const char *const files[] = { "seconds", "minutes" };
	char path[64];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

static struct uvpi_history_ring open_ring(const char *name, uint64_t size)
{
	struct uvpi_history_ring ring;
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_int_eq(uvpi_history_open(path, size, &ring, NULL), 0);
	return ring;
}

/* One that Xen's clock has at that second of a boot, and the wall's at another: domain 0 had half of a CPU. */
static void append(struct uvpi_history_ring *ring, uint8_t boot, int64_t second, int64_t wall)
{
	struct uvpi_history_domain domain = { .name = "Domain-0", .vcpus = 1, .cpu_ns = (uint64_t)(second * NS / 2) };
	struct uvpi_history_frame frame = {
		.wall_ns = wall * NS, .time_ns = (uint64_t)((second + 5) * NS), .boot = { boot }, .cpus = 1,
		.idle_ns = (uint64_t)(second * NS / 2), .total_memory = 8u << 20, .free_memory = 4u << 20, .n_domains = 1,
		.domains = &domain,
	};

	ck_assert_int_eq(uvpi_history_append(ring, &frame, NULL), 0);
}

static struct uvpi_history load(int64_t since, int64_t until)
{
	struct uvpi_history history;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_msg(uvpi_history_load(folder, since * NS, until * NS, &history, &err) == 0, "%s", err.message);
	return history;
}

/* Each row that covers any time has half of the CPU. */
static size_t count_rows(const struct uvpi_history *history, size_t *ret_empty)
{
	struct uvpi_history_row *rows;
	struct uvp_error err = UVP_ERROR_INIT;
	size_t n, full = 0;

	ck_assert_msg(uvpi_history_rows(history, NULL, 1, &rows, &n, &err) == 0, "%s", err.message);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].covered_s <= 0)
			continue;
		full++;
		ck_assert_double_eq_tol(rows[i].dom0, 50, 1e-6);
	}
	*ret_empty = n - full;
	free(rows);
	return full;
}

START_TEST(a_boot_without_a_clock_is_not_in_a_window_of_today)
{
	struct uvpi_history_ring ring = open_ring("minutes", 1 << 20);
	struct uvpi_history history;
	size_t empty;

	uvpi_history_close(&ring);
	ring = open_ring("seconds", 1 << 20);
	for (int64_t s = 0; s < 5; s++)
		append(&ring, 1, s, BEGIN + s);
	for (int64_t s = 0; s < 3; s++)
		append(&ring, 2, s, WITHOUT_CLOCK + s);
	for (int64_t s = 3; s < 8; s++)
		append(&ring, 2, s, BEGIN + 100 + s);
	uvpi_history_close(&ring);
	/* nothing was taken before the first of these */
	history = load(BEGIN - 10, BEGIN + 200);
	ck_assert_uint_eq(history.n, 10);
	ck_assert_int_eq(history.frames[0].wall_ns, BEGIN * NS);
	ck_assert_uint_eq(count_rows(&history, &empty), 8);
	ck_assert_uint_eq(empty, 99); /* from the last of the one boot to the second of the other */
	uvpi_history_done(&history);
	/* here it was one that the clock had in another year, and what lies between is known */
	history = load(BEGIN + 50, BEGIN + 200);
	ck_assert_uint_eq(history.n, 6);
	ck_assert_int_eq(history.frames[0].wall_ns, (WITHOUT_CLOCK + 2) * NS);
	ck_assert_uint_eq(count_rows(&history, &empty), 5);
	ck_assert_uint_eq(empty, 0);
	uvpi_history_done(&history);
	/* and with none in the window it is the last one by the clock */
	history = load(BEGIN + 50, BEGIN + 60);
	ck_assert_uint_eq(history.n, 1);
	ck_assert_int_eq(history.frames[0].wall_ns, (BEGIN + 4) * NS);
	uvpi_history_done(&history);
}
END_TEST

/* The order of the file after its first lap: the sample before the first of the window stands at the end. */
START_TEST(the_sample_before_the_first_is_found_over_the_end_of_the_file)
{
	struct uvpi_history_ring ring = open_ring("minutes", 1 << 20);
	int64_t written = 0;

	uvpi_history_close(&ring);
	ring = open_ring("seconds", UVPI_HISTORY_MIN);
	for (; written < 700; written++)
		append(&ring, 1, written, BEGIN + written);
	uvpi_history_close(&ring);
	for (int64_t since = written - 100; since < written; since++) {
		struct uvpi_history history = load(BEGIN + since, BEGIN + written);

		ck_assert_uint_eq(history.n, (size_t)(written - since + 1));
		ck_assert_int_eq(history.frames[0].wall_ns, (BEGIN + since - 1) * NS);
		uvpi_history_done(&history);
	}
}
END_TEST

START_TEST(minutes_before_the_clock_was_set_back_are_older_than_seconds_after)
{
	struct uvpi_history_ring ring = open_ring("minutes", 1 << 20);
	struct uvpi_history history;
	size_t empty;

	for (int64_t s = 0; s <= 240; s += 60)
		append(&ring, 1, s, BEGIN + s + (s < 180 ? 7200 : 0));
	uvpi_history_close(&ring);
	ring = open_ring("seconds", 1 << 20);
	for (int64_t s = 200; s < 260; s++)
		append(&ring, 1, s, BEGIN + s);
	uvpi_history_close(&ring);
	history = load(BEGIN - 10, BEGIN + 10000);
	ck_assert_uint_eq(history.n, 4 + 60);
	for (size_t i = 1; i < history.n; i++)
		ck_assert_uint_gt(history.frames[i].time_ns, history.frames[i - 1].time_ns);
	ck_assert_uint_eq(count_rows(&history, &empty), 3 + 60);
	uvpi_history_done(&history);
}
END_TEST

START_TEST(minutes_of_yesterday_are_told_although_seconds_begin_without_a_clock)
{
	struct uvpi_history_ring ring = open_ring("minutes", 1 << 20);
	struct uvpi_history history;
	size_t empty;

	for (int64_t s = 0; s <= 240; s += 60)
		append(&ring, 1, s, BEGIN - 86400 + s);
	append(&ring, 2, 60, BEGIN + 60);
	uvpi_history_close(&ring);
	ring = open_ring("seconds", 1 << 20);
	for (int64_t s = 0; s < 120; s++)
		append(&ring, 2, s, s < 30 ? WITHOUT_CLOCK + s : BEGIN + s);
	uvpi_history_close(&ring);
	history = load(BEGIN - 2 * 86400, BEGIN - 3600);
	ck_assert_uint_eq(history.n, 5);
	ck_assert_uint_eq(count_rows(&history, &empty), 4);
	uvpi_history_done(&history);
	/* nothing of that time: the last one before it, and not that of another year */
	history = load(BEGIN - 3600, BEGIN - 1800);
	ck_assert_uint_eq(history.n, 1);
	ck_assert_int_eq(history.frames[0].wall_ns, (BEGIN - 86400 + 240) * NS);
	uvpi_history_done(&history);
	/* of both days, although the second before the first of today is of that year */
	history = load(BEGIN - 2 * 86400, BEGIN + 3600);
	ck_assert_uint_eq(history.n, 5 + 91);
	uvpi_history_done(&history);
	history = load(BEGIN + 50, BEGIN + 3600);
	ck_assert_int_eq(history.frames[0].wall_ns, (BEGIN + 49) * NS);
	uvpi_history_done(&history);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_boot_without_a_clock_is_not_in_a_window_of_today);
	tcase_add_test(tcase, the_sample_before_the_first_is_found_over_the_end_of_the_file);
	tcase_add_test(tcase, minutes_of_yesterday_are_told_although_seconds_begin_without_a_clock);
	tcase_add_test(tcase, minutes_before_the_clock_was_set_back_are_older_than_seconds_after);
}

UNIT_MAIN("history_clock", add_tests);
