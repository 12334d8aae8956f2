/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard without a terminal: rates, and pictures against golden ones. */
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/top_samples.h"
#include "domain/stats.h"
#include "xlx/top/dump.h"
#include "xlx/top/source.h"
#include "xlx/top/ui.h"

/* ---- figures ---- */

START_TEST(rates_are_per_second_and_add_up)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	const struct top_domain *web = top_model_domain(model, 1);
	double sum = model->usage.guests + model->usage.dom0 + model->usage.xen + model->usage.idle;

	ck_assert_double_eq_tol(model->interval, 2, 1e-9);
	ck_assert_double_eq_tol(web->cpu, 200.0 / 9, 1e-6);
	ck_assert_double_eq_tol(web->read_rate, 40960, 1e-6);
	ck_assert_double_eq_tol(web->iops, 15, 1e-6);
	ck_assert_double_eq_tol(web->tx_rate, 1024, 1e-6);
	ck_assert_uint_eq(model->n_online, 3);
	ck_assert_double_eq_tol(model->usage.idle, 0.5, 1e-9);
	ck_assert_double_eq_tol(sum, 1, 1e-9);
	ck_assert_ptr_null(top_model_domain(model, 77));
}
END_TEST

START_TEST(a_counter_that_starts_anew_counts_from_zero)
{
	_cleanup_model_ struct top_model *model = model_of(2, few);
	struct uvp_stats *next = sample(START + 13, 2, few);

	next->devices[0].read_bytes = 5000;
	ck_assert_int_eq(top_model_add(model, next), 0);
	ck_assert_double_eq_tol(top_model_domain(model, 1)->read_rate, 5000, 1e-6);
}
END_TEST

/* Xen's clocks are not the same to the nanosecond on all CPUs. */
START_TEST(a_time_that_is_a_little_less_than_before_stood_still)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	_cleanup_stats_ struct uvp_stats *before = sample(START + 10, 3, few), *now = sample(START + 12, 3, few);
	struct uvp_stats *next = sample(START + 13, 3, few);

	next->domains.domains[1].cpu_time_ns = model->now->domains.domains[1].cpu_time_ns - 1;
	next->vcpus[1].run_ns = model->now->vcpus[1].run_ns - 1;
	next->cpus[0].idle_ns = model->now->cpus[0].idle_ns - 1;
	ck_assert_int_eq(top_model_add(model, next), 0);
	ck_assert_double_eq(model->domains[1].cpu, 0);
	ck_assert_double_eq(model->vcpus[1].cpu, 0);
	ck_assert_double_eq(model->cpus[0].idle, 0);
	ck_assert_double_gt(model->domains[2].cpu, 0);

	now->domains.domains[1].cpu_time_ns = before->domains.domains[1].cpu_time_ns - 1;
	now->domains.domains[2].cpu_time_ns = 0;
	now->domains.domains[2].uuid[0] ^= 1; /* another one has its number */
	now->cpus[0].idle_ns = before->cpus[0].idle_ns - 1;
	uvpi_stats_hold(before, now);
	ck_assert_uint_eq(now->domains.domains[1].cpu_time_ns, before->domains.domains[1].cpu_time_ns);
	ck_assert_uint_eq(now->domains.domains[2].cpu_time_ns, 0);
	ck_assert_uint_eq(now->cpus[0].idle_ns, before->cpus[0].idle_ns);
}
END_TEST

START_TEST(what_xen_had_is_known_while_nobody_comes_or_goes)
{
	_cleanup_stats_ struct uvp_stats *before = sample(START + 10, 3, few), *now = sample(START + 12, 3, few);
	_cleanup_stats_ struct uvp_stats *fewer = sample(START + 12, 2, few);

	ck_assert(uvpi_stats_comparable(before, now));
	/* one has ended; one has come, whose time is known */
	ck_assert(!uvpi_stats_comparable(before, fewer));
	ck_assert(uvpi_stats_comparable(fewer, now));
	/* another one has the number of one that ended */
	now->domains.domains[1].uuid[15] ^= 1;
	now->domains.domains[1].cpu_time_ns -= SECOND;
	ck_assert(!uvpi_stats_comparable(before, now));
	/* it goes on as another, as after rename-restart */
	now->domains.domains[1].cpu_time_ns += SECOND;
	ck_assert(uvpi_stats_comparable(before, now));
	now->cpus[1].online = !now->cpus[1].online;
	ck_assert(!uvpi_stats_comparable(before, now));
}
END_TEST

