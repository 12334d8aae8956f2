/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard without a terminal: rates, pictures against golden ones, and what keys may do. */
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "history/ring.h"
#include "xlx/top/past.h"
#include "xlx/top/ui.h"

#define SECOND 1000000000ull
#define START 1000

/* ---- samples ---- */

static struct uvp_stats *new_stats(uint64_t time_s, size_t n_domains)
{
	struct uvp_stats *stats = calloc(1, sizeof(*stats));

	stats->time_ns = time_s * SECOND;
	stats->total_memory = 16ull << 30;
	stats->free_memory = 10ull << 30;
	stats->claimed_memory = 1ull << 30;
	stats->n_cpus = 4;
	stats->cpus = calloc(4, sizeof(*stats->cpus));
	for (uint32_t i = 0; i < 4; i++)
		stats->cpus[i] = (struct uvp_stats_cpu){ i, i != 3, (time_s - START) * SECOND / 2 };
	stats->domains.n = n_domains;
	stats->domains.domains = calloc(n_domains + 1, sizeof(*stats->domains.domains));
	stats->vcpus = calloc(n_domains + 1, sizeof(*stats->vcpus));
	stats->devices = calloc(2 * n_domains + 1, sizeof(*stats->devices));
	return stats;
}

static struct uvp_stats *sample(uint64_t time_s, size_t n, const char *const *names)
{
	struct uvp_stats *stats = new_stats(time_s, n);
	uint64_t passed = time_s - START;

	for (uint32_t i = 0; i < n; i++) {
		struct uvp_domain_info *info = &stats->domains.domains[i];

		*info = (struct uvp_domain_info){
			.id = i, .name = names[i], .state = i % 5 == 4 ? UVP_STATE_PAUSED : UVP_STATE_RUNNING,
			.memory_bytes = (uint64_t)(i + 1) << 27, .max_memory_bytes = (uint64_t)(i + 1) << 28,
			.vcpus = 1, .max_vcpus = 2, .cpu_time_ns = passed * SECOND * (n - i) / (n * n),
		};
		memcpy(info->uuid, &i, sizeof(i));
		stats->vcpus[stats->n_vcpus++] = (struct uvp_stats_vcpu){ .domid = i, .cpu = i % 3, .online = true,
									  .running = true, .run_ns = info->cpu_time_ns };
		if (!i)
			continue;
		stats->devices[stats->n_devices] = (struct uvp_stats_device){
			.domid = i, .devid = 51712, .disk = true, .name = "xvda", .reads = passed * 10, .writes = passed * 5,
			.read_bytes = passed * 40960 * i, .write_bytes = passed * 4096 };
		stats->n_devices++;
		stats->devices[stats->n_devices] = (struct uvp_stats_device){
			.domid = i, .reads = passed * 100, .writes = passed * 50, .read_bytes = passed << 20,
			.write_bytes = passed << 10 };
		snprintf(stats->devices[stats->n_devices].name, 32, "vif%" PRIu32 ".0", i);
		stats->n_devices++;
	}
	return stats;
}

static const char *const few[] = { "Domain-0", "web", "database-with-a-long-name-that-is-cut-in-the-middle" };
static const char *const odd[] = { "Domain-0", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "a\033[2Jb", NULL };

static void add_news(struct top_model *model)
{
	static const struct uvpi_job jobs[] = {
		{ 812, 1699999000, "xlx save database-with-a-long-name /srv/saved/database", "saving memory", 3ull << 30, 8ull << 30, UVP_UNIT_BYTES },
		{ 9001, 1699999990, "xlx shutdown --wait web", "waiting for the guest", 10, 60, UVP_UNIT_SECONDS },
	};
	static const struct uvpi_event events[] = {
		{ 1699999999, 5, "domain 7 'web' has crashed: on_crash=restart" },
		{ 1699999000, 4, "'web' cannot be restarted now (try 1 of 8): \033[2J" },
		{ 1699900000, 3, "xenstored cannot be reached" },
	};

	model->n_jobs = UVPI_ARRAY_SIZE(jobs);
	model->jobs = calloc(model->n_jobs, sizeof(*jobs));
	memcpy(model->jobs, jobs, sizeof(jobs));
	model->n_events = UVPI_ARRAY_SIZE(events);
	model->events = calloc(model->n_events, sizeof(*events));
	memcpy(model->events, events, sizeof(events));
}

static struct top_model *model_of(size_t n, const char *const *names)
{
	struct top_model *model = top_model_new();

	snprintf(model->host, sizeof(model->host), "alpha");
	snprintf(model->xen, sizeof(model->xen), "4.17.5");
	model->taken_at = 1700000000;
	add_news(model);
	ck_assert_int_eq(top_model_add(model, sample(START + 10, n, names)), 0);
	ck_assert_int_eq(top_model_add(model, sample(START + 12, n, names)), 0);
	return model;
}

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

