/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables, sizes, times and harmless text; the tables and plots of xlx sar; progress with a clock of our own. */
#include "xlx/out.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "xlx/bar.h"
#include "xlx/cmd.h"
#include "xlx/sar.h"

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
	static char text[16384];
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

static void print_csv(void)
{
	out_csv_text("the \"web\", \033[1m'gr\xc3\xbcn'");
}

START_TEST(a_field_of_csv_doubles_its_quotes)
{
	ck_assert_str_eq(printed(print_csv), "\"the \"\"web\"\", ?[1m'gr\xc3\xbcn'\"");
}
END_TEST

/* ---- xlx sar ---- */

/* Two steps of a host with as many nodes as Xen can have: of node N, N + 1 MiB are free, and one is used. */
static struct uvpi_history_node nodes[UVPI_HISTORY_NODES];
static const struct uvpi_history_frame big = { .n_nodes = UVPI_HISTORY_NODES, .nodes = nodes };
static const struct uvpi_history_row rows[] = {
	{ .time_s = 1790000000, .covered_s = 1, .used = 1 << 20, .idle = 50, .cpu = 10, .domains = 1, .last = &big },
	{ .time_s = 1790000001, .covered_s = 1, .used = 1 << 20, .idle = 50, .cpu = 20, .domains = 1, .last = &big },
};
static struct sar_report report = { .rows = rows, .n = 2 };

static void print_nodes(void)
{
	struct sar_nodes of_nodes;

	for (uint64_t i = 0; i < UVPI_HISTORY_NODES; i++)
		nodes[i] = (struct uvpi_history_node){ (i + 2) << 20, (i + 1) << 20 };
	report.series = sar_add_nodes(sar_view_find("mem")->host, rows, report.n, &of_nodes);
	ck_assert_int_eq(sar_print_table(&report), 0);
}

START_TEST(every_node_of_a_big_host_stands_below_its_title)
{
	const char *text = printed(print_nodes), *line = text;
	int n_lines = 0;

	for (const char *end; (end = strchr(line, '\n')); line = end + 1, n_lines++)
		for (int i = 0; i < (int)UVPI_HISTORY_NODES; i++) {
			char title[24], cell[24];
			const char *at;
			ptrdiff_t right;

			snprintf(title, sizeof(title), "NODE%d FREE", i);
			snprintf(cell, sizeof(cell), " %d MiB", i + 1);
			at = strstr(text, title);
			ck_assert_msg(at != NULL, "no %s in %.3000s", title, text);
			right = at - text + (ptrdiff_t)strlen(title);
			ck_assert_int_le(right, end - line);
			if (n_lines)
				ck_assert_msg(!strncmp(line + right - strlen(cell), cell, strlen(cell)), "%s is not below %s", cell, title);
		}
	ck_assert_int_eq(n_lines, 3);
}
END_TEST

static char folder[64];

static const char *in_folder(const char *name)
{
	static char paths[4][96];
	static int next;

	next = (next + 1) % 4;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", folder, name);
	return paths[next];
}

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/uvp-out-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	report.series = sar_view_find("cpu")->domain;
	report.domain = "web";
}

static void remove_folder(void)
{
	static const char *const names[] = { "file", "link", "lost", "pipe", "null", "new" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(names[i]));
	/* nothing is left beside them */
	ck_assert_int_eq(rmdir(folder), 0);
	report.domain = NULL;
}

static bool is_plot(int fd)
{
	char text[16384];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return !strncmp(text, "<svg ", 5) && strstr(text, ">web</text>") && n > 7 && !strcmp(text + n - 7, "</svg>\n");
}