START_TEST(what_ended_is_nobodys)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct uvp_stats *fewer = sample(START + 14, 2, few), *more = sample(START + 16, 3, few), *changed = sample(START + 18, 3, few);
	struct uvp_stats *last = sample(START + 20, 3, few);
	struct top_usage_text text;

	top_usage_text(&model->usage, "%", &text);
	ck_assert_str_eq(text.xen, "27.8%");
	ck_assert_int_eq(top_model_add(model, fewer), 0);
	top_usage_text(&model->usage, "%", &text);
	ck_assert_str_eq(text.xen, "-");
	ck_assert_str_eq(text.idle, "50.0%");
	ck_assert_int_eq(model->usage.residue_ns, 0);
	/* one that comes has all its time in the interval */
	ck_assert_int_eq(top_model_add(model, more), 0);
	ck_assert(!model->usage.xen_unknown);
	changed->cpus[3].online = true;
	ck_assert_int_eq(top_model_add(model, changed), 0);
	top_usage_text(&model->usage, "%", &text);
	ck_assert_str_eq(text.xen, "-");
	ck_assert_str_eq(text.guests, "-");
	ck_assert_str_eq(text.idle, "-");
	last->cpus[3].online = true;
	ck_assert_int_eq(top_model_add(model, last), 0);
	ck_assert(!model->usage.unknown && !model->usage.xen_unknown);
}
END_TEST

START_TEST(what_xen_had_is_the_rest_and_too_much_is_said)
{
	struct top_model *model = model_of(3, few);
	struct uvp_stats *stats = sample(START + 14, 3, few);
	struct top_alert alerts[TOP_ALERTS_MAX];
	struct top_ui ui;

	top_ui_init(&ui);
	/* 3 CPUs, 2 s; half of it idle, and domains had 4/3 s of it */
	ck_assert(model->usage.residue_ns > 1666000000 && model->usage.residue_ns < 1667000000);
	ck_assert(model->usage.xen == model->usage.residue);
	ck_assert_uint_eq(top_alerts(model, &ui, alerts), 0);
	for (size_t i = 0; i < stats->n_cpus; i++)
		stats->cpus[i].idle_ns += SECOND;
	ck_assert_int_eq(top_model_add(model, stats), 0);
	ck_assert(model->usage.xen == 0 && model->usage.residue < -0.2);
	ck_assert_uint_eq(top_alerts(model, &ui, alerts), 1);
	ck_assert_str_eq(alerts[0].text, "CPU times are 22% too much");
	top_ui_done(&ui);
	top_model_free(model);
}
END_TEST

/* As rename-restart does to the life that is kept. */
START_TEST(a_domain_with_a_new_uuid_goes_on)
{
	_cleanup_model_ struct top_model *model = model_of(2, few);
	struct uvp_stats *next = sample(START + 13, 2, few);

	next->domains.domains[1].uuid[15] = 9;
	next->domains.domains[1].cpu_time_ns = model->now->domains.domains[1].cpu_time_ns + SECOND / 4;
	ck_assert_int_eq(top_model_add(model, next), 0);
	ck_assert_double_eq_tol(top_model_domain(model, 1)->cpu, 25, 1e-6);
	ck_assert_int_eq(top_model_domain(model, 1)->curves->n, 2);
}
END_TEST

START_TEST(another_domain_with_the_same_id_has_no_past)
{
	_cleanup_model_ struct top_model *model = model_of(2, few);
	struct uvp_stats *next = sample(START + 13, 2, few);

	next->domains.domains[1].uuid[15] = 9;
	next->domains.domains[1].cpu_time_ns = SECOND / 4;
	ck_assert_int_eq(top_model_add(model, next), 0);
	ck_assert_double_eq_tol(top_model_domain(model, 1)->cpu, 25, 1e-6);
	ck_assert_int_eq(top_model_domain(model, 1)->curves->n, 1);
	ck_assert_int_eq(top_model_domain(model, 0)->curves->n, 2);
}
END_TEST

/* ---- pictures ---- */

