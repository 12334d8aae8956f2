/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/num.h"

#include <string.h>

#include "tests/unit/unit.h"

START_TEST(u64_takes_decimal_and_hex_only_as_a_whole)
{
	static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "0x", "1f", "18446744073709551616", "1.0" };
	uint64_t value = 7;

	ck_assert_int_eq(uvpi_parse_u64("18446744073709551615", "n", 0, UINT64_MAX, &value, NULL), 0);
	ck_assert(value == UINT64_MAX);
	ck_assert_int_eq(uvpi_parse_u64("0xFf", "n", 0, 255, &value, NULL), 0);
	ck_assert(value == 255);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(uvpi_parse_u64(bad[i], "n", 0, UINT64_MAX, &value, NULL), -UVP_E_INVALID);
		ck_assert_msg(value == 255, "%s changed the result", bad[i]);
	}
}
END_TEST

START_TEST(range_errors_name_value_and_limits)
{
	struct uvp_error err = UVP_ERROR_INIT;
	uint32_t value;

	ck_assert_int_eq(uvpi_parse_u32("129", "vcpus", 1, 128, &value, &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.message, "vcpus: 129 is not within 1 to 128");
}
END_TEST

START_TEST(i64_reaches_both_ends)
{
	int64_t value;

	ck_assert_int_eq(uvpi_parse_i64("-9223372036854775808", "n", INT64_MIN, INT64_MAX, &value, NULL), 0);
	ck_assert(value == INT64_MIN);
	ck_assert_int_lt(uvpi_parse_i64("9223372036854775808", "n", INT64_MIN, INT64_MAX, &value, NULL), 0);
	ck_assert_int_lt(uvpi_parse_i64("--1", "n", INT64_MIN, INT64_MAX, &value, NULL), 0);
}
END_TEST

START_TEST(sizes_know_units_and_overflow)
{
	uint64_t bytes;

	ck_assert_int_eq(uvpi_parse_size("512", "m", 1 << 20, &bytes, NULL), 0);
	ck_assert(bytes == 512ull << 20);
	ck_assert_int_eq(uvpi_parse_size("2GiB", "m", 1, &bytes, NULL), 0);
	ck_assert(bytes == 2ull << 30);
	ck_assert_int_eq(uvpi_parse_size("3kB", "m", 1, &bytes, NULL), 0);
	ck_assert(bytes == 3072);
	ck_assert_int_lt(uvpi_parse_size("2x", "m", 1, &bytes, NULL), 0);
	ck_assert_int_lt(uvpi_parse_size("2bb", "m", 1, &bytes, NULL), 0);
	ck_assert_int_lt(uvpi_parse_size("18446744073709551615k", "m", 1, &bytes, NULL), 0);
}
END_TEST

START_TEST(durations_are_milliseconds)
{
	int64_t ms;

	ck_assert_int_eq(uvpi_parse_duration("5", "t", &ms, NULL), 0);
	ck_assert_int_eq(ms, 5000);
	ck_assert_int_eq(uvpi_parse_duration("250ms", "t", &ms, NULL), 0);
	ck_assert_int_eq(ms, 250);
	ck_assert_int_eq(uvpi_parse_duration("2h", "t", &ms, NULL), 0);
	ck_assert_int_eq(ms, 7200000);
	ck_assert_int_eq(uvpi_parse_duration("7d", "t", &ms, NULL), 0);
	ck_assert_int_eq(ms, 604800000);
	ck_assert_int_lt(uvpi_parse_duration("5w", "t", &ms, NULL), 0);
	ck_assert_int_lt(uvpi_parse_duration("26687997792d", "t", &ms, NULL), 0);
	ck_assert_int_lt(uvpi_parse_duration("", "t", &ms, NULL), 0);
}
END_TEST

START_TEST(uuid_survives_the_round_trip)
{
	static const char text[] = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
	char back[UVPI_UUID_TEXT];
	uint8_t uuid[16];

	ck_assert_int_eq(uvpi_parse_uuid(text, uuid, NULL), 0);
	uvpi_format_uuid(uuid, back);
	ck_assert_str_eq(back, text);
	ck_assert(!uvpi_is_uuid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f"));
	ck_assert(!uvpi_is_uuid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f90"));
	ck_assert(!uvpi_is_uuid("0a1b2c3d04e5f-6071-8293-a4b5c6d7e8f9"));
	ck_assert(!uvpi_is_uuid(""));
}
END_TEST

START_TEST(near_match_finds_typing_errors_only)
{
	static const char *const keys[] = { "memory", "maxmem", "vcpus", "name", NULL };

	ck_assert_str_eq(uvpi_near_match("memroy", keys), "memory");
	ck_assert_str_eq(uvpi_near_match("vcpu", keys), "vcpus");
	ck_assert_ptr_null(uvpi_near_match("kernel", keys));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, u64_takes_decimal_and_hex_only_as_a_whole);
	tcase_add_test(tc, range_errors_name_value_and_limits);
	tcase_add_test(tc, i64_reaches_both_ends);
	tcase_add_test(tc, sizes_know_units_and_overflow);
	tcase_add_test(tc, durations_are_milliseconds);
	tcase_add_test(tc, uuid_survives_the_round_trip);
	tcase_add_test(tc, near_match_finds_typing_errors_only);
}
UNIT_MAIN("num", add_tests);
