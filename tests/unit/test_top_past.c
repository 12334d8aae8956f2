/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard without a terminal: what the history tells of the past, and no more. */
#include <locale.h>
#include <math.h>

#include "tests/unit/top_samples.h"
#include "history/ring.h"
#include "xlx/top/past.h"

#define NS INT64_C(1000000000)
#define WALL INT64_C(1790000000)

/* The ring of seconds in a new folder, beside an empty one of minutes. */
static void open_history(char *folder, struct uvpi_history_ring *ret_ring)
{
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/minutes", folder);
	ck_assert_int_eq(uvpi_history_open(path, 1 << 20, ret_ring, NULL), 0);
	uvpi_history_close(ret_ring);
	snprintf(path, sizeof(path), "%s/seconds", folder);
	ck_assert_int_eq(uvpi_history_open(path, 1 << 20, ret_ring, NULL), 0);
}

static void remove_history(const char *folder)
{
	static const char *const files[] = { "/seconds", "/minutes", "" };
	char path[64];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s%s", folder, files[i]);
		ck_assert_int_eq(remove(path), 0);
	}
}

/* Samples at seconds 0 to 299 and 400 to 409: "web" has half of a CPU, from second 200 on another boot. */
static void keep_samples(char *folder)
{
	struct uvpi_history_ring ring;

	open_history(folder, &ring);
	for (int64_t s = 0; s < 410; s++) {
		struct uvpi_history_domain domains[2] = {
			{ .name = "Domain-0", .vcpus = 1 },
			{ .domid = 7, .name = "web", .vcpus = 2, .uuid = { 1 }, .cpu_ns = (uint64_t)(s * NS / 2), .memory = 1 << 20,
			  .disk_reads = (uint64_t)s, .disk_read_bytes = (uint64_t)s * 4096, .target = 2 << 20, .most = 3 << 20 },
		};
		struct uvpi_history_node nodes[2] = { { 6u << 20, 3u << 20 }, { 2u << 20, 1u << 20 } };
		struct uvpi_history_frame frame = {
			.wall_ns = (WALL + s) * NS, .time_ns = (uint64_t)((s + 50) * NS), .boot = { s >= 200 }, .cpus = 2,
			.idle_ns = (uint64_t)(s * NS * 3 / 2), .total_memory = 8u << 20, .free_memory = 4u << 20, .n_domains = 2,
			.domains = domains, .n_nodes = 2, .nodes = nodes,
		};

		if (s < 300 || s >= 400)
			ck_assert_int_eq(uvpi_history_append(&ring, &frame, NULL), 0);
	}
	uvpi_history_close(&ring);
}

/* One stretch of 20 seconds, and another one after the clock was set back by ten and a half. */
START_TEST(what_the_clock_had_twice_is_gone_through_once)
{
	char folder[] = "/tmp/uvp-past-XXXXXX";
	_cleanup_model_ struct top_model *now = model_of(1, few);
	struct top_past past = { .folder = folder };
	struct uvp_error err = UVP_ERROR_INIT;
	const int64_t end = (WALL + 100) * NS;
	struct uvpi_history_ring ring;
	int64_t at = end;
	int n = 0;

	open_history(folder, &ring);
	for (int64_t s = 0; s < 40; s++) {
		struct uvpi_history_domain domain = { .name = "Domain-0", .vcpus = 1, .cpu_ns = (uint64_t)(s * NS / 2) };
		struct uvpi_history_frame frame = {
			.wall_ns = (WALL + s) * NS - (s < 20 ? 0 : 21 * NS / 2), .time_ns = (uint64_t)((s + 50) * NS), .cpus = 1,
			.idle_ns = (uint64_t)(s * NS / 2), .n_domains = 1, .domains = &domain,
		};

		ck_assert_int_eq(uvpi_history_append(&ring, &frame, NULL), 0);
	}
	uvpi_history_close(&ring);
	for (; top_past_go(&past, 0, false, end, now, &err) == 1; n++) {
		ck_assert_int_lt(past.at_ns, at);
		at = past.at_ns;
	}
	ck_assert_int_eq(n, 40);
	for (n = 1; top_past_go(&past, 0, true, end, now, &err) == 1; n++) {
		ck_assert_int_gt(past.at_ns, at);
		ck_assert_double_eq_tol(top_model_domain(past.model, 0)->cpu, 50, 1e-6);
		at = past.at_ns;
	}
	ck_assert_int_eq(n, 40);
	ck_assert_ptr_null(past.model);
	remove_history(folder);
}
END_TEST

