/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables, sizes, times and harmless text; progress with a clock of our own. */
#include "xlx/out.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "xlx/bar.h"

static const char *size_text(uint64_t bytes)
{
	static char buf[32];

	out_format_size(bytes, buf, sizeof(buf));
	return buf;
}

START_TEST(sizes_have_one_decimal_and_the_right_unit)
{
	ck_assert_str_eq(size_text(0), "0 B");
	ck_assert_str_eq(size_text(1023), "1023 B");
	ck_assert_str_eq(size_text(1024), "1 KiB");
	ck_assert_str_eq(size_text(1536), "1.5 KiB");
	ck_assert_str_eq(size_text((1ull << 20) - 1), "1 MiB");
	ck_assert_str_eq(size_text(3ull << 30), "3 GiB");
	ck_assert_str_eq(size_text(UINT64_MAX), "16 EiB");
}
END_TEST

START_TEST(times_count_days)
{
	char buf[32];

	out_format_time(59, buf, sizeof(buf));
	ck_assert_str_eq(buf, "0:00:59");
	out_format_time(86399, buf, sizeof(buf));
	ck_assert_str_eq(buf, "23:59:59");
	out_format_time(2 * 86400 + 3 * 3600 + 4 * 60 + 5, buf, sizeof(buf));
	ck_assert_str_eq(buf, "2d 03:04:05");
}
END_TEST

START_TEST(guests_bytes_cannot_steer_a_terminal)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "web1", "web1" },
		{ "a\033[31mb\n", "a?[31mb?" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xc3(", "?(" },                 /* a sequence that is cut off */
		{ "\xc0\xaf", "??" },              /* too long for what it says */
		{ "\xed\xa0\x80", "???" },         /* half a surrogate pair */
		{ "\xc2\x9b" "2J", "?2J" },        /* C1 control: CSI */
		{ "\xe2\x80\xae" "exe", "?exe" },  /* turns the direction of writing */
		{ "\xf4\x90\x80\x80", "????" },    /* beyond Unicode */
	};
	char buf[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out_sanitize(cases[i].in, buf, sizeof(buf));
		ck_assert_str_eq(buf, cases[i].out);
	}
}
END_TEST

START_TEST(a_small_buffer_holds_whole_characters_only)
{
	char buf[4] = "zzz";

	out_sanitize("a\xc3\xbc\xc3\xbc", buf, sizeof(buf));
	ck_assert_str_eq(buf, "a\xc3\xbc");
	out_sanitize("x", buf, 1);
	ck_assert_str_eq(buf, "");
}
END_TEST

/* Run print with standard output in a file, and give its content back. */
static const char *printed(void (*print)(void))
{
	static char text[1024];
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO); /* not close-on-exec: nothing is executed */
	size_t n;

	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	print();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static struct out_table *small_table(void)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "Name", OUT_LEFT);
	out_table_column(table, "MiB", OUT_RIGHT);
	out_table_column(table, "State", OUT_LEFT);
	out_table_text(table, "gr\xc3\xbcn");
	out_table_fmt(table, "%d", 128);
	out_table_text(table, "running");
	out_table_text(table, "a-long-name");
	out_table_fmt(table, "%d", 4);
	out_table_text(table, "idle");
	return table;
}

static void print_with_header(void)
{
	ck_assert_int_eq(out_table_print(small_table(), false), 0);
}

static void print_without_header(void)
{
	ck_assert_int_eq(out_table_print(small_table(), true), 0);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	ck_assert_str_eq(printed(print_with_header), "Name         MiB  State\n"
						     "gr\xc3\xbcn         128  running\n"
						     "a-long-name    4  idle\n");
	ck_assert_str_eq(printed(print_without_header), "gr\xc3\xbcn         128  running\n"
							"a-long-name    4  idle\n");
}
END_TEST

/* ---- progress ---- */

static int64_t clock_ms;
static int64_t now(void)
{
	return clock_ms;
}

static char *bar_text;
static size_t bar_len;
static FILE *bar_file;
static struct bar bar;

