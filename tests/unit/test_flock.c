/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/flock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/num.h"
#include "tests/unit/unit.h"

static const char locks[] = "1: POSIX  ADVISORY  WRITE 77 00:19:345 0 EOF\n"
			    "2: FLOCK  ADVISORY  READ 88 00:19:346 0 EOF\n"
			    "3: FLOCK  ADVISORY  WRITE 912 00:19:345 0 EOF\n"
			    "3: -> FLOCK  ADVISORY  WRITE 913 00:19:347 0 EOF\n";

START_TEST(holder_is_the_flock_of_that_file)
{
	ck_assert_int_eq(uvpi_flock_holder(locks, makedev(0, 0x19), 345), 912);
	ck_assert_int_eq(uvpi_flock_holder(locks, makedev(0, 0x19), 346), 88);
}
END_TEST

START_TEST(holder_is_nobody_for_other_files_and_rubbish)
{
	ck_assert_int_eq(uvpi_flock_holder(locks, makedev(1, 0x19), 345), 0);
	ck_assert_int_eq(uvpi_flock_holder(locks, makedev(0, 0x19), 347), 0);
	ck_assert_int_eq(uvpi_flock_holder("", 1, 1), 0);
	ck_assert_int_eq(uvpi_flock_holder("\n\n", 1, 1), 0);
	ck_assert_int_eq(uvpi_flock_holder("1: FLOCK", 1, 1), 0);
}
END_TEST

static char path[64];

static int new_file(void)
{
	snprintf(path, sizeof(path), "/tmp/uvp-test-flock.XXXXXX");
	return mkstemp(path);
}

static int open_again(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(a_lock_that_stays_is_told_with_who_has_it)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int holder = new_file(), fd = open_again();
	char text[32];

	ck_assert_int_eq(flock(holder, LOCK_EX), 0);
	ck_assert_int_eq(uvpi_flock_wait(fd, path, "all", uvpi_now_ms() + 30, &err), -UVP_E_BUSY);
	snprintf(text, sizeof(text), "process %d (", (int)getpid());
	ck_assert_msg(!strncmp(err.message, text, strlen(text)), "%s", err.message);
	ck_assert(strstr(err.message, "is changing all"));
	close(holder);
	ck_assert_int_eq(uvpi_flock_wait(fd, path, "all", uvpi_now_ms(), &err), 0);
	close(fd);
	unlink(path);
}
END_TEST

/* Whoever has it goes in a while, one orderly and one not. */
static void hold_in_child(bool orderly)
{
	int ready[2], fd, status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		flock(fd, LOCK_EX);
		(void)!write(ready[1], "", 1);
		usleep(50000);
		if (orderly)
			close(fd);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	fd = open_again();
	ck_assert_int_eq(uvpi_flock_wait(fd, path, "all", uvpi_now_ms() + 60000, NULL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

START_TEST(a_lock_that_is_given_up_is_taken)
{
	close(new_file());
	for (int i = 0; i < 6; i++)
		hold_in_child(i % 2);
	unlink(path);
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, holder_is_the_flock_of_that_file);
	tcase_add_test(tcase, holder_is_nobody_for_other_files_and_rubbish);
	tcase_add_test(tcase, a_lock_that_stays_is_told_with_who_has_it);
	tcase_add_test(tcase, a_lock_that_is_given_up_is_taken);
}

UNIT_MAIN("flock", setup);
