/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is at work and what has happened: told by one process, seen by another, and no more of it than fits. */
#include "core/jobs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char folder[] = "/tmp/uvp-jobs-XXXXXX", path[96];

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	setenv("UVP_RUN_DIR", folder, 1);
}

static void remove_file(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	rmdir(path);
}

static void done(void)
{
	remove_file("events");
	remove_file("events.old");
	remove_file("jobs/1");
	remove_file("jobs/junk");
	remove_file("jobs");
	rmdir(folder);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

START_TEST(a_job_is_seen_while_it_is_at_work)
{
	struct uvpi_job job = { .started_s = 100, .phase = "sending memory", .done = 5, .total = UINT64_MAX, .unit = UVP_UNIT_BYTES };
	struct uvpi_job seen[4];
	int fd = uvpi_job_begin();

	ck_assert_int_ge(fd, 0);
	uvpi_job_command(job.command, sizeof(job.command));
	uvpi_job_update(fd, &job);
	ck_assert_uint_eq(uvpi_job_list(seen, 4), 1);
	ck_assert_uint_eq(seen[0].pid, (uint32_t)getpid());
	ck_assert_str_eq(seen[0].phase, "sending memory");
	ck_assert_ptr_nonnull(strstr(seen[0].command, "test_jobs"));
	ck_assert(seen[0].total == UINT64_MAX && seen[0].done == 5 && seen[0].started_s == 100 && seen[0].unit == UVP_UNIT_BYTES);
	ck_assert_uint_eq(uvpi_job_list(seen, 0), 0);
	uvpi_job_end(fd);
	ck_assert_uint_eq(uvpi_job_list(seen, 4), 0);
	uvpi_job_update(-1, &job);
	uvpi_job_end(-1);
}
END_TEST

/* Others look while it begins: none of them takes it for what a dead process left. */
START_TEST(a_job_that_begins_stays)
{
	struct uvpi_job job = { .started_s = 1, .phase = "begins", .command = "xlx save" }, seen[4];
	pid_t readers[2];

	for (int i = 0; i < 2; i++) {
		readers[i] = fork();
		ck_assert_int_ge(readers[i], 0);
		while (!readers[i])
			uvpi_job_list(seen, 4);
	}
	for (int i = 0; i < 5000; i++) {
		int fd = uvpi_job_begin();

		ck_assert_int_ge(fd, 0);
		uvpi_job_update(fd, &job);
		ck_assert_msg(uvpi_job_list(seen, 4) == 1, "job %d is not there", i);
		uvpi_job_end(fd);
	}
	for (int i = 0; i < 2; i++) {
		kill(readers[i], SIGKILL);
		waitpid(readers[i], NULL, 0);
	}
}
END_TEST

START_TEST(what_a_process_left_that_is_gone_is_removed)
{
	struct uvpi_job seen[4];
	FILE *file;

	snprintf(path, sizeof(path), "%s/jobs", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/jobs/junk", folder);
	fclose(fopen(path, "we"));
	snprintf(path, sizeof(path), "%s/jobs/1", folder);
	file = fopen(path, "we");
	fputs("1\t2\t3\t1\tphase\txlx save\n", file);
	fclose(file);
	ck_assert_uint_eq(uvpi_job_list(seen, 4), 0);
	ck_assert_int_lt(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/jobs/junk", folder);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(events_come_newest_first_and_are_bounded)
{
	static struct uvpi_event events[10000];
	char text[300];
	struct stat status;
	size_t n;

	ck_assert_uint_eq(uvpi_event_list(events, 10), 0);
	uvpi_event_add(7, 4, "first\nwith\ta break");
	uvpi_event_add(8, 3, "second");
	ck_assert_uint_eq(uvpi_event_list(events, 10), 2);
	ck_assert_str_eq(events[0].text, "second");
	ck_assert(events[1].time_s == 7 && events[1].level == 4);
	ck_assert_str_eq(events[1].text, "first?with?a break");
	ck_assert_uint_eq(uvpi_event_list(events, 1), 1);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 3000; i++)
		uvpi_event_add(100 + i, 5, text);
	n = uvpi_event_list(events, 10000);
	ck_assert(n > 400 && n < 1200);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(events[i].time_s, 3099 - (int64_t)i);
	snprintf(path, sizeof(path), "%s/events.old", folder);
	ck_assert(stat(path, &status) == 0 && status.st_size < (off_t)UVPI_EVENTS_SIZE + 512);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, done);
	tcase_add_test(tcase, a_job_is_seen_while_it_is_at_work);
	tcase_add_test(tcase, a_job_that_begins_stays);
	tcase_add_test(tcase, what_a_process_left_that_is_gone_is_removed);
	tcase_add_test(tcase, events_come_newest_first_and_are_bounded);
}

UNIT_MAIN("jobs", add_tests);
