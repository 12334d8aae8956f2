/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every unit test needs: a main() around one suite of check's. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

#include <uvp/error.h>

#define UNIT_MAIN(name, tcase_setup)                                                               \
	int main(void)                                                                             \
	{                                                                                          \
		Suite *suite = suite_create(name);                                                 \
		TCase *tcase = tcase_create(name);                                                 \
		SRunner *runner;                                                                   \
		int failed;                                                                        \
		tcase_set_timeout(tcase, 120);                                                     \
		tcase_setup(tcase);                                                                \
		suite_add_tcase(suite, tcase);                                                     \
		runner = srunner_create(suite);                                                    \
		srunner_run_all(runner, CK_ENV);                                                   \
		failed = srunner_ntests_failed(runner);                                            \
		srunner_free(runner);                                                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}                                                                                          \
	struct unit_main_semicolon

#endif
