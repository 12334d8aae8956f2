/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/num.h"
#include "core/run.h"
#include "tests/unit/unit.h"

static char said[64];

static int run(const char *script, int64_t ms, int cancel_fd, struct uvp_error *err)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)script, NULL };
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"word=given", NULL };

	return uvpi_run(argv, env, uvpi_now_ms() + ms, cancel_fd, said, sizeof(said), err);
}

START_TEST(status_and_last_words_come_back)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(run("printf '%s\\033 %s\\n\\n' $word $HOME; read x; exit 3", 60000, -1, &err), 3);
	ck_assert_str_eq(said, "given");
	ck_assert_int_eq(run("kill -9 $$", 60000, -1, &err), 128 + 9);
	ck_assert_int_eq(run("i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done >&2", 60000, -1, &err), 0);
	ck_assert_msg(strstr(said, "4998 4999") != NULL, "%s", said);
	ck_assert_int_eq(run("exec >&- 2>&-; exit 4", 60000, -1, &err), 4);
}
END_TEST

START_TEST(what_does_not_end_is_ended)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int fds[2];

	ck_assert_int_eq(run("echo here; sleep 1000 & wait", 2000, -1, &err), -UVP_E_TIMEOUT);
	ck_assert_str_eq(said, "here");
	ck_assert_int_eq(run("trap '' TERM; exec sleep 1000", 10, -1, &err), -UVP_E_TIMEOUT);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(run("exec sleep 1000", 60000, fds[0], &err), -UVP_E_CANCELLED);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(programs_that_are_not_there)
{
	char *argv[] = { (char *)"/nonexistent/program", NULL };
	struct uvp_error err = UVP_ERROR_INIT;
	char path[64];

	ck_assert_int_eq(uvpi_run(argv, argv, uvpi_now_ms() + 60000, -1, said, sizeof(said), &err), -UVP_E_NOT_FOUND);
	setenv("PATH", "relative::/nonexistent:/bin", 1);
	ck_assert(uvpi_find_program("sh", path, sizeof(path)));
	ck_assert_str_eq(path, "/bin/sh");
	ck_assert(!uvpi_find_program("no-such-program", path, sizeof(path)));
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, status_and_last_words_come_back);
	tcase_add_test(tcase, what_does_not_end_is_ended);
	tcase_add_test(tcase, programs_that_are_not_there);
}

UNIT_MAIN("run", setup);