START_TEST(the_past_is_as_it_was)
{
	char folder[] = "/tmp/uvp-past-XXXXXX";
	_cleanup_model_ struct top_model *now = model_of(1, few);
	struct top_past past = { .folder = folder };
	struct uvp_error err = UVP_ERROR_INIT;
	const struct top_domain *web;
	const int64_t at = (WALL + 410) * NS;
	struct top_ui ui;
	char **argv = NULL;

	ck_assert_int_eq(top_past_go(&past, 0, false, at, now, &err), -UVP_E_NOT_FOUND);
	keep_samples(folder);
	ck_assert_int_eq(top_past_go(&past, 0, true, at, now, &err), 0);
	ck_assert_int_eq(top_past_go(&past, 0, false, at, now, &err), 1);
	ck_assert_int_eq(past.at_ns, (WALL + 409) * NS);
	web = top_model_domain(past.model, 7);
	ck_assert_str_eq(web->label, "web");
	ck_assert_double_eq_tol(web->cpu, 50, 1e-6);
	ck_assert_double_eq_tol(web->read_rate, 4096, 1e-6);
	ck_assert_double_eq_tol(past.model->usage.idle, 0.75, 1e-6);
	top_ui_init(&ui);
	ui.past_at = past.at_ns / NS;
	ui.past_age = 1;
	compare(past.model, &ui, 80, 24, "past-80x24.txt");
	ui.view = TOP_MEMORY;
	compare(past.model, &ui, 80, 24, "past-memory-80x24.txt");
	ui.view = TOP_DOMAINS;
	press(&ui, past.model, "!S", 5, &argv);
	ck_assert_str_eq(ui.message, "nothing was done: this is the past");
	ck_assert_ptr_null(argv);
	ck_assert_int_eq(top_key(&ui, past.model, '>', 10, 5, &argv), TOP_ACT_FORWARD);
	ck_assert_int_eq(top_key(&ui, past.model, TOP_KEY_ESCAPE, 10, 5, &argv), TOP_ACT_NOW);
	top_ui_done(&ui);
	/* over the gap, and to the first sample of a boot, which has no rates */
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(top_past_go(&past, 0, false, at, now, &err), 1);
	ck_assert_int_eq(past.at_ns, (WALL + 299) * NS);
	ck_assert_int_eq(top_past_go(&past, 99, false, at, now, &err), 1);
	ck_assert_int_eq(past.at_ns, (WALL + 200) * NS);
	ck_assert_ptr_null(past.model->before);
	ck_assert_int_eq(top_past_go(&past, 0, true, at, now, &err), 1);
	ck_assert_int_eq(past.at_ns, (WALL + 201) * NS);
	ck_assert_int_eq(top_past_go(&past, 100, true, at, now, &err), 1);
	ck_assert_int_eq(past.at_ns, (WALL + 400) * NS);
	ck_assert_int_eq(top_past_go(&past, 1000, false, at, now, &err), 0);
	ck_assert_int_eq(past.at_ns, (WALL + 400) * NS);
	ck_assert_int_eq(top_past_go(&past, 60, true, at, now, &err), 0);
	ck_assert_ptr_null(past.model);
	top_past_done(&past);
	remove_history(folder);
}
END_TEST

START_TEST(a_gap_of_hours_has_no_rate)
{
	static const int64_t seconds[] = { 0, 1, 7200, 7201 };
	char folder[] = "/tmp/uvp-past-XXXXXX";
	struct top_past past = { .folder = folder };
	struct uvpi_history_ring ring;

	open_history(folder, &ring);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(seconds); i++) {
		struct uvpi_history_domain web = { .domid = 7, .name = "web", .cpu_ns = (uint64_t)(seconds[i] * NS / 2) };
		struct uvpi_history_frame frame = { .wall_ns = (WALL + seconds[i]) * NS, .time_ns = (uint64_t)((seconds[i] + 50) * NS),
						    .cpus = 2, .n_domains = 1, .domains = &web };

		ck_assert_int_eq(uvpi_history_append(&ring, &frame, NULL), 0);
	}
	uvpi_history_close(&ring);
	ck_assert_int_eq(top_past_go(&past, 0, false, (WALL + 7202) * NS, NULL, NULL), 1);
	ck_assert_double_eq_tol(top_model_domain(past.model, 7)->cpu, 50, 1e-6);
	ck_assert_int_eq(top_past_go(&past, 0, false, (WALL + 7202) * NS, NULL, NULL), 1);
	ck_assert_int_eq(past.at_ns, (WALL + 7200) * NS);
	ck_assert_ptr_null(past.model->before);
	top_past_done(&past);
	remove_history(folder);
}
END_TEST

