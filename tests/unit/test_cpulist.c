/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/cpulist.h"

#include <string.h>

#include "tests/unit/unit.h"

static const uint32_t two_nodes[8] = { 0, 0, 0, 0, 1, 1, 1, UINT32_MAX };
static const struct uvpi_cpulist_host host = { 8, two_nodes };

static const char *list(const char *text, const struct uvpi_cpulist_host *on)
{
	static char buf[256];
	struct uvpi_cpumap map;
	bool needs;

	if (uvpi_cpulist_parse(text, "cpus", on, &map, &needs, NULL))
		return "refused";
	uvpi_cpulist_format(map.bits, on ? on->n_cpus : UVPI_CPUS_MAX, buf, sizeof(buf));
	return buf;
}

START_TEST(items_apply_from_left_to_right)
{
	ck_assert_str_eq(list("3", &host), "3");
	ck_assert_str_eq(list("0-3,^2,6", &host), "0-1,3,6");
	ck_assert_str_eq(list(" 0 , 1 ,2", &host), "0-2");
	ck_assert_str_eq(list("all", &host), "all");
	ck_assert_str_eq(list("all,^0", &host), "1-7");
	ck_assert_str_eq(list("^1,0-2", &host), "0-2");
	ck_assert_str_eq(list("0-2,^1,1", &host), "0-2");
}
END_TEST

START_TEST(nodes_name_their_online_cpus)
{
	ck_assert_str_eq(list("nodes:1", &host), "4-6");
	ck_assert_str_eq(list("node:0,^3", &host), "0-2");
	ck_assert_str_eq(list("nodes:0-1", &host), "0-6");
	ck_assert_str_eq(list("nodes:all,^node:0", &host), "4-6");
	ck_assert_str_eq(list("all,nodes:^1", &host), "0-3,7");
	ck_assert_str_eq(list("nodes:2", &host), "refused");
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	static const char *const bad[] = { "", ",", "1,", ",1", "1,,2", "a", "1-", "-1", "3-1", "8", "0-8",
					   "^0", "1-2-3", "nodes:", "nodes:a", "^", "1 2", "^^1",
					   "99999999999999999999", "0-3,^0-3" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!strcmp(list(bad[i], &host), "refused"), "'%s' was taken", bad[i]);
}
END_TEST

START_TEST(an_error_names_the_value_and_what_there_is)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_cpumap map;

	memset(&map, 0x55, sizeof(map));
	ck_assert_int_eq(uvpi_cpulist_parse("0,9", "cpus", &host, &map, NULL, &err), -UVP_E_NOT_FOUND);
	ck_assert_str_eq(err.message, "cpus: this host has no CPU 9");
	ck_assert_str_eq(err.hint, "it has CPUs 0 to 7");
	ck_assert_int_eq(map.bits[0], 0x55);
	ck_assert_int_eq(uvpi_cpulist_parse("3-1", "cpus", &host, &map, NULL, &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.message, "cpus: the range 3-1 runs backwards: write 1-3");
}
END_TEST

START_TEST(without_a_host_only_nodes_wait_for_it)
{
	struct uvpi_cpumap map;
	bool needs;

	ck_assert_int_eq(uvpi_cpulist_parse("nodes:1", "cpus", NULL, &map, &needs, NULL), 0);
	ck_assert(needs);
	ck_assert_int_eq(uvpi_cpulist_parse("100-4095", "cpus", NULL, &map, &needs, NULL), 0);
	ck_assert(!needs && uvpi_cpumap_has(map.bits, 4095) && !uvpi_cpumap_has(map.bits, 99));
	ck_assert_int_eq(uvpi_cpulist_parse("4096", "cpus", NULL, &map, &needs, NULL), -UVP_E_INVALID);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_cut_between_items)
{
	struct uvpi_cpumap map;
	char small[8];

	ck_assert_int_eq(uvpi_cpulist_parse("100,200,300", "cpus", NULL, &map, &(bool){ false }, NULL), 0);
	uvpi_cpulist_format(map.bits, 512, small, sizeof(small));
	ck_assert_str_eq(small, "100,200");
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, items_apply_from_left_to_right);
	tcase_add_test(tcase, nodes_name_their_online_cpus);
	tcase_add_test(tcase, what_makes_no_sense_is_refused);
	tcase_add_test(tcase, an_error_names_the_value_and_what_there_is);
	tcase_add_test(tcase, without_a_host_only_nodes_wait_for_it);
	tcase_add_test(tcase, a_text_that_does_not_fit_is_cut_between_items);
}

UNIT_MAIN("cpulist", setup);