START_TEST(every_view_looks_as_it_did)
{
	static const struct {
		int width, height;
	} sizes[] = { { 80, 24 }, { 100, 30 }, { 132, 43 } };
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;

	top_ui_init(&ui);
	for (size_t i = 0; i < TOP_VIEWS * UVPI_ARRAY_SIZE(sizes); i++) {
		int width = sizes[i % UVPI_ARRAY_SIZE(sizes)].width, height = sizes[i % UVPI_ARRAY_SIZE(sizes)].height;
		char golden[64];

		ui.view = (enum top_view)(i / UVPI_ARRAY_SIZE(sizes));
		ui.has_selected = true;
		ui.selected = top_id_of(&model->domains[1]);
		snprintf(golden, sizeof(golden), "%s-%dx%d.txt", top_view_name(ui.view), width, height);
		compare(model, &ui, width, height, golden);
	}
	top_ui_done(&ui);
}
END_TEST

/* Counters of years: what is too long for its column is shortened, and never cut. */
START_TEST(large_figures_are_shortened)
{
	static const struct {
		uint64_t count;
		int room;
		const char *want;
	} counts[] = {
		{ 0, 7, "0" }, { 9999999, 7, "9999999" }, { 10000000, 7, "10.0M" }, { 999949999, 7, "999.9M" }, { 999950000, 7, "1.0G" },
		{ 999999999, 9, "999999999" }, { 12345678901, 9, "12.3G" }, { UINT64_MAX, 7, "18.4E" },
	};
	static const struct {
		double bytes;
		const char *want;
	} sizes[] = {
		{ 1000.0, "1000 B" }, { 1023.4 * 1024, "1023 KiB" }, { 999.9 * 1024, "999.9 KiB" }, { 1e30, "16 EiB" }, { -1, "0 B" },
	};
	static const struct {
		uint64_t seconds;
		int room;
		const char *want;
	} times[] = {
		{ 8639999, 12, "99d 23:59:59" }, { 8640000, 12, "100d 00h" }, { 86400 * 1000ull + 86399, 12, "1000d 23h" },
		{ 359999, 9, "4d 03h" }, { 86399, 9, "23:59:59" }, { 86400 * 1000000ull, 9, "1000000d" },
	};
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct uvp_stats *stats = sample(START + 14, 3, few);
	struct top_frame *frame;
	struct top_ui ui;
	char text[64], *line;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(counts); i++) {
		top_count_text(counts[i].count, counts[i].room, text, sizeof(text));
		ck_assert_str_eq(text, counts[i].want);
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(sizes); i++) {
		top_size_text(sizes[i].bytes, text, sizeof(text));
		ck_assert_str_eq(text, sizes[i].want);
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(times); i++) {
		top_time_text(times[i].seconds, times[i].room, text, sizeof(text));
		ck_assert_str_eq(text, times[i].want);
	}
	frame = top_frame_new(10, 1, false);
	top_put_right(frame, 0, 1, 9, TOP_PLAIN, "1234567890");
	line = top_frame_text(frame);
	ck_assert_str_eq(line, " #########\n");
	free(line);
	top_frame_free(frame);
	for (size_t i = 0; i < stats->n_devices; i++) {
		struct uvp_stats_device *device = &stats->devices[i];

		device->reads = device->read_bytes = 12345678901;
		device->writes = device->write_bytes = 10000000000000;
		device->waits = device->disk ? 98765432 : 0;
		device->drops = device->disk ? 0 : UINT64_MAX / 2;
	}
	stats->domains.domains[1].cpu_time_ns = (100 * 86400 - 1) * SECOND;
	stats->domains.domains[2].cpu_time_ns = (101 * 86400 - 1) * SECOND;
	ck_assert_int_eq(top_model_add(model, stats), 0);
	top_ui_init(&ui);
	ck_assert(top_columns_parse(&ui, "READS,WRITES,WAITS,LOST,CPU TIME,IO/s,PKT/s,READ,WRITTEN,READ/s", text, sizeof(text)));
	compare(model, &ui, 132, 24, "large-132x24.txt");
	ui.view = TOP_DISKS;
	compare(model, &ui, 132, 24, "large-disks-132x24.txt");
	ui.view = TOP_NETS;
	compare(model, &ui, 132, 24, "large-networks-132x24.txt");
	top_ui_done(&ui);
}
END_TEST

