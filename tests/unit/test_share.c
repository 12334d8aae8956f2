/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/share.h"

#include "tests/unit/unit.h"

static uint32_t percent, mhz;

static int cap(const char *text)
{
	percent = mhz = 4711;
	return uvpi_cap_parse(text, &percent, &mhz, NULL);
}

START_TEST(a_cap_is_per_cent_or_a_frequency)
{
	ck_assert(cap("250") == 0 && percent == 250 && mhz == 0);
	ck_assert(cap("250%") == 0 && percent == 250 && mhz == 0);
	ck_assert(cap("1%") == 0 && percent == 1);
	ck_assert(cap("1200MHz") == 0 && percent == 0 && mhz == 1200);
	ck_assert(cap("1mhz") == 0 && percent == 0 && mhz == 1);
	ck_assert(cap("1200 MHz") == 0 && mhz == 1200);
	ck_assert(cap("0") == 0 && percent == 0 && mhz == 0);
	ck_assert(cap("none") == 0 && percent == 0 && mhz == 0);
}
END_TEST

START_TEST(what_is_no_cap_is_refused)
{
	static const char *const bad[] = { "", "%", "MHz", "1.5", "-1", "1200Hz", "12%MHz", "65535", "much", "1200MHzx",
					   "99999999999999999999", "100000001MHz", NULL };

	for (int i = 0; bad[i]; i++) {
		ck_assert_msg(cap(bad[i]) == -UVP_E_INVALID, "'%s' is taken", bad[i]);
		ck_assert(percent == 4711 && mhz == 4711);
	}
}
END_TEST

START_TEST(megahertz_become_the_nearest_per_cent_but_never_no_cap)
{
	ck_assert_uint_eq(uvpi_cap_percent(1200, 2400000), 50);
	ck_assert_uint_eq(uvpi_cap_percent(1211, 2400000), 50);
	ck_assert_uint_eq(uvpi_cap_percent(1213, 2400000), 51);
	ck_assert_uint_eq(uvpi_cap_percent(1, 2400000), 1);
	ck_assert_uint_eq(uvpi_cap_percent(6000, 2400000), 250);
	ck_assert_uint_eq(uvpi_cap_percent(0, 2400000), 0);
	ck_assert_uint_eq(uvpi_cap_percent(100000000, 1000), 4294967295u);
}
END_TEST

START_TEST(shares_follow_the_weights)
{
	struct uvpi_share s[] = { { 256, 1000, 0 }, { 512, 2000, 0 }, { 256, 1000, 0 } };

	uvpi_share_divide(s, 3, 2000);
	ck_assert(s[0].gets == 500 && s[1].gets == 1000 && s[2].gets == 500);
}
END_TEST

START_TEST(what_one_cannot_use_goes_to_the_others)
{
	struct uvpi_share s[] = { { 65535, 300, 0 }, { 1, 2000, 0 }, { 2, 2000, 0 }, { 256, 0, 0 } };

	uvpi_share_divide(s, 4, 2000);
	ck_assert_uint_eq(s[0].gets, 300);
	ck_assert_uint_eq(s[1].gets, 566);
	ck_assert_uint_eq(s[2].gets, 1133);
	ck_assert_uint_eq(s[3].gets, 0);
}
END_TEST

START_TEST(nobody_gets_more_than_he_can_use)
{
	struct uvpi_share s[] = { { 256, 1000, 0 }, { 256, 500, 0 } };

	uvpi_share_divide(s, 2, 64000);
	ck_assert(s[0].gets == 1000 && s[1].gets == 500);
	uvpi_share_divide(s, 2, 0);
	ck_assert(s[0].gets == 0 && s[1].gets == 0);
	uvpi_share_divide(s, 0, 5);
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, a_cap_is_per_cent_or_a_frequency);
	tcase_add_test(tcase, what_is_no_cap_is_refused);
	tcase_add_test(tcase, megahertz_become_the_nearest_per_cent_but_never_no_cap);
	tcase_add_test(tcase, shares_follow_the_weights);
	tcase_add_test(tcase, what_one_cannot_use_goes_to_the_others);
	tcase_add_test(tcase, nobody_gets_more_than_he_can_use);
}

UNIT_MAIN("share", setup);
