/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options and arguments, from a table of the test's own. */
#include "xlx/cmd.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct xlx_opt opts[] = {
	{ "name", 'n', "NAME", "a name", XLX_VALUE },
	{ "long", 'l', NULL, "long", XLX_NO_VALUE },
	{ "loud", 0, NULL, "loud", XLX_NO_VALUE },
	{ "own-version", 'V', NULL, "has a -V of its own", XLX_NO_VALUE },
	{ "dry-run", 'd', NULL, "rehearse", XLX_NO_VALUE },
	{ NULL },
};

static int runs;
static char seen[256];

/* What the command was given, in words. */
static int run_it(const struct xlx_args *args)
{
	const char *value;
	size_t used = 0;

	runs++;
	for (int i = 0; (value = xlx_value_n(args, "name", i)); i++)
		used += (size_t)snprintf(seen + used, sizeof(seen) - used, "name=%s ", value);
	used += (size_t)snprintf(seen + used, sizeof(seen) - used, "long=%d loud=%d version=%d dry=%d args=",
				 xlx_count(args, "long"), xlx_has(args, "loud"), xlx_has(args, "own-version"),
				 xlx_has(args, "dry-run"));
	for (int i = 0; i < xlx_n_args(args); i++)
		used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s,", xlx_arg(args, i));
	ck_assert_ptr_null(xlx_arg(args, xlx_n_args(args)));
	ck_assert_ptr_null(xlx_arg(args, -1));
	return 42;
}

static const struct xlx_cmd thing = { .name = "thing", .group = "G", .summary = "do it", .args = "A [B]",
				      .min_args = 1, .max_args = 2, .opts = opts, .run = run_it };
static const struct xlx_cmd think = { .name = "think", .group = "G", .summary = "think", .args = "",
				      .max_args = -1, .run = run_it };
static const struct xlx_cmd *const table[] = { &thing, &think, NULL };

#define RUN(cmd, ...) run_words(cmd, (char *[]){ (char *)(cmd)->name, __VA_ARGS__, NULL })
static int run_words(const struct xlx_cmd *cmd, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	seen[0] = '\0';
	return xlx_run_cmd(cmd, argc, argv);
}

START_TEST(options_and_arguments_mix)
{
	ck_assert_int_eq(RUN(&thing, "a", "-lln", "x", "b", "--name=y", "--name", "z", "--loud"), 42);
	ck_assert_str_eq(seen, "name=x name=y name=z long=2 loud=1 version=0 dry=0 args=a,b,");
	ck_assert_int_eq(RUN(&thing, "--", "-l"), 42);
	ck_assert_str_eq(seen, "long=0 loud=0 version=0 dry=0 args=-l,");
	ck_assert_int_eq(RUN(&thing, "-V", "a"), 42);
	ck_assert_str_eq(seen, "long=0 loud=0 version=1 dry=0 args=a,");
}
END_TEST

START_TEST(wrong_use_does_not_run_the_command)
{
	runs = 0;
	ck_assert_int_eq(RUN(&thing, "--nope", "a"), XLX_EXIT_USAGE);
	ck_assert_int_eq(RUN(&thing, "--lo", "a"), XLX_EXIT_USAGE); /* --long or --loud */
	ck_assert_int_eq(RUN(&thing, "-x", "a"), XLX_EXIT_USAGE);
	ck_assert_int_eq(RUN(&thing, "a", "-n"), XLX_EXIT_USAGE);
	ck_assert_int_eq(RUN(&thing, "a", "--long=1"), XLX_EXIT_USAGE);
	ck_assert_int_eq(RUN(&thing, "-l"), XLX_EXIT_USAGE);
	ck_assert_int_eq(RUN(&thing, "a", "b", "c"), XLX_EXIT_USAGE);
	ck_assert_int_eq(RUN(&thing, "--help"), XLX_EXIT_OK);
	ck_assert_int_eq(RUN(&thing, "--version"), XLX_EXIT_OK);
	ck_assert_int_eq(runs, 0);
}
END_TEST

START_TEST(a_rehearsal_reaches_only_commands_that_know_it)
{
	xlx_set_globals(&(struct xlx_globals){ .dry_run = true });
	ck_assert_int_eq(RUN(&thing, "a"), 42);
	ck_assert_str_eq(seen, "long=0 loud=0 version=0 dry=1 args=a,");
	ck_assert_int_eq(RUN(&think, "a"), XLX_EXIT_USAGE);
}
END_TEST

START_TEST(commands_are_found_by_an_unambiguous_beginning)
{
	int status = 0;

	ck_assert_ptr_eq(xlx_find_cmd(table, "thing", &status), &thing);
	ck_assert_ptr_eq(xlx_find_cmd(table, "thinG", &status), NULL);
	ck_assert_ptr_eq(xlx_find_cmd(table, "think", &status), &think);
	ck_assert_ptr_null(xlx_find_cmd(table, "thin", &status));
	ck_assert_ptr_null(xlx_find_cmd(table, "", &status));
	ck_assert_ptr_null(xlx_find_cmd(table, "thinking", &status));
	ck_assert_int_eq(status, XLX_EXIT_USAGE);
}
END_TEST

START_TEST(what_only_xl_has_is_told_from_what_nobody_has)
{
	int status = 0;

	ck_assert_ptr_null(xlx_find_cmd(table, "remus", &status));
	ck_assert_int_eq(status, xlx_exit_status(UVP_E_UNSUPPORTED));
	ck_assert_int_eq(xlx_absent("migrat"), XLX_EXIT_OK);
}
END_TEST

START_TEST(every_code_has_a_status_of_its_own)
{
	for (int a = UVP_E_INVALID; a <= UVP_E_INTERNAL; a++) {
		ck_assert_int_gt(xlx_exit_status(a), XLX_EXIT_USAGE);
		for (int b = UVP_E_INVALID; b < a; b++)
			ck_assert_int_ne(xlx_exit_status(a), xlx_exit_status(b));
	}
	ck_assert_int_eq(xlx_exit_status(UVP_E_OK), XLX_EXIT_OK);
	ck_assert_int_eq(xlx_exit_status(999), XLX_EXIT_FAILED);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, options_and_arguments_mix);
	tcase_add_test(tc, wrong_use_does_not_run_the_command);
	tcase_add_test(tc, a_rehearsal_reaches_only_commands_that_know_it);
	tcase_add_test(tc, commands_are_found_by_an_unambiguous_beginning);
	tcase_add_test(tc, what_only_xl_has_is_told_from_what_nobody_has);
	tcase_add_test(tc, every_code_has_a_status_of_its_own);
}
UNIT_MAIN("cmd", add_tests);