/* What each character stands for, which the terminal makes colours of: a letter for each style. */
static void compare_roles(const struct top_model *model, struct top_ui *ui, int width, int height, const char *golden)
{
	static const char letters[] = ".TSM-gwBG0XK";
	struct top_frame *frame = top_draw(model, ui, width, height, 0);
	char *text = calloc((size_t)(width + 1) * (size_t)height + 1, 1), *at = text;

	ck_assert_uint_eq(sizeof(letters) - 1, TOP_STYLES);
	for (int i = 0; i < width * height; i++) {
		*at++ = frame->cells[i].style == TOP_PLAIN && frame->cells[i].text[0] == ' ' ? ' ' : letters[frame->cells[i].style];
		if (i % width == width - 1) {
			while (at > text && at[-1] == ' ')
				at--;
			*at++ = '\n';
		}
	}
	*at = '\0';
	compare_text(text, golden);
	free(text);
	top_frame_free(frame);
}

/* Numbers are whole, or not there: a large host with eight nodes, and then with 64. */
START_TEST(a_large_host_has_room)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct uvp_stats_node *nodes = calloc(64, sizeof(*nodes));
	struct top_ui ui;

	ck_assert_ptr_nonnull(nodes);
	for (uint32_t i = 0; i < 64; i++)
		nodes[i] = (struct uvp_stats_node){ i, 256ull << 30, (120ull << 30) + i * (300ull << 20) };
	free(model->now->nodes);
	model->now->nodes = nodes;
	model->now->n_nodes = 8;
	model->now->total_memory = 2ull << 40;
	model->now->free_memory = 900ull << 30;
	model->now->claimed_memory = 128ull << 30;
	model->reclaimable = 100ull << 30;
	snprintf(model->now->devices[0].name, sizeof(model->now->devices[0].name), "vif12345.12-emu");
	top_ui_init(&ui);
	ui.view = TOP_MEMORY;
	compare(model, &ui, 80, 24, "large-host-80x24.txt");
	model->now->n_nodes = 64;
	model->now->total_memory = 20ull << 40;
	model->now->free_memory = 9000ull << 30;
	compare(model, &ui, 132, 43, "large-host-132x43.txt");
	compare(model, &ui, 80, 24, "larger-host-80x24.txt");
	ui.view = model->now->devices[0].disk ? TOP_DISKS : TOP_NETS;
	compare(model, &ui, 80, 24, "long-device-80x24.txt");
	top_ui_done(&ui);
}
END_TEST

START_TEST(each_character_has_its_role)
{
	static const char *const names[] = { "Domain-0", "web", "crashed", "ended", "paused" };
	_cleanup_model_ struct top_model *model = model_of(5, names);
	struct uvp_domain_info *infos = model->now->domains.domains;
	struct top_ui ui;

	top_ui_init(&ui);
	infos[2].state = infos[3].state = UVP_STATE_SHUT_DOWN;
	infos[2].reason = UVP_REASON_CRASH;
	model->hostd = TOP_DAEMON_GONE;
	model->reclaimable = 2ull << 30;
	ui.unlocked_until = 7;
	ui.n_marked = 1;
	ui.marked = calloc(1, sizeof(*ui.marked));
	ui.marked[0] = top_id_of(&model->domains[1]);
	top_say(&ui, true, "cannot pause 'web'", "try again");
	compare_roles(model, &ui, 80, 24, "roles-domains-80x24.txt");
	top_say(&ui, false, "done", "");
	model->cpus[1].ready = 2;
	ui.view = TOP_CPUS;
	compare_roles(model, &ui, 80, 24, "roles-cpus-80x24.txt");
	ui.view = TOP_EVENTS;
	compare_roles(model, &ui, 80, 24, "roles-events-80x24.txt");
	ui.view = TOP_COLUMNS;
	ui.on[1] = false;
	compare_roles(model, &ui, 80, 24, "roles-columns-80x24.txt");
	top_ui_done(&ui);
}
END_TEST