static void start(enum bar_mode mode)
{
	clock_ms = 1000;
	bar_file = open_memstream(&bar_text, &bar_len);
	bar_init(&bar, bar_file, mode, now);
}

static void step(int64_t ms, const char *phase, uint64_t done, uint64_t total)
{
	struct uvp_progress progress = { phase, done, total, UVP_UNIT_BYTES };

	clock_ms += ms;
	bar_update(&bar, &progress);
}

static const char *finish(void)
{
	bar_done(&bar);
	fclose(bar_file);
	return bar_text;
}

START_TEST(a_terminal_is_drawn_ten_times_a_second_and_cleared)
{
	start(BAR_TERMINAL);
	for (int i = 0; i < 200; i++)
		step(1, "dumping", (uint64_t)i << 20, 1ull << 30);
	finish();
	/* at 100 ms and 200 ms, and once to clear */
	ck_assert_int_eq(strstr(bar_text, "dumping: 99 MiB of 1 GiB [") != NULL, 1);
	ck_assert_int_eq(strstr(bar_text, "dumping: 199 MiB of 1 GiB [") != NULL, 1);
	ck_assert_ptr_null(strstr(bar_text, "150 MiB"));
	ck_assert_str_eq(bar_text + bar_len - 4, "\r\033[K");
	free(bar_text);
}
END_TEST

START_TEST(what_is_over_at_once_draws_nothing)
{
	start(BAR_TERMINAL);
	step(50, "dumping", 1, 2);
	ck_assert_str_eq(finish(), "");
	free(bar_text);
}
END_TEST

START_TEST(a_log_gets_a_line_every_ten_seconds)
{
	start(BAR_LINES);
	for (int i = 1; i <= 25; i++)
		step(1000, "dumping", (uint64_t)i << 20, 0);
	ck_assert_str_eq(finish(), "xlx: dumping: 10 MiB\nxlx: dumping: 20 MiB\n");
	free(bar_text);
}
END_TEST

START_TEST(json_is_one_object_a_line_and_escaped)
{
	start(BAR_JSON);
	step(0, "waiting for 'a\"b\\'", 1, 3);
	step(10, "waiting for 'a\"b\\'", 2, 3);
	step(0, "next", 0, 0);
	ck_assert_str_eq(finish(),
			 "{\"phase\":\"waiting for 'a\\\"b\\\\'\",\"done\":1,\"total\":3,\"unit\":\"bytes\"}\n"
			 "{\"phase\":\"next\",\"done\":0,\"total\":0,\"unit\":\"bytes\"}\n");
	free(bar_text);
}
END_TEST

START_TEST(the_line_never_wraps_and_shares_do_not_overflow)
{
	start(BAR_TERMINAL);
	bar.width = 30;
	step(1000, "a phase whose name is much longer than the terminal", UINT64_MAX - 1, UINT64_MAX);
	fflush(bar_file);
	ck_assert_uint_le(bar_len, 1 + 29 + 3);
	step(1000, "x", UINT64_MAX, 1);
	finish();
	ck_assert_ptr_nonnull(strstr(bar_text, "\rx: 16 EiB"));
	free(bar_text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, sizes_have_one_decimal_and_the_right_unit);
	tcase_add_test(tc, times_count_days);
	tcase_add_test(tc, guests_bytes_cannot_steer_a_terminal);
	tcase_add_test(tc, a_small_buffer_holds_whole_characters_only);
	tcase_add_test(tc, columns_are_as_wide_as_their_widest_cell);
	tcase_add_test(tc, a_terminal_is_drawn_ten_times_a_second_and_cleared);
	tcase_add_test(tc, what_is_over_at_once_draws_nothing);
	tcase_add_test(tc, a_log_gets_a_line_every_ten_seconds);
	tcase_add_test(tc, json_is_one_object_a_line_and_escaped);
	tcase_add_test(tc, the_line_never_wraps_and_shares_do_not_overflow);
}
UNIT_MAIN("out", add_tests);
