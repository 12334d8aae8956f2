/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of names: real links, real processes; who lives in Xen is a plain list. */
#include "core/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/hyp.h"
#include "tests/unit/unit.h"

static char run_dir[64];
static const uint8_t uuid_a[16] = { 0xa, 1 }, uuid_b[16] = { 0xb, 2 };

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void set_up(void)
{
	snprintf(run_dir, sizeof(run_dir), "/tmp/uvp-names.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(run_dir));
	setenv("UVP_RUN_DIR", run_dir, 1);
}

static void tear_down(void)
{
	nftw(run_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct uvpi_dominfo domain(uint32_t domid, const uint8_t uuid[16])
{
	struct uvpi_dominfo info = { .domid = domid };

	memcpy(info.uuid, uuid, 16);
	return info;
}

/* A claim as uvpi_name_claim() makes it, with a plain list in the place of Xen. */
static int claim(const char *name, const uint8_t uuid[16], const struct uvpi_dominfo *infos, int n)
{
	struct uvpi_name_holder holder, before;
	int64_t domid;
	int r = uvpi_name_try(name, uuid, -1, NULL, &holder, NULL);

	while (r == 1 && !uvpi_name_holds(&holder, uuid, infos, n, &domid)) {
		before = holder;
		r = uvpi_name_try(name, uuid, -1, before.target, &holder, NULL);
	}
	return r;
}

START_TEST(names_that_could_be_ids_or_paths_are_refused)
{
	static const char *const good[] = { "a", "web-1", "A_b.c+d:e@f", "1a", "v1.2" };
	static const char *const bad[] = { "", "7", "007", "-a", ".", "..", ".a", "a/b", "a b", "\xc3\xa9", "a\n",
					   "6f1c0a10-0000-4000-8000-00000000000a" };
	char text[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(uvpi_name_check(good[i], NULL) == 0, "'%s' was refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(uvpi_name_check(bad[i], NULL) == -UVP_E_INVALID, "'%s' was accepted", bad[i]);
	memset(text, 'n', sizeof(text));
	text[255] = '\0';
	ck_assert_int_eq(uvpi_name_check(text, NULL), 0);
	ck_assert_int_eq(claim(text, uuid_a, NULL, 0), 0);
	text[255] = 'n';
	text[256] = '\0';
	ck_assert_int_eq(uvpi_name_check(text, NULL), -UVP_E_INVALID);
}
END_TEST

START_TEST(claim_settle_release)
{
	struct uvpi_dominfo infos[] = { domain(0, (uint8_t[16]){ 0 }), domain(5, uuid_a) };
	struct uvpi_name_entry entry;
	bool known[2];

	ck_assert_int_eq(claim("web", uuid_a, infos, 1), 0);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 1);
	ck_assert(entry.claimed && !entry.abandoned && entry.domid == -1);
	ck_assert_int_eq(claim("web", uuid_b, infos, 1), 1);
	ck_assert_int_eq(uvpi_name_settle("web", uuid_b, 9, NULL), -UVP_E_EXISTS);
	ck_assert_int_eq(uvpi_name_settle("web", uuid_a, 5, NULL), 0);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 1);
	ck_assert(!entry.claimed && !entry.abandoned && entry.domid == 5);
	uvpi_known_get(infos, 2, known);
	ck_assert(!known[0] && known[1]);
	ck_assert_int_eq(claim("web", uuid_b, infos, 2), 1);
	uvpi_name_release("web", uuid_b);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 1);
	uvpi_name_release("web", uuid_a);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 0);
	uvpi_name_release("web", uuid_a);
	ck_assert_int_eq(claim("web", uuid_b, infos, 2), 0);
}
END_TEST

START_TEST(name_of_a_domain_that_is_gone_is_free)
{
	struct uvpi_dominfo there = domain(5, uuid_a), other = domain(5, uuid_b);

	ck_assert_int_eq(claim("web", uuid_a, NULL, 0), 0);
	ck_assert_int_eq(uvpi_name_settle("web", uuid_a, 5, NULL), 0);
	ck_assert_int_eq(claim("web", uuid_b, &there, 1), 1);
	/* The id is there, but it is another domain's now. */
	ck_assert_int_eq(claim("web", uuid_b, &other, 1), 0);
}
END_TEST

/* A child that does not outlive a test that failed. */
static pid_t fork_bound(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Run in a child, which is then killed like a process that gets no chance to clean up. */
static pid_t killed_claimer(const char *name, const uint8_t uuid[16], bool wait_for_it)
{
	int pipes[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork_bound();
	if (!pid) {
		c = claim(name, uuid, NULL, 0) == 0 ? 'y' : 'n';
		if (write(pipes[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	close(pipes[0]);
	close(pipes[1]);
	kill(pid, SIGKILL);
	if (wait_for_it)
		waitpid(pid, NULL, 0);
	else
		waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	return pid;
}

START_TEST(claim_of_a_killed_process_is_taken_over)
{
	struct uvpi_name_entry entry;

	killed_claimer("web", uuid_a, true);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 1);
	ck_assert(entry.abandoned && !entry.claimed);
	ck_assert_int_eq(claim("web", uuid_b, NULL, 0), 0);
}
END_TEST

START_TEST(killed_process_that_nobody_waited_for_is_dead_too)
{
	pid_t pid = killed_claimer("web", uuid_a, false);

	ck_assert_int_eq(claim("web", uuid_b, NULL, 0), 0);
	waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(name_of_a_half_made_domain_stays_taken)
{
	struct uvpi_dominfo half = domain(3, uuid_a);
	struct uvpi_name_holder holder, before;
	int64_t domid;

	killed_claimer("web", uuid_a, true);
	ck_assert_int_eq(claim("web", uuid_b, &half, 1), 1);
	ck_assert_int_eq(uvpi_name_try("web", uuid_b, -1, "another text", &holder, NULL), 1);
	ck_assert(holder.abandoned && !holder.pid);
	ck_assert(uvpi_name_holds(&holder, uuid_b, &half, 1, &domid));
	ck_assert_int_eq(domid, 3);
	/* Unless the caller knows better. */
	before = holder;
	ck_assert_int_eq(uvpi_name_try("web", uuid_b, -1, before.target, &holder, NULL), 0);
}
END_TEST

START_TEST(pid_that_was_used_again_is_no_maker)
{
	char path[128], text[128];
	struct uvpi_name_entry entry;

	ck_assert_int_eq(claim("web", uuid_a, NULL, 0), 0);
	snprintf(path, sizeof(path), "%s/names/web", run_dir);
	unlink(path);
	snprintf(text, sizeof(text), "0a010000-0000-0000-0000-000000000000 -1 %d 1", getpid());
	ck_assert_int_eq(symlink(text, path), 0);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 1);
	ck_assert(entry.abandoned);
}
END_TEST

/* Eight processes start together; the numbers of those that got the name and of those that did not. */
static int race(const uint8_t uuids[8][16])
{
	int gate[2], winners = 0, status;
	pid_t pids[8];
	char c;

	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	for (int i = 0; i < 8; i++) {
		pids[i] = fork_bound();
		if (!pids[i]) {
			close(gate[1]);
			/* Ends for all at once when the parent closes its end. */
			if (read(gate[0], &c, 1) != 0)
				_exit(2);
			c = (char)claim("web", uuids[i], NULL, 0);
			/* A winner that left at once would be taken for dead. */
			if (c == 0)
				pause();
			_exit(c);
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < 7; i++) {
		pid_t pid = waitpid(-1, &status, 0);

		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %x", status);
		for (int j = 0; j < 8; j++)
			if (pids[j] == pid)
				pids[j] = 0;
	}
	for (int j = 0; j < 8; j++)
		if (pids[j]) {
			/* Still there and silent: it has the name. */
			ck_assert_int_eq(waitpid(pids[j], &status, WNOHANG), 0);
			winners++;
			kill(pids[j], SIGKILL);
			waitpid(pids[j], &status, 0);
		}
	return winners;
}

START_TEST(of_eight_claimers_one_wins)
{
	uint8_t uuids[8][16] = { { 0 } };

	for (int i = 0; i < 8; i++)
		uuids[i][0] = (uint8_t)(i + 1);
	/* The first round finds nothing, each later one the claim of the round's killed winner before it. */
	for (int round = 0; round < 60; round++)
		ck_assert_int_eq(race(uuids), 1);
}
END_TEST

START_TEST(killed_anywhere_leaves_a_name_that_can_be_claimed)
{
	for (int round = 0; round < 200; round++) {
		pid_t pid = fork_bound();

		if (!pid) {
			struct uvpi_dominfo info = domain(4, uuid_a);

			for (;;) {
				claim("web", uuid_a, NULL, 0);
				uvpi_name_settle("web", uuid_a, 4, NULL);
				uvpi_name_note("web", &info, false);
				uvpi_name_release("web", uuid_a);
			}
		}
		usleep((useconds_t)(round * 7 % 900));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ck_assert_int_eq(claim("web", uuid_b, NULL, 0), 0);
		uvpi_name_release("web", uuid_b);
	}
}
END_TEST

START_TEST(name_of_two_domains_names_nobody)
{
	struct uvpi_dominfo infos[] = { domain(1, uuid_a), domain(2, uuid_b) };
	struct uvpi_name_holder holder;
	struct uvpi_name_entry entry;
	const char **names;
	bool known[2];

	uvpi_name_note("xl-made", &infos[0], false);
	ck_assert_int_eq(uvpi_name_get("xl-made", &entry, NULL), 1);
	ck_assert_int_eq(entry.domid, 1);
	uvpi_name_note("xl-made", &infos[1], false);
	ck_assert_int_eq(uvpi_name_get("xl-made", &entry, NULL), 0);
	uvpi_known_get(infos, 2, known);
	ck_assert(known[0] && known[1]);
	ck_assert_int_eq(uvpi_name_try("xl-made", (uint8_t[16]){ 7 }, -1, NULL, &holder, NULL), 1);
	ck_assert(holder.nobody && !holder.pid);
	/* Until the other one is gone. */
	uvpi_name_note("xl-made", &infos[1], true);
	ck_assert_int_eq(uvpi_name_get("xl-made", &entry, NULL), 1);
	ck_assert_int_eq(entry.domid, 2);
	/* Names that cannot be claimed are remembered as seen without an entry. */
	uvpi_name_note("has a blank/and more", &infos[0], false);
	names = uvpi_known_names(infos, 2);
	ck_assert_ptr_nonnull(names);
	ck_assert_str_eq(names[0], "has a blank/and more");
	ck_assert_str_eq(names[1], "xl-made");
	free(names);
}
END_TEST

START_TEST(damaged_records_count_as_unknown)
{
	struct uvpi_dominfo infos[] = { domain(3, uuid_a), domain(200, uuid_b), domain(201, uuid_a) };
	const char **names;
	char path[128];
	FILE *file;

	ck_assert(!uvpi_known_never(7)); /* without a file nobody knows */
	uvpi_name_note("three", &infos[0], false);
	uvpi_known_set(200, uuid_b, "two-hundred");
	uvpi_known_set(201, uuid_b, "of-another");
	ck_assert(!uvpi_known_never(3) && !uvpi_known_never(199) && !uvpi_known_never(201));
	ck_assert(uvpi_known_never(202));
	names = uvpi_known_names(infos, 3);
	ck_assert_str_eq(names[0], "three");
	ck_assert_str_eq(names[1], "two-hundred");
	ck_assert_ptr_null(names[2]);
	free(names);

	snprintf(path, sizeof(path), "%s/names/.ids", uvpi_run_dir());
	file = fopen(path, "r+e");
	ck_assert_ptr_nonnull(file);
	fseek(file, 3 * 288 + 24, SEEK_SET); /* its name */
	fputc('T', file);
	fclose(file);
	ck_assert_int_eq(truncate(path, 200 * 288 + 30), 0);
	names = uvpi_known_names(infos, 3);
	ck_assert(!names[0] && !names[1] && !names[2]);
	free(names);
}
END_TEST

START_TEST(names_are_kept_as_long_as_a_process_does)
{
	struct uvpi_dominfo info = domain(3, uuid_a);
	int status, ready[2], over[2];
	uint32_t first;
	char byte = 0;
	pid_t pid;

	uvpi_name_note("three", &info, false); /* makes the folder */
	ck_assert(!uvpi_known_kept(NULL));
	ck_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(over, O_CLOEXEC) == 0);
	pid = fork();
	if (!pid) {
		int fd = uvpi_known_keep();

		close(over[1]);
		uvpi_known_keep_until(fd, 77);
		/* it may look itself, and keeps them no less */
		if (fd < 0 || !uvpi_known_kept(NULL) || write(ready[1], &byte, 1) != 1 || read(over[0], &byte, 1) != 1)
			_exit(1);
		/* a child that outlives it holds nothing */
		_exit(fork() ? 0 : (int)read(over[0], &byte, 1));
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert(uvpi_known_kept(&first));
	ck_assert_uint_eq(first, 77);
	ck_assert_int_lt(uvpi_known_keep(), 0);
	ck_assert_int_eq(write(over[1], &byte, 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	ck_assert(!uvpi_known_kept(NULL));
	close(over[1]);
	close(over[0]);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(domain_of_another_tool_does_not_end_a_claim)
{
	struct uvpi_dominfo info = domain(1, uuid_b);
	struct uvpi_name_entry entry;
	bool known;

	ck_assert_int_eq(claim("web", uuid_a, &info, 1), 0);
	uvpi_name_note("web", &info, false);
	ck_assert_int_eq(uvpi_name_get("web", &entry, NULL), 1);
	ck_assert(entry.claimed);
	uvpi_known_get(&info, 1, &known);
	ck_assert(!known); /* so that the claimer asks for its name itself */
}
END_TEST

START_TEST(sweep_removes_what_is_gone_and_keeps_the_rest)
{
	struct uvpi_dominfo info = domain(1, uuid_a);
	struct uvpi_name_entry *entries = NULL, entry;
	struct uvpi_name_link *links = NULL;
	char path[128];
	int n_links;

	uvpi_name_note("stays", &info, false);
	uvpi_name_note("gone", &(struct uvpi_dominfo){ .domid = 2, .uuid = { 9 } }, false);
	ck_assert_int_eq(claim("mine", uuid_b, &info, 1), 0);
	killed_claimer("dead", (uint8_t[16]){ 8 }, true);
	snprintf(path, sizeof(path), "%s/names/rubbish", run_dir);
	ck_assert_int_eq(symlink("nonsense", path), 0);
	uvpi_name_note("two", &info, false);
	uvpi_name_note("two", &(struct uvpi_dominfo){ .domid = 3, .uuid = { 7 } }, false);
	ck_assert_int_eq(uvpi_name_collect(6, &links), 0);
	n_links = uvpi_name_collect(5, &links);
	ck_assert_int_eq(n_links, 6);
	uvpi_name_discard(links, n_links, &info, 1, (const char *const[]){ "two" }, 1);
	free(links);
	ck_assert_int_eq(uvpi_name_collect(0, &links), 3);
	free(links);
	ck_assert_int_eq(uvpi_name_list(&entries, NULL), 2);
	free(entries);
	ck_assert_int_eq(uvpi_name_get("stays", &entry, NULL), 1);
	ck_assert_int_eq(uvpi_name_get("mine", &entry, NULL), 1);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, names_that_could_be_ids_or_paths_are_refused);
	tcase_add_test(tcase, claim_settle_release);
	tcase_add_test(tcase, name_of_a_domain_that_is_gone_is_free);
	tcase_add_test(tcase, claim_of_a_killed_process_is_taken_over);
	tcase_add_test(tcase, killed_process_that_nobody_waited_for_is_dead_too);
	tcase_add_test(tcase, name_of_a_half_made_domain_stays_taken);
	tcase_add_test(tcase, pid_that_was_used_again_is_no_maker);
	tcase_add_test(tcase, of_eight_claimers_one_wins);
	tcase_add_test(tcase, killed_anywhere_leaves_a_name_that_can_be_claimed);
	tcase_add_test(tcase, name_of_two_domains_names_nobody);
	tcase_add_test(tcase, damaged_records_count_as_unknown);
	tcase_add_test(tcase, names_are_kept_as_long_as_a_process_does);
	tcase_add_test(tcase, domain_of_another_tool_does_not_end_a_claim);
	tcase_add_test(tcase, sweep_removes_what_is_gone_and_keeps_the_rest);
}

UNIT_MAIN("names", add_tests);