START_TEST(another_domain_with_the_same_id_has_no_past)
{
	_cleanup_model_ struct top_model *model = model_of(2, few);
	struct uvp_stats *next = sample(START + 13, 2, few);

	next->domains.domains[1].uuid[15] = 9;
	next->domains.domains[1].cpu_time_ns = SECOND / 4;
	ck_assert_int_eq(top_model_add(model, next), 0);
	ck_assert_double_eq_tol(top_model_domain(model, 1)->cpu, 25, 1e-6);
	ck_assert_int_eq(top_model_domain(model, 1)->n_history, 1);
	ck_assert_int_eq(top_model_domain(model, 0)->n_history, 2);
}
END_TEST

/* ---- pictures ---- */

/* With UPDATE_GOLDEN in the environment the golden pictures are written. */
static void compare(const struct top_model *model, struct top_ui *ui, int width, int height, const char *golden)
{
	struct top_frame *frame = top_draw(model, ui, width, height, 0);
	char *text = top_frame_text(frame), path[256], want[64 * 1024] = "";
	const char *srcdir = getenv("top_srcdir");
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/top/%s", srcdir ? srcdir : ".", golden);
	if (getenv("UPDATE_GOLDEN")) {
		file = fopen(path, "we");
		ck_assert_ptr_nonnull(file);
		fputs(text, file);
	} else {
		file = fopen(path, "re");
		ck_assert_msg(file != NULL, "there is no %s", path);
		want[fread(want, 1, sizeof(want) - 1, file)] = '\0';
		ck_assert_msg(!strcmp(text, want), "%s differs:\n%s", golden, text);
	}
	fclose(file);
	free(text);
	top_frame_free(frame);
}

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
		memcpy(ui.selected, model->domains[1].info->uuid, 16);
		snprintf(golden, sizeof(golden), "%s-%dx%d.txt", top_view_name(ui.view), width, height);
		compare(model, &ui, width, height, golden);
	}
	top_ui_done(&ui);
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

/* ---- keys ---- */

static enum top_act press(struct top_ui *ui, const struct top_model *model, const char *keys, uint64_t now, char ***ret_argv)
{
	enum top_act act = TOP_ACT_NONE;

	for (; *keys; keys++) {
		int key = *keys == '\n' ? TOP_KEY_ENTER : *keys == '\033' ? TOP_KEY_ESCAPE : *keys == '\b' ? TOP_KEY_ERASE : *keys;

		act = top_key(ui, model, key, 10, now, ret_argv);
	}
	return act;
}