/* Two rounds of its own, then what the history has, with its gap; of another boot, or another domain, nothing. */
START_TEST(curves_begin_with_the_past)
{
	static const char *const names[] = { "Domain-0", "web" };
	char folder[] = "/tmp/uvp-past-XXXXXX";
	_cleanup_model_ struct top_model *now = top_model_new();
	struct uvp_error err = UVP_ERROR_INIT;
	const struct top_curves *curves;

	for (int i = 0; i < 3; i++) {
		struct uvp_stats *stats = sample(START + i, 2, names);

		stats->time_ns = (uint64_t)(408 + i + 50) * NS;
		stats->domains.domains[1].id = 7;
		memset(stats->domains.domains[1].uuid, 0, 16);
		stats->domains.domains[1].uuid[0] = 1;
		for (size_t d = 0; d < stats->n_devices; d++)
			stats->devices[d].domid = 7;
		ck_assert_int_eq(top_model_add(now, stats), 0);
	}
	ck_assert_int_eq(top_past_curves(folder, now, 1000, (WALL + 410) * NS, &err), -UVP_E_NOT_FOUND);
	keep_samples(folder);
	/* another boot: the clock since then tells another time */
	ck_assert_int_eq(top_past_curves(folder, now, 1000, (WALL + 430) * NS, &err), 0);
	curves = now->domains[1].curves;
	ck_assert_int_eq(curves->n, 2);
	ck_assert_int_eq(top_past_curves(folder, now, 1000, (WALL + 410) * NS, &err), 0);
	ck_assert_int_eq(curves->n, TOP_HISTORY);
	/* seconds 409 and 410 are its own, 408 to 400 half of a CPU, then nothing for a while, and from 299 on again */
	for (int i = 2; i < TOP_HISTORY; i++) {
		float value = curves->cpu[(curves->next - 1 - i + 2 * TOP_HISTORY) % TOP_HISTORY];

		if (i <= 10 || i > 111)
			ck_assert_msg(fabsf(value - 50) < 0.1f, "%d rounds ago there is %f", i, (double)value);
		else if (i > 14 && i < 108)
			ck_assert_msg(isnan(value), "%d rounds ago there is %f", i, (double)value);
	}
	/* it goes on from there */
	ck_assert_int_eq(top_model_add(now, sample(START + 5, 2, names)), 0);
	ck_assert_int_eq(top_model_domain(now, 0)->curves->n, TOP_HISTORY);
	remove_history(folder);
}
END_TEST

/* A CPU comes, then a domain ends, then one of the disks of "web" is detached and takes its counts along, then a domain comes and goes. */
static void keep_changes(char *folder)
{
	struct uvpi_history_ring ring;

	open_history(folder, &ring);
	for (int64_t s = 0; s < 6; s++) {
		struct uvpi_history_domain domains[3] = {
			{ .name = "Domain-0", .vcpus = 1 },
			{ .domid = 7, .name = "web", .vcpus = 2, .uuid = { 1 }, .cpu_ns = (uint64_t)(s * NS / 2), .disk_reads = s < 4 ? 1000000 : 10,
			  .state = s < 4 ? UVP_STATE_RUNNING : UVP_STATE_SHUT_DOWN, .reason = UVPI_HISTORY_UNKNOWN, .pool = UVPI_HISTORY_UNKNOWN,
			  .disk_read_bytes = s < 4 ? (uint64_t)(s + (1 << 20)) * 4096 : 40960 },
			{ .domid = 8, .name = "ends", .uuid = { 2 }, .cpu_ns = (uint64_t)(s * NS / 4), .state = UVP_STATE_SHUT_DOWN,
			  .reason = UVP_REASON_CRASH, .type = UVP_TYPE_PVH, .pool = 3 },
		};
		struct uvpi_history_frame frame = {
			.wall_ns = (WALL + s) * NS, .time_ns = (uint64_t)((s + 50) * NS), .cpus = s < 2 ? 2 : 3,
			.idle_ns = (uint64_t)(s * NS + (s < 2 ? 0 : 1000 * NS)), .n_domains = s < 3 ? 3 : 2, .domains = domains, .missed = s == 5,
		};

		ck_assert_int_eq(uvpi_history_append(&ring, &frame, NULL), 0);
	}
	uvpi_history_close(&ring);
}

static void check_column(const struct top_domain *domain, const char *title, const char *want)
{
	char text[64];

	top_columns[top_column_find(title)].text(domain, text, sizeof(text));
	ck_assert_msg(!strcmp(text, want), "%s is %s, not %s", title, text, want);
}

