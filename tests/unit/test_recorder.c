/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The child that writes the history: what it is given is in the files, and whoever gives never waits for it. */
#include "hostd/recorder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/num.h"
#include "daemon/loop.h"
#include "history/ring.h"
#include "hostd/pace.h"
#include "tests/unit/unit.h"

#define DOMAINS 100

static char folder[] = "/tmp/uvp-recorder-XXXXXX", files[64];
static sd_event *event;
static struct hostd_recorder *recorder;
static struct {
	int refused, failed, lost, written;
	char message[512];
} told;

static void on_refused(void *data, struct uvp_error *err)
{
	told.refused++;
	snprintf(told.message, sizeof(told.message), "%s", err->message);
}

static void on_failed(void *data, bool lost, struct uvp_error *err)
{
	told.failed++;
	told.lost += lost;
	snprintf(told.message, sizeof(told.message), "%s", err->message);
}

static void on_written(void *data, int64_t ms)
{
	told.written++;
}

static const struct hostd_recorder_ops ops = { .refused = on_refused, .failed = on_failed, .written = on_written };

static int stop(void *data)
{
	return 0;
}

static void setup(void)
{
	struct uvp_error err;

	ck_assert(mkdtemp(folder) != NULL);
	snprintf(files, sizeof(files), "%s/files", folder);
	ck_assert_msg(daemon_loop_new(stop, NULL, &event, &err) == 0, "%s", err.message);
	ck_assert_msg(hostd_recorder_open(event, files, UVPI_HISTORY_MIN, &ops, NULL, &recorder, &err) == 0, "%s", err.message);
}

static void remove_files(void)
{
	static const char *const names[] = { "files/seconds", "files/minutes", "files", "there" };
	char path[128];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		remove(path);
	}
}

static void done(void)
{
	hostd_recorder_close(recorder);
	sd_event_unref(event);
	remove_files();
	remove(folder);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	memset(&told, 0, sizeof(told));
}

/* There is one child, or none. */
static pid_t child(void)
{
	siginfo_t info = { 0 };
	char path[64];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "there is no %s", path);
	ck_assert(fscanf(file, "%d", &pid) == 1 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
	fclose(file);
	return pid;
}

static int give_domains(int second, bool missed, uint32_t n)
{
	struct uvpi_history_domain domains[DOMAINS] = { { .cpu_ns = (uint64_t)second } };
	struct uvpi_history_frame frame = { .wall_ns = (1800000000 + second) * INT64_C(1000000000), .time_ns = (uint64_t)second, .cpus = 1,
					    .missed = missed, .n_domains = n, .domains = domains };

	for (uint32_t i = 0; i < DOMAINS; i++)
		domains[i].domid = i;
	return hostd_recorder_give(recorder, &frame, NULL);
}

static int give(int second, bool missed)
{
	return give_domains(second, missed, DOMAINS);
}

static void run_until(const int *what, int n)
{
	for (int64_t end = uvpi_now_ms() + 60000; *what < n;) {
		ck_assert_msg(uvpi_now_ms() < end, "nothing is told");
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	}
}

/* A new child is tried after a pause, when there is something to write. */
static void give_until_written(int second)
{
	for (int64_t end = uvpi_now_ms() + 60000; told.written == 0; second++) {
		ck_assert_msg(uvpi_now_ms() < end, "nothing is written");
		ck_assert_int_eq(give_domains(second, false, 1), 0);
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	}
}

static struct uvpi_history read_file(const char *name)
{
	struct uvpi_history history = { 0 };
	struct uvp_error err;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", files, name);
	ck_assert_msg(uvpi_history_read(path, INT64_MIN, INT64_MAX, &history, &err) == 0, "%s", err.message);
	return history;
}