/* All views of one model, one below the other. */
static void compare_views(const struct top_model *model, int width, int height, bool ascii, const char *golden)
{
	char *all = calloc(1, 1), *more;
	struct top_ui ui;

	top_ui_init(&ui);
	ui.ascii = ascii;
	ui.has_selected = model->n_domains > 0;
	if (ui.has_selected)
		ui.selected = top_id_of(&model->domains[model->n_domains / 2]);
	for (int view = 0; view < TOP_VIEWS; view++) {
		struct top_frame *frame;
		char *text;

		ui.view = (enum top_view)view;
		ui.cursor = ui.scroll = 0;
		frame = top_draw(model, &ui, width, height, 0);
		text = top_frame_text(frame);
		ck_assert_int_gt(asprintf(&more, "%s---- %s\n%s", all, top_view_name(ui.view), text), 0);
		free(all);
		all = more;
		free(text);
		top_frame_free(frame);
	}
	if (ascii)
		for (const char *at = all; *at; at++)
			ck_assert_int_ge(*at, 0);
	compare_text(all, golden);
	free(all);
	top_ui_done(&ui);
}

START_TEST(every_view_with_none_few_and_many)
{
	static const int sizes[][2] = { { 80, 24 }, { 100, 30 }, { 132, 43 } };
	static const size_t numbers[] = { 0, 3, 200 };
	static char text[200][24];
	const char *many[200];

	for (int i = 0; i < 200; i++) {
		snprintf(text[i], sizeof(text[i]), i % 7 ? "guest%03d" : "\xe5\xae\xa2\033[1m-%03d", i);
		many[i] = text[i];
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(numbers) * UVPI_ARRAY_SIZE(sizes); i++) {
		const int *size = sizes[i / UVPI_ARRAY_SIZE(numbers)];
		size_t n = numbers[i % UVPI_ARRAY_SIZE(numbers)];
		struct top_model *model = model_of(n, many);
		char golden[64];

		snprintf(golden, sizeof(golden), "views-%zu-%dx%d.txt", n, size[0], size[1]);
		compare_views(model, size[0], size[1], false, golden);
		snprintf(golden, sizeof(golden), "views-%zu-ascii-%dx%d.txt", n, size[0], size[1]);
		compare_views(model, size[0], size[1], true, golden);
		top_model_free(model);
	}
}
END_TEST

START_TEST(few_many_and_hostile_domains_fit)
{
	static char text[200][16];
	const char *many[200];
	struct top_model *model;
	struct top_ui ui;

	for (int i = 0; i < 200; i++) {
		snprintf(text[i], sizeof(text[i]), "guest%03d", i);
		many[i] = text[i];
	}
	top_ui_init(&ui);
	model = model_of(0, many);
	compare(model, &ui, 80, 24, "none-80x24.txt");
	top_model_free(model);
	model = model_of(200, many);
	ui.cursor = 100;
	compare(model, &ui, 80, 24, "many-80x24.txt");
	top_model_free(model);
	model = model_of(4, odd);
	compare(model, &ui, 80, 24, "odd-80x24.txt");
	ui.ascii = true;
	compare(model, &ui, 80, 24, "odd-ascii-80x24.txt");
	top_model_free(model);
	top_ui_done(&ui);
}
END_TEST

START_TEST(what_is_old_looks_old)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_frame *frame;
	struct top_ui ui;
	char text[160];

	top_ui_init(&ui);
	/* xenstored is gone: the names are old, the figures are not */
	model->names_at = model->taken_at - 12;
	model->now->domains.store_error.code = UVP_E_TIMEOUT;
	model->hostd = TOP_DAEMON_GONE;
	model->uptime = 93784;
	model->reclaimable = 2ull << 30;
	compare(model, &ui, 100, 30, "old-names-100x30.txt");
	frame = top_draw(model, &ui, 80, 24, 0);
	ck_assert_int_eq(frame->cells[6 * 80 + 1].style, TOP_FAINT);
	ck_assert_int_eq(frame->cells[6 * 80 + 30].style, TOP_PLAIN);
	top_frame_free(frame);
	/* wherever they are, and what else xenstored tells */
	ui.view = TOP_MEMORY;
	compare_roles(model, &ui, 100, 24, "roles-old-memory-100x24.txt");
	ui.view = TOP_DISKS;
	compare_roles(model, &ui, 80, 24, "roles-old-disks-80x24.txt");
	ui.view = TOP_NETS;
	compare_roles(model, &ui, 80, 24, "roles-old-networks-80x24.txt");
	ui.view = TOP_DOMAIN;
	ui.has_selected = true;
	ui.selected = top_id_of(&model->domains[1]);
	compare_roles(model, &ui, 80, 24, "roles-old-domain-80x24.txt");
	ui.view = TOP_DOMAINS;
	ck_assert(top_columns_parse(&ui, "ID,TARGET,MAXMEM,MEMORY,LIMIT", text, sizeof(text)));
	compare_roles(model, &ui, 80, 24, "roles-old-domains-80x24.txt");
	top_columns_usual(&ui);
	ui.has_selected = false;
	ui.cursor = 0;
	/* no figures any more */
	snprintf(ui.failure, sizeof(ui.failure), "cannot ask Xen");
	ui.age = 61;
	top_say(&ui, true, "cannot ask Xen for its domains: the operating system refuses, which one would not expect of a call that "
			   "has always worked", "the kernel's log may say more");
	compare(model, &ui, 80, 24, "old-80x24.txt");
	frame = top_draw(model, &ui, 80, 24, 0);
	ck_assert_int_eq(frame->cells[6 * 80 + 30].style, TOP_FAINT);
	top_frame_free(frame);
	top_ui_done(&ui);
}
END_TEST

