/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a console client decides without a host. */
#include "device/console.h"
#include "tests/unit/unit.h"
#include "xlx/console_loop.h"

START_TEST(only_a_pty_is_a_console)
{
	ck_assert(uvpi_console_is_pty_path("/dev/pts/0"));
	ck_assert(uvpi_console_is_pty_path("/dev/pts/123"));
	ck_assert(!uvpi_console_is_pty_path("/dev/pts/"));
	ck_assert(!uvpi_console_is_pty_path("/dev/pts/ptmx"));
	ck_assert(!uvpi_console_is_pty_path("/dev/pts/../sda"));
	ck_assert(!uvpi_console_is_pty_path("/dev/pts/1\n"));
	ck_assert(!uvpi_console_is_pty_path("/dev/sda"));
	ck_assert(!uvpi_console_is_pty_path(""));
	ck_assert(!uvpi_console_is_pty_path("/dev/pts/12345678901"));
}
END_TEST

START_TEST(escape_keys)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int key = 0;

	ck_assert_int_eq(xlx_console_parse_escape("^]", &key, &err), 0);
	ck_assert_int_eq(key, 0x1d);
	ck_assert_int_eq(xlx_console_parse_escape("^a", &key, &err), 0);
	ck_assert_int_eq(key, 1);
	ck_assert_int_eq(xlx_console_parse_escape("x", &key, &err), 0);
	ck_assert_int_eq(key, 'x');
	ck_assert_int_eq(xlx_console_parse_escape("none", &key, &err), 0);
	ck_assert_int_eq(key, -1);
	ck_assert_int_eq(xlx_console_parse_escape("", &key, &err), -UVP_E_INVALID);
	ck_assert_int_eq(xlx_console_parse_escape("ab", &key, &err), -UVP_E_INVALID);
	ck_assert_int_eq(xlx_console_parse_escape("^\n", &key, &err), -UVP_E_INVALID);
	ck_assert_int_eq(key, -1);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, only_a_pty_is_a_console);
	tcase_add_test(tcase, escape_keys);
}

UNIT_MAIN("console", add_tests);