START_TEST(a_plot_replaces_files_and_nothing_else)
{
	struct stat was, is;
	int fd;

	make_folder();
	ck_assert_int_eq(sar_write_svg(&report, in_folder("new")), 0);
	ck_assert(stat(in_folder("new"), &is) == 0 && (is.st_mode & 0777) == 0644);
	ck_assert(is_plot(open(in_folder("new"), O_RDONLY | O_CLOEXEC)));
	/* a file behind a link */
	fd = open(in_folder("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert(fd >= 0 && close(fd) == 0 && symlink("file", in_folder("link")) == 0);
	ck_assert_int_eq(sar_write_svg(&report, in_folder("link")), 0);
	ck_assert(lstat(in_folder("link"), &is) == 0 && S_ISLNK(is.st_mode));
	ck_assert(lstat(in_folder("file"), &is) == 0 && S_ISREG(is.st_mode) && (is.st_mode & 0777) == 0600);
	ck_assert(is_plot(open(in_folder("file"), O_RDONLY | O_CLOEXEC)));
	/* a device behind a link */
	ck_assert(stat("/dev/null", &was) == 0 && symlink("/dev/null", in_folder("null")) == 0);
	ck_assert_int_eq(sar_write_svg(&report, in_folder("null")), 0);
	ck_assert(lstat(in_folder("null"), &is) == 0 && S_ISLNK(is.st_mode));
	ck_assert(stat("/dev/null", &is) == 0 && is.st_ino == was.st_ino && is.st_rdev == was.st_rdev);
	/* a pipe: the plot is shorter than what it holds */
	ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
	fd = open(in_folder("pipe"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(sar_write_svg(&report, in_folder("pipe")), 0);
	ck_assert(lstat(in_folder("pipe"), &is) == 0 && S_ISFIFO(is.st_mode));
	ck_assert(is_plot(fd));
	remove_folder();
}
END_TEST

static void plot_to_dash(void)
{
	ck_assert_int_eq(sar_write_svg(&report, "-"), 0);
}

/* standard output is a file then, which is not replaced */
static void plot_to_stdout(void)
{
	ck_assert_int_eq(sar_write_svg(&report, "/dev/stdout"), 0);
}

START_TEST(a_plot_goes_to_standard_output)
{
	static char dash[16384];

	make_folder();
	snprintf(dash, sizeof(dash), "%s", printed(plot_to_dash));
	ck_assert(!strncmp(dash, "<svg ", 5) && strstr(dash, "</svg>\n"));
	ck_assert_str_eq(printed(plot_to_stdout), dash);
	remove_folder();
}
END_TEST

START_TEST(a_plot_that_cannot_be_written_is_an_error)
{
	make_folder();
	ck_assert_int_ne(sar_write_svg(&report, folder), 0);
	ck_assert_int_ne(sar_write_svg(&report, "/dev/full"), 0);
	ck_assert_int_eq(symlink("not-there", in_folder("lost")), 0);
	ck_assert_int_ne(sar_write_svg(&report, in_folder("lost")), 0);
	ck_assert_int_ne(access(in_folder("not-there"), F_OK), 0);
	remove_folder();
}
END_TEST

START_TEST(a_plot_is_xml_whatever_the_name)
{
	make_folder();
	report.domain = "<\xef\xbf\xbe&\xef\xbf\xbf\xc3\xbc\xef\xbf\xbd\"\033";
	ck_assert_ptr_nonnull(strstr(printed(plot_to_dash), ">&#60;?&#38;?\xc3\xbc\xef\xbf\xbd&#34;?</text>"));
	remove_folder();
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
	tcase_add_test(tc, a_field_of_csv_doubles_its_quotes);
	tcase_add_test(tc, every_node_of_a_big_host_stands_below_its_title);
	tcase_add_test(tc, a_plot_replaces_files_and_nothing_else);
	tcase_add_test(tc, a_plot_goes_to_standard_output);
	tcase_add_test(tc, a_plot_that_cannot_be_written_is_an_error);
	tcase_add_test(tc, a_plot_is_xml_whatever_the_name);
	tcase_add_test(tc, a_terminal_is_drawn_ten_times_a_second_and_cleared);
	tcase_add_test(tc, what_is_over_at_once_draws_nothing);
	tcase_add_test(tc, a_log_gets_a_line_every_ten_seconds);
	tcase_add_test(tc, json_is_one_object_a_line_and_escaped);
	tcase_add_test(tc, the_line_never_wraps_and_shares_do_not_overflow);
}
UNIT_MAIN("out", add_tests);