START_TEST(acts_need_the_lock_open_and_a_yes)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	ck_assert_int_eq(press(&ui, model, "S\n", 100, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "");
	ck_assert_int_eq(press(&ui, model, "\033S", 100, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "this screen is read-only");
	/* /web selects that one */
	ck_assert_int_eq(press(&ui, model, "/web\n!S\n", 100, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[0], "xlx");
	ck_assert_str_eq(argv[1], "shutdown");
	ck_assert_str_eq(argv[2], "--");
	ck_assert_str_eq(argv[3], "web");
	ck_assert_ptr_null(argv[4]);
	top_argv_free(argv);
	/* after five minutes */
	ck_assert_int_eq(press(&ui, model, "S", 399, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "\n", 401, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "S\n", 401, &argv), TOP_ACT_NONE);
	top_ui_done(&ui);
}
END_TEST

START_TEST(destroy_wants_the_name_typed)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	ck_assert_int_eq(press(&ui, model, "/web\n!X\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "Xwen\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "Xweb\033", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "Xwen\bb\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[1], "destroy");
	ck_assert_str_eq(argv[2], "--yes");
	ck_assert_str_eq(argv[4], "web");
	top_argv_free(argv);
	/* several: their number */
	ck_assert_int_eq(press(&ui, model, "\033  X3\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "X2\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_ptr_nonnull(argv[5]);
	ck_assert_ptr_null(argv[6]);
	top_argv_free(argv);
	ck_assert_uint_eq(ui.n_marked, 0);
	top_ui_done(&ui);
}
END_TEST

START_TEST(filters_hold_all_their_words)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	static const struct {
		const char *filter;
		size_t n;
	} cases[] = {
		{ "", 3 }, { "WEB", 1 }, { "cpu>30", 1 }, { "cpu<30", 2 }, { "cpu<30 mem>300", 1 }, { "state:running", 3 },
		{ "state:paused", 0 }, { "cpu>", 3 }, { "zzz", 0 },
	};
	struct top_ui ui;
	char why[160];

	top_ui_init(&ui);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		size_t n;

		snprintf(ui.filter, sizeof(ui.filter), "%s", cases[i].filter);
		free(top_rows(model, &ui, &n));
		ck_assert_msg(n == cases[i].n, "'%s': %zu", cases[i].filter, n);
	}
	ck_assert(!top_filter_check("net>3", why, sizeof(why)));
	ck_assert_str_eq(why, "'net' cannot be compared: cpu (per cent) and mem (MiB) can");
	ck_assert(!top_filter_check("cpu>x", why, sizeof(why)));
	top_ui_done(&ui);
}
END_TEST

START_TEST(a_million_keys_do_nothing_while_locked)
{
	static const int special[] = { TOP_KEY_UP, TOP_KEY_DOWN, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME, TOP_KEY_END,
				       TOP_KEY_ENTER, TOP_KEY_ESCAPE, TOP_KEY_ERASE, TOP_KEY_WHEEL_UP, TOP_KEY_WHEEL_DOWN,
				       TOP_KEY_CLICK + 7, TOP_KEY_CLICK + 500 };
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	uint64_t seed = 1;
	char **argv = NULL;

	top_ui_init(&ui);
	for (int i = 0; i < 1000000; i++) {
		int key;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		key = (int)(seed >> 33) % (96 + (int)UVPI_ARRAY_SIZE(special));
		key = key < 96 ? 32 + key : special[key - 96];
		/* The one key that opens the lock, but not as part of a text. */
		if (key == '!' && ui.mode == TOP_LOOKING)
			continue;
		ck_assert_int_le(top_key(&ui, model, key, 10, 5, &argv), TOP_ACT_REFRESH);
		if (i % 10000 == 0)
			top_frame_free(top_draw(model, &ui, 80 + i % 50, 24 + i % 30, 5));
	}
	ck_assert_uint_eq(ui.unlocked_until, 0);
	top_ui_done(&ui);
}
END_TEST

/* ---- the past ---- */

#define NS INT64_C(1000000000)
#define WALL INT64_C(1790000000)

/* Samples at seconds 0 to 299 and 400 to 409: "web" has half of a CPU, from second 200 on another boot. */
static void keep_samples(const char *folder)
{
	struct uvpi_history_ring ring, empty;
	char path[64];

	snprintf(path, sizeof(path), "%s/minutes", folder);
	ck_assert_int_eq(uvpi_history_open(path, 1 << 20, &empty, NULL), 0);
	uvpi_history_close(&empty);
	snprintf(path, sizeof(path), "%s/seconds", folder);
	ck_assert_int_eq(uvpi_history_open(path, 1 << 20, &ring, NULL), 0);
	for (int64_t s = 0; s < 410; s++) {
		struct uvpi_history_domain domains[2] = {
			{ .name = "Domain-0", .vcpus = 1 },
			{ .domid = 7, .name = "web", .vcpus = 2, .uuid = { 1 }, .cpu_ns = (uint64_t)(s * NS / 2), .memory = 1 << 20,
			  .disk_reads = (uint64_t)s, .disk_read_bytes = (uint64_t)s * 4096 },
		};
		struct uvpi_history_frame frame = {
			.wall_ns = (WALL + s) * NS, .time_ns = (uint64_t)((s + 50) * NS), .boot = { s >= 200 }, .cpus = 2,
			.idle_ns = (uint64_t)(s * NS * 3 / 2), .total_memory = 8u << 20, .free_memory = 4u << 20, .n_domains = 2,
			.domains = domains,
		};

		if (s < 300 || s >= 400)
			ck_assert_int_eq(uvpi_history_append(&ring, &frame, NULL), 0);
	}
	uvpi_history_close(&ring);
}

START_TEST(the_past_is_as_it_was)
{
	char folder[] = "/tmp/uvp-past-XXXXXX", path[64];
	_cleanup_model_ struct top_model *now = model_of(1, few);
	struct top_past past = { .folder = folder };
	struct uvp_error err = UVP_ERROR_INIT;
	const struct top_domain *web;
	const int64_t at = (WALL + 410) * NS;
	struct top_ui ui;
	char **argv = NULL;

	ck_assert_ptr_nonnull(mkdtemp(folder));
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
	snprintf(path, sizeof(path), "%s/seconds", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/minutes", folder);
	unlink(path);
	rmdir(folder);
}
END_TEST

static void setup(TCase *tcase)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, rates_are_per_second_and_add_up);
	tcase_add_test(tcase, a_counter_that_starts_anew_counts_from_zero);
	tcase_add_test(tcase, another_domain_with_the_same_id_has_no_past);
	tcase_add_test(tcase, every_view_looks_as_it_did);
	tcase_add_test(tcase, few_many_and_hostile_domains_fit);
	tcase_add_test(tcase, acts_need_the_lock_open_and_a_yes);
	tcase_add_test(tcase, destroy_wants_the_name_typed);
	tcase_add_test(tcase, filters_hold_all_their_words);
	tcase_add_test(tcase, the_past_is_as_it_was);
	tcase_add_test(tcase, a_million_keys_do_nothing_while_locked);
}

UNIT_MAIN("top", setup);