static void check_what_is_known_of_domains(const struct top_model *model, int s)
{
	static const char *const unknown[] = { "LIMIT", "WAITS", "LOST", "MAXVCPUS", "DISKS", "NETS", "RX/s", "TX", "PKT/s" };
	const struct top_domain *web = top_model_domain(model, 7), *ends = top_model_domain(model, 8);
	char text[64];

	ck_assert_str_eq(top_state_word(web->info), s < 4 ? "running" : "shut-down");
	top_pool_name(model, web->info->pool, text, sizeof(text));
	ck_assert_str_eq(text, "?");
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(unknown); i++)
		check_column(web, unknown[i], "?");
	check_column(web, "READS", s < 4 ? "1000000" : "10");
	if (!ends)
		return;
	ck_assert_str_eq(top_state_word(ends->info), "crash");
	ck_assert_uint_eq(ends->info->type, UVP_TYPE_PVH);
	ck_assert_uint_eq(ends->info->pool, 3);
}

static void check_drawn(const struct top_model *model, enum top_view view, const char *want)
{
	struct top_frame *frame;
	char *drawn;
	struct top_ui ui;

	top_ui_init(&ui);
	ui.past_at = 1;
	ui.view = view;
	ui.has_selected = true;
	ui.selected = top_id_of(&model->domains[1]);
	frame = top_draw(model, &ui, 132, 24, 0);
	drawn = top_frame_text(frame);
	ck_assert_msg(strstr(drawn, want) != NULL, "there is no '%s' in\n%s", want, drawn);
	free(drawn);
	top_frame_free(frame);
	top_ui_done(&ui);
}

START_TEST(the_past_tells_no_more_than_it_knows)
{
	char folder[] = "/tmp/uvp-past-XXXXXX";
	struct top_past past = { .folder = folder };
	struct top_usage_text text[5];
	double rates[5];

	keep_changes(folder);
	for (int s = 4; s >= 1; s--) {
		ck_assert_int_eq(top_past_go(&past, 0, false, (WALL + 5) * NS, NULL, NULL), 1);
		ck_assert_int_eq(past.at_ns, (WALL + s) * NS);
		top_usage_text(&past.model->usage, "%", &text[s]);
		rates[s] = top_model_domain(past.model, 7)->read_rate;
		check_what_is_known_of_domains(past.model, s);
		if (s != 2)
			continue;
		check_drawn(past.model, TOP_CPUS, "guests -  dom0 -  Xen -  idle - of 3 CPUs");
		check_drawn(past.model, TOP_CPUS, "    2       -       -");
		check_drawn(past.model, TOP_DOMAIN, "2 of ? vCPUs online");
		check_drawn(past.model, TOP_DOMAIN, "Net  ? (none is counted)");
		check_drawn(past.model, TOP_DISKS, "4 GiB        0 B        ?\n");
		check_drawn(past.model, TOP_NETS, "nothing was counted then");
	}
	/* the first of a boot has counts, and no rates */
	ck_assert_int_eq(top_past_go(&past, 0, false, (WALL + 1) * NS, NULL, NULL), 1);
	check_column(top_model_domain(past.model, 7), "CPU%", "?");
	check_column(top_model_domain(past.model, 7), "READ/s", "?");
	check_column(top_model_domain(past.model, 7), "READS", "1000000");
	check_drawn(past.model, TOP_DISKS, " all disks              ?         ?           ?          ?      4 GiB        0 B        ?\n");
	check_drawn(past.model, TOP_DOMAIN, "CPU  ?\n");
	check_drawn(past.model, TOP_CPUS, "    0       -       -");
	ck_assert_str_eq(text[1].idle, "50.0%");
	ck_assert_str_eq(text[1].xen, "12.5%");
	ck_assert_str_eq(text[2].guests, "-");
	ck_assert_str_eq(text[2].idle, "-");
	ck_assert_str_eq(text[3].guests, "16.7%");
	ck_assert_str_eq(text[3].idle, "33.3%");
	ck_assert_str_eq(text[3].xen, "-");
	ck_assert_str_eq(text[4].xen, "50.0%");
	ck_assert_double_eq_tol(rates[3], 4096, 1e-6);
	ck_assert_double_eq_tol(rates[4], 0, 1e-6);
	top_past_done(&past);
	ck_assert_int_eq(top_past_go(&past, 0, false, (WALL + 6) * NS, NULL, NULL), 1);
	top_usage_text(&past.model->usage, "%", &text[0]);
	ck_assert_str_eq(text[0].guests, "16.7%");
	ck_assert_str_eq(text[0].xen, "-");
	top_past_done(&past);
	remove_history(folder);
}
END_TEST

static void setup(TCase *tcase)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, the_past_is_as_it_was);
	tcase_add_test(tcase, a_gap_of_hours_has_no_rate);
	tcase_add_test(tcase, curves_begin_with_the_past);
	tcase_add_test(tcase, what_the_clock_had_twice_is_gone_through_once);
	tcase_add_test(tcase, the_past_tells_no_more_than_it_knows);
}

UNIT_MAIN("top_past", setup);