START_TEST(one_domain_has_both_ends_and_its_console)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;

	model->detail = new_detail(model);
	ck_assert_str_eq(model->detail->console, "booting\nlogin: x\n");
	top_ui_init(&ui);
	ui.view = TOP_DOMAIN;
	ui.has_selected = true;
	ui.selected = top_id_of(&model->domains[1]);
	compare(model, &ui, 132, 43, "detail-132x43.txt");
	ck_assert_int_gt(ui.lines, 17);
	/* the end of it, on a small screen */
	top_key(&ui, model, TOP_KEY_END, 17, 0, NULL);
	compare(model, &ui, 80, 24, "detail-80x24.txt");
	top_ui_done(&ui);
}
END_TEST

START_TEST(a_curve_has_gaps_where_nothing_was_counted)
{
	_cleanup_model_ struct top_model *model = model_of(2, few);
	const struct top_curves *curves;
	struct top_frame *frame;
	struct top_ui ui;
	char *text;

	for (uint64_t i = 1; i <= 6; i++) {
		struct uvp_stats *stats = sample(START + 12 + i, 2, few);

		/* counted, still, not asked for twice, and again */
		for (size_t device = 0; device < stats->n_devices; device++)
			stats->devices[device].read_bytes = stats->devices[device].write_bytes = i == 6 ? 2u << 30 : 1u << 30;
		if (i == 3 || i == 4)
			stats->n_devices = 0;
		ck_assert_int_eq(top_model_add(model, stats), 0);
	}
	curves = top_model_domain(model, 1)->curves;
	ck_assert_int_eq(curves->n, 7);
	ck_assert_float_eq(curves->disk[2], 0);
	ck_assert(isnan(curves->disk[3]) && isnan(curves->disk[4]) && isnan(curves->net[5]));
	ck_assert_float_eq(curves->disk[6], 2.0f * (1u << 30));
	ck_assert(!isnan(curves->cpu[4]));
	top_ui_init(&ui);
	ui.view = TOP_DOMAIN;
	ui.ascii = ui.has_selected = true;
	ui.selected = top_id_of(&model->domains[1]);
	frame = top_draw(model, &ui, 80, 24, 0);
	text = top_frame_text(frame);
	ck_assert_msg(strstr(text, "/s out     .#.   #\n") != NULL, "%s", text);
	free(text);
	top_frame_free(frame);
	top_ui_done(&ui);
}
END_TEST

START_TEST(domains_by_their_pools)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	static const struct top_pool pools[] = { { 0, 2, "Pool-0" }, { 3, 1, "empty" }, { 7, 1, "fast" } };
	struct top_ui ui;

	model->n_pools = UVPI_ARRAY_SIZE(pools);
	model->pools = calloc(model->n_pools, sizeof(*pools));
	memcpy(model->pools, pools, sizeof(pools));
	model->now->domains.domains[0].pool = 7;
	model->now->domains.domains[2].pool = 7;
	top_ui_init(&ui);
	top_key(&ui, model, 't', 10, 0, NULL);
	compare(model, &ui, 80, 24, "tree-80x24.txt");
	/* a heading is no domain */
	ui.cursor = 0;
	ck_assert_ptr_null(top_select(&ui, model));
	ui.cursor = 1;
	ck_assert_str_eq(top_select(&ui, model)->label, "web");
	top_key(&ui, model, 'm', 10, 0, NULL);
	compare(model, &ui, 80, 24, "tree-memory-80x24.txt");
	top_ui_done(&ui);
}
END_TEST

