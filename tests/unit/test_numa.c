/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/numa.h"

#include <string.h>

#include "tests/unit/unit.h"

#define GIB (1024ull * 1024)

START_TEST(lists_of_nodes_are_read)
{
	uint64_t mask = 0;

	ck_assert(uvpi_nodes_parse("0", &mask, NULL) == 0 && mask == 1);
	ck_assert(uvpi_nodes_parse("0-1,3", &mask, NULL) == 0 && mask == 11);
	ck_assert(uvpi_nodes_parse("63", &mask, NULL) == 0 && mask == 1ull << 63);
	ck_assert(uvpi_nodes_parse("0-63", &mask, NULL) == 0 && mask == UINT64_MAX);
	ck_assert(uvpi_nodes_check("auto", NULL) == 0 && uvpi_nodes_check("all", NULL) == 0);
}
END_TEST

START_TEST(what_is_no_list_of_nodes_is_refused)
{
	static const char *const bad[] = { "", ",", "0,", ",0", "1-0", "64", "0-64", "a", "0-", "-1", "0--1", "any",
					   "0000000000000000000000000000000", NULL };
	uint64_t mask = 4711;

	for (int i = 0; bad[i]; i++)
		ck_assert_msg(uvpi_nodes_check(bad[i], NULL) == -UVP_E_INVALID && uvpi_nodes_parse(bad[i], &mask, NULL) < 0,
			      "'%s' is taken", bad[i]);
	ck_assert_uint_eq(mask, 4711);
}
END_TEST

START_TEST(nodes_are_written_as_they_are_read)
{
	char text[32];

	uvpi_nodes_format(11, 8, text, sizeof(text));
	ck_assert_str_eq(text, "0-1,3");
	uvpi_nodes_format(3, 2, text, sizeof(text));
	ck_assert_str_eq(text, "all");
}
END_TEST

START_TEST(the_node_with_fewer_vcpus_is_taken)
{
	struct uvpi_node nodes[] = { { 8 * GIB, 4, 3000 }, { 4 * GIB, 4, 2000 } };

	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, GIB, 1), 2);
	nodes[1].load = 3000; /* the same: more memory */
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, GIB, 1), 1);
	nodes[0].cpus = 2; /* 1.5 for a CPU, and 0.75 */
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, GIB, 1), 2);
}
END_TEST

START_TEST(a_node_must_have_the_memory_and_the_cpus)
{
	struct uvpi_node nodes[] = { { 8 * GIB, 4, 9000 }, { 4 * GIB, 8, 0 } };

	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, 5 * GIB, 1), 1);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, GIB, 5), 2);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, 5 * GIB, 5), 0);
	nodes[1].cpus = 0; /* memory alone */
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 2, GIB, 0), 1);
}
END_TEST

START_TEST(as_few_nodes_as_do_are_taken)
{
	struct uvpi_node nodes[] = { { 2 * GIB, 4, 0 }, { 3 * GIB, 4, 0 }, { 4 * GIB, 4, 100 }, { GIB, 4, 0 } };

	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 4, 4 * GIB, 4), 4);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 4, 5 * GIB, 8), 3);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 4, 7 * GIB, 8), 6);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 4, 8 * GIB, 8), 7);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 4, 10 * GIB, 8), 0); /* all of them: no choice */
}
END_TEST

START_TEST(hosts_of_any_size)
{
	struct uvpi_node nodes[UVPI_NODES_MAX];

	for (int i = 0; i < UVPI_NODES_MAX; i++)
		nodes[i] = (struct uvpi_node){ GIB, 4, 5000 };
	nodes[63].load = 0;
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 1, GIB, 1), 0);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 0, GIB, 1), 0);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 64, GIB, 1), 1ull << 63);
	ck_assert_uint_eq(uvpi_nodes_choose(nodes, 64, 2 * GIB, 1), 0);
	ck_assert_int_eq(__builtin_popcountll(uvpi_nodes_choose(nodes, 16, 9 * GIB, 1)), 9);
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, lists_of_nodes_are_read);
	tcase_add_test(tcase, what_is_no_list_of_nodes_is_refused);
	tcase_add_test(tcase, nodes_are_written_as_they_are_read);
	tcase_add_test(tcase, the_node_with_fewer_vcpus_is_taken);
	tcase_add_test(tcase, a_node_must_have_the_memory_and_the_cpus);
	tcase_add_test(tcase, as_few_nodes_as_do_are_taken);
	tcase_add_test(tcase, hosts_of_any_size);
}

UNIT_MAIN("numa", setup);