/* Of before the first sample nobody knows. */
static void check_missed(const char *name, size_t n, size_t which)
{
	struct uvpi_history history = read_file(name);

	ck_assert_uint_eq(history.n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(history.frames[i].missed, i == 0 || i == which);
	uvpi_history_done(&history);
}

static void check_file(const char *name, const int *seconds, size_t n)
{
	struct uvpi_history history = read_file(name);

	ck_assert_uint_eq(history.n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(history.frames[i].domains[0].cpu_ns, seconds[i]);
	uvpi_history_done(&history);
}

START_TEST(what_is_given_is_in_the_files)
{
	static const int seconds[] = { 0, 1, 59, 60, 61 }, minutes[] = { 0, 60 };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(seconds); i++)
		ck_assert_int_eq(give(seconds[i], seconds[i] == 59), 0);
	run_until(&told.written, 1);
	check_file("seconds", seconds, 5);
	check_file("minutes", minutes, 2);
	/* who came and went did so in that second, and in that minute */
	check_missed("seconds", 5, 2);
	check_missed("minutes", 2, 1);
	ck_assert(!told.failed && !told.refused);
}
END_TEST

/* As a disk that hangs holds it. */
START_TEST(nobody_waits_for_a_child_that_stands_still)
{
	static const int seconds[] = { 0, 1, 2, 3, 4 };

	ck_assert_int_eq(give(0, false), 0);
	run_until(&told.written, 1);
	ck_assert_int_eq(hostd_recorder_busy_ms(recorder), 0);
	ck_assert_int_eq(kill(child(), SIGSTOP), 0);
	for (int i = 1; i < 5; i++)
		ck_assert_int_eq(give(i, false), 0);
	while (hostd_recorder_busy_ms(recorder) < 200)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	ck_assert_int_eq(told.written, 1);
	check_file("seconds", seconds, 1);
	ck_assert_int_eq(kill(child(), SIGCONT), 0);
	run_until(&told.written, 3); /* what it had, and what gathered meanwhile */
	check_file("seconds", seconds, 5);
	ck_assert_int_eq(told.failed, 0);
}
END_TEST

START_TEST(what_waits_has_an_end)
{
	int n = 0;

	ck_assert_int_eq(kill(child(), SIGSTOP), 0);
	while (give(n, false) == 0)
		ck_assert_int_lt(++n, 1000000);
	ck_assert_int_eq(give(n, false), -UVP_E_NO_SPACE);
	ck_assert_int_gt(n, 300);
	ck_assert_int_eq(kill(child(), SIGCONT), 0);
	run_until(&told.written, 1);
	ck_assert_int_eq(give(n, false), 0);
	run_until(&told.written, 2);
}
END_TEST

/* Who came and went before the lost samples did so before the next. */
START_TEST(another_child_takes_over)
{
	static const int seconds[] = { 0, 5, 8 };
	struct uvpi_history history;

	ck_assert_int_eq(give(0, false), 0);
	run_until(&told.written, 1);
	ck_assert_int_eq(kill(child(), SIGKILL), 0);
	for (int n = 0; n < 3; n++) /* it had nothing: nobody is told */
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	ck_assert_int_eq(give(5, false), 0);
	run_until(&told.written, 2);
	ck_assert_int_eq(told.failed, 0);
	ck_assert_int_eq(kill(child(), SIGSTOP), 0);
	ck_assert_int_eq(give(6, false), 0);
	ck_assert_int_eq(kill(child(), SIGKILL), 0);
	run_until(&told.failed, 1);
	ck_assert_ptr_nonnull(strstr(told.message, "has ended"));
	ck_assert_int_eq(told.lost, 1);
	told.written = 0;
	give_until_written(8);
	history = read_file("seconds");
	ck_assert_uint_ge(history.n, 3);
	for (size_t i = 0; i < history.n; i++) {
		ck_assert_uint_eq(history.frames[i].domains[0].cpu_ns, i < 3 ? (uint64_t)seconds[i] : i + 6);
		ck_assert_int_eq(history.frames[i].missed, i < 3);
	}
	uvpi_history_done(&history);
}
END_TEST

/* Between two minutes it came and went; the seconds have it. */
START_TEST(a_minute_says_that_somebody_came_and_went)
{
	for (int second = 0; second < 180; second += 10)
		ck_assert_int_eq(give_domains(second, false, second > 60 && second < 110 ? 2 : 1), 0);
	run_until(&told.written, 1);
	check_missed("seconds", 18, 0);
	check_missed("minutes", 3, 2);
}
END_TEST

/* What passes is waited for. */
START_TEST(files_that_cannot_be_made_now_are_later)
{
	struct uvp_error err;
	char path[128];
	int n = 1;

	run_until(&told.written, give(0, false) == 0);
	hostd_recorder_close(recorder);
	recorder = NULL;
	memset(&told, 0, sizeof(told));
	remove_files();
	snprintf(path, sizeof(path), "%s/there", folder);
	ck_assert_int_eq(symlink(path, files), 0);
	ck_assert_int_eq(hostd_recorder_open(event, files, UVPI_HISTORY_MIN, &ops, NULL, &recorder, &err), 0);
	run_until(&told.failed, 1);
	ck_assert_int_eq(told.lost + told.refused, 0);
	/* also when no more can wait */
	while (give(n, false) == 0)
		ck_assert_int_lt(++n, 1000000);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	for (int64_t end = uvpi_now_ms() + 60000; told.written == 0; give(n, false)) {
		ck_assert_msg(uvpi_now_ms() < end, "nothing is written");
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	}
	ck_assert_int_eq(told.lost, 0);
}
END_TEST

START_TEST(what_waits_is_written_at_the_end)
{
	static const int seconds[] = { 0, 1, 2 };

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(give(i, false), 0);
	hostd_recorder_close(recorder);
	recorder = NULL;
	check_file("seconds", seconds, 3);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
}
END_TEST

START_TEST(a_foreign_file_is_refused)
{
	struct uvp_error err;
	char path[128];
	FILE *file;

	run_until(&told.written, give(0, false) == 0);
	hostd_recorder_close(recorder);
	recorder = NULL;
	snprintf(path, sizeof(path), "%s/minutes", files);
	file = fopen(path, "we");
	ck_assert(file && fputs("precious", file) >= 0 && fclose(file) == 0);
	ck_assert_int_eq(hostd_recorder_open(event, files, UVPI_HISTORY_MIN, &ops, NULL, &recorder, &err), 0);
	run_until(&told.refused, 1);
	ck_assert_ptr_nonnull(strstr(told.message, "no history"));
}
END_TEST

START_TEST(each_second_has_its_sample)
{
	const uint64_t s = 1000000;

	ck_assert_uint_eq(hostd_pace(100 * s + 500000, s), s);
	ck_assert_uint_eq(hostd_pace(100 * s + 504321, s), s - 4321);
	/* late, or before the clock was set */
	ck_assert_uint_eq(hostd_pace(100 * s + 999999, s), 500001);
	ck_assert_uint_eq(hostd_pace(101 * s + 1, s), 1499999);
	ck_assert_uint_eq(hostd_pace(101 * s + 499999, s), 1000001);
	ck_assert_uint_eq(hostd_pace(96 * s, 8 * s), 4 * s);
	/* those of a busy second are where those of a quiet one are */
	for (uint64_t late = 0, wall = 100 * s + 500000; late < 400000; late += 1000, wall += late / 2) {
		wall += hostd_pace(wall, s);
		ck_assert_uint_eq(wall % s, 500000);
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, done);
	tcase_add_test(tcase, what_is_given_is_in_the_files);
	tcase_add_test(tcase, nobody_waits_for_a_child_that_stands_still);
	tcase_add_test(tcase, what_waits_has_an_end);
	tcase_add_test(tcase, another_child_takes_over);
	tcase_add_test(tcase, a_minute_says_that_somebody_came_and_went);
	tcase_add_test(tcase, files_that_cannot_be_made_now_are_later);
	tcase_add_test(tcase, what_waits_is_written_at_the_end);
	tcase_add_test(tcase, a_foreign_file_is_refused);
	tcase_add_test(tcase, each_second_has_its_sample);
}

UNIT_MAIN("recorder", add_tests);