/* As the view of CPUs shows it: nobody knows how idle one was while another came; and what it runs, and who waits for it. */
START_TEST(json_tells_what_the_views_show)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct uvp_stats *next = sample(START + 14, 3, few);
	char told[16384];
	struct top_ui ui;

	top_ui_init(&ui);
	tell(top_dump_json, model, &ui, told, sizeof(told));
	check_told(told, "{\"cpu\":1,\"idle_ns\":6000000000,\"idle_percent\":50.0,\"ready\":0,\"runs\":{\"domid\":1,\"name\":\"web\",\"vcpu\":0}}");
	check_told(told, "\"names_are_current\":true,\"names_age_seconds\":0,");
	check_told(told, "\"memory_percent\":1.5625,\"vcpus_online\":1,");
	/* domain 0 has none that is counted, "web" has both */
	check_told(told, "\"disks\":0,\"disk_reads\":null,");
	check_told(told, "\"nets\":0,\"net_rx_bytes\":null,");
	check_told(told, "\"disks\":1,\"disk_reads\":120,\"disk_writes\":60,\"disk_read_bytes\":491520,\"disk_write_bytes\":49152,\"disk_waits\":0,"
			 "\"disk_requests_per_second\":15.0,\"disk_read_bytes_per_second\":40960.0,\"disk_write_bytes_per_second\":4096.0,");
	check_told(told, "\"nets\":1,\"net_rx_bytes\":12582912,\"net_tx_bytes\":12288,\"net_lost_packets\":13,"
			 "\"net_packets_per_second\":150.0,");
	check_told(told, "\"reads_per_second\":10.0,\"writes_per_second\":5.0,");
	next->cpus[3].online = true;
	next->vcpus[1].running = false;
	next->domains.store_error.code = UVP_E_TIMEOUT;
	ck_assert_int_eq(top_model_add(model, next), 0);
	model->names_at = model->taken_at - 12;
	tell(top_dump_json, model, &ui, told, sizeof(told));
	check_told(told, "{\"cpu\":1,\"idle_ns\":7000000000,\"idle_percent\":null,\"ready\":1,\"runs\":null}");
	check_told(told, "\"names_are_current\":false,\"names_age_seconds\":12,");
	model->names_at = 0;
	tell(top_dump_json, model, &ui, told, sizeof(told));
	check_told(told, "\"names_age_seconds\":null,");
	top_ui_done(&ui);
}
END_TEST

static void setup(TCase *tcase)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, rates_are_per_second_and_add_up);
	tcase_add_test(tcase, a_counter_that_starts_anew_counts_from_zero);
	tcase_add_test(tcase, a_time_that_is_a_little_less_than_before_stood_still);
	tcase_add_test(tcase, what_xen_had_is_known_while_nobody_comes_or_goes);
	tcase_add_test(tcase, what_ended_is_nobodys);
	tcase_add_test(tcase, what_xen_had_is_the_rest_and_too_much_is_said);
	tcase_add_test(tcase, a_domain_with_a_new_uuid_goes_on);
	tcase_add_test(tcase, another_domain_with_the_same_id_has_no_past);
	tcase_add_test(tcase, every_view_looks_as_it_did);
	tcase_add_test(tcase, large_figures_are_shortened);
	tcase_add_test(tcase, a_large_host_has_room);
	tcase_add_test(tcase, each_character_has_its_role);
	tcase_add_test(tcase, every_view_with_none_few_and_many);
	tcase_add_test(tcase, few_many_and_hostile_domains_fit);
	tcase_add_test(tcase, what_is_old_looks_old);
	tcase_add_test(tcase, one_domain_has_both_ends_and_its_console);
	tcase_add_test(tcase, a_curve_has_gaps_where_nothing_was_counted);
	tcase_add_test(tcase, domains_by_their_pools);
	tcase_add_test(tcase, json_tells_what_the_views_show);
}

UNIT_MAIN("top", setup);
