/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A million random keys while everything changes beneath them: domains, devices and CPUs come and go, jobs and events of every kind,
 * xenstored, the daemon and Xen fail and are there again, the screen gets another size. The same each time. */
#include <locale.h>

#include "tests/unit/top_samples.h"
#include "xlx/top/dump.h"
#include "xlx/top/source.h"

/* check writes to a pipe for each of its assertions. */
#define CHECK(condition, i)                                                                        \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("key %d: not %s", i, #condition);                             \
	} while (0)

static uint64_t seed;

static uint32_t any(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* ---- what it all may look like ---- */

static const char *const texts[] = {
	"Domain-0", "web", "database-with-a-long-name-that-is-cut-in-the-middle", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "a\033[2Jb", "-x", "a b",
	"\xff\xfe", "e\xcc\x81\xcc\x81\xcc\x81", "", "%s%n", "1",
};

static const char *text(void)
{
	return texts[any(UVPI_ARRAY_SIZE(texts))];
}

/* Mostly small, sometimes as large as can be. */
static uint64_t number(void)
{
	uint64_t small = any(1000), shift = any(80);

	return shift < 64 ? small << shift : shift < 76 ? small : UINT64_MAX - small;
}

static void add_parts(struct uvp_stats *stats, uint32_t domid)
{
	uint32_t vcpus = any(5), devices = any(4);

	for (uint32_t i = 0; i < vcpus; i++)
		stats->vcpus[stats->n_vcpus++] = (struct uvp_stats_vcpu){ .domid = domid, .vcpu = i, .cpu = any(8), .online = any(4),
									  .running = any(2), .blocked = any(2), .run_ns = number() };
	for (uint32_t i = 0; i < devices; i++) {
		struct uvp_stats_device *device = &stats->devices[stats->n_devices++];

		*device = (struct uvp_stats_device){ .domid = domid, .devid = i, .disk = i < devices / 2, .reads = number(), .writes = number(),
						     .read_bytes = number(), .write_bytes = number() };
		snprintf(device->name, sizeof(device->name), "%.31s", text());
	}
}

static struct uvp_stats *any_stats(uint64_t time_ns)
{
	struct uvp_stats *stats = calloc(1, sizeof(*stats));
	uint32_t n = any(3) ? any(12) : any(60);

	stats->time_ns = time_ns;
	stats->total_memory = any(9) ? 16ull << 30 : number();
	stats->free_memory = stats->total_memory / (1 + any(100));
	stats->claimed_memory = any(2) ? 0 : stats->free_memory / 2;
	stats->n_cpus = any(9) ? 4 : any(6);
	stats->cpus = calloc(stats->n_cpus + 1, sizeof(*stats->cpus));
	for (uint32_t i = 0; i < stats->n_cpus; i++)
		stats->cpus[i] = (struct uvp_stats_cpu){ i, any(9), number() };
	stats->n_nodes = any(4);
	stats->nodes = calloc(stats->n_nodes + 1, sizeof(*stats->nodes));
	for (uint32_t i = 0; i < stats->n_nodes; i++)
		stats->nodes[i] = (struct uvp_stats_node){ i, number(), number() };
	stats->domains.n = n;
	stats->domains.domains = calloc(n + 1, sizeof(*stats->domains.domains));
	stats->domains.store_error.code = any(5) ? 0 : UVP_E_TIMEOUT;
	stats->vcpus = calloc(5 * (size_t)n + 1, sizeof(*stats->vcpus));
	stats->devices = calloc(4 * (size_t)n + 1, sizeof(*stats->devices));
	for (uint32_t i = 0, id = 0; i < n; i++, id += 1 + any(2)) {
		struct uvp_domain_info *info = &stats->domains.domains[i];

		*info = (struct uvp_domain_info){ .id = id, .name = any(9) ? text() : NULL, .state = any(UVP_STATE_LEFT_OVER + 1), .reason = any(9),
						  .type = any(4), .pool = any(9) ? any(3) : UINT32_MAX, .memory_bytes = number(),
						  .max_memory_bytes = number(), .vcpus = any(200), .max_vcpus = any(200), .cpu_time_ns = number(),
						  .target_bytes = number(), .most_bytes = number() };
		info->uuid[0] = (uint8_t)id;
		info->uuid[1] = any(9) ? 0 : (uint8_t)any(3); /* another one with its number */
		add_parts(stats, id);
	}
	return stats;
}

static void any_news(struct top_model *model)
{
	model->n_jobs = any(9);
	free(model->jobs);
	model->jobs = calloc(model->n_jobs + 1, sizeof(*model->jobs));
	for (size_t i = 0; i < model->n_jobs; i++) {
		model->jobs[i] = (struct uvpi_job){ .pid = any(99999), .started_s = (int64_t)any(UINT32_MAX), .done = number(), .total = number(),
						    .unit = any(4) };
		snprintf(model->jobs[i].command, sizeof(model->jobs[i].command), "xlx %s", text());
		snprintf(model->jobs[i].phase, sizeof(model->jobs[i].phase), "%s", text());
	}
	model->n_events = any(40);
	free(model->events);
	model->events = calloc(model->n_events + 1, sizeof(*model->events));
	for (size_t i = 0; i < model->n_events; i++) {
		model->events[i] = (struct uvpi_event){ .time_s = any(3) ? model->taken_at - (int64_t)any(900) : (int64_t)number(), .level = (int)any(9) };
		snprintf(model->events[i].text, sizeof(model->events[i].text), "domain %u '%s' %s", any(20), text(), text());
	}
	model->n_pools = any(4);
	free(model->pools);
	model->pools = calloc(model->n_pools + 1, sizeof(*model->pools));
	for (uint32_t i = 0; i < model->n_pools; i++) {
		model->pools[i] = (struct top_pool){ .id = i, .cpus = any(9) };
		snprintf(model->pools[i].name, sizeof(model->pools[i].name), "%.63s", text());
	}
}

static void any_detail(struct top_model *model)
{
	struct top_detail *detail;

	top_detail_free(model->detail);
	model->detail = NULL;
	if (!model->n_domains || !any(4))
		return;
	detail = model->detail = calloc(1, sizeof(*detail));
	detail->of = top_id_of(&model->domains[any((uint32_t)model->n_domains)]);
	detail->ends_at = any(4) ? model->taken_at - (int64_t)any(20) : 0;
	detail->n_ends = any(7);
	detail->ends = calloc(detail->n_ends + 1, sizeof(*detail->ends));
	for (size_t i = 0; i < detail->n_ends; i++) {
		struct top_ends *ends = &detail->ends[i];

		*ends = (struct top_ends){ .devid = any(4), .backend_domid = any(3), .back = (int)any(12) - 1, .front = (int)any(12) - 1, .lost = !any(5) };
		snprintf(ends->kind, sizeof(ends->kind), "%s", any(3) ? "vbd" : any(2) ? "vif" : "vkbd");
		snprintf(ends->name, sizeof(ends->name), "%.31s", text());
		snprintf(ends->target, sizeof(ends->target), "%s", text());
	}
	snprintf(detail->console_why, sizeof(detail->console_why), "%s", text());
	if (!any(3))
		return;
	detail->console = calloc(1, 4096);
	for (uint32_t i = any(60); i > 0; i--)
		snprintf(detail->console + strlen(detail->console), 64, "%s%s", text(), any(2) ? "\n" : "\r");
	if (any(2))
		top_plain_text(detail->console);
}

/* The next sample, or the samples fail; the history is shown, or is not any more. */
static void change(struct top_model *model, struct top_ui *ui)
{
	static uint64_t time_ns = START * SECOND;

	time_ns += any(9) ? SECOND : any(2) ? 0 : 3600 * SECOND;
	model->taken_at += any(9) ? 1 : -(int64_t)any(100);
	model->names_at = any(3) ? model->taken_at - (int64_t)any(30) : 0;
	model->hostd = any(3);
	model->uptime = number();
	model->reclaimable = number();
	ck_assert_int_eq(top_model_add(model, any_stats(time_ns)), 0);
	any_news(model);
	any_detail(model);
	snprintf(ui->failure, sizeof(ui->failure), "%s", any(9) ? "" : text());
	ui->age = any(9) ? 0 : (int64_t)any(100000);
	ui->past_at = any(5) ? 0 : model->taken_at;
	ui->past_age = any(100000);
	ui->ascii = any(2);
	if (!any(20))
		top_say(ui, any(2), text(), any(2) ? text() : "");
}

static int any_key(void)
{
	static const int special[] = { TOP_KEY_UP, TOP_KEY_DOWN, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME, TOP_KEY_END, TOP_KEY_ENTER,
				       TOP_KEY_ESCAPE, TOP_KEY_ERASE, TOP_KEY_ERASE_ALL, TOP_KEY_INTERRUPT, TOP_KEY_WHEEL_UP, TOP_KEY_WHEEL_DOWN,
				       TOP_KEY_CLICK, 0, -2 };
	static const int typed[] = { 0x80, 0x9b, 0xe4, 0x202e, 0x6f22, 0xd800, 0xfffe, 0x1f600, 0x10ffff };
	int key = (int)any(96 + (uint32_t)UVPI_ARRAY_SIZE(special));

	if (!any(20))
		return typed[any((uint32_t)UVPI_ARRAY_SIZE(typed))];
	key = key < 96 ? 32 + key : special[key - 96];
	return key == TOP_KEY_CLICK ? key + (int)any(70) + (int)any(1000) * TOP_CLICK_COLUMN : key;
}

static void draw(const struct top_model *model, struct top_ui *ui, int *ret_page, uint64_t now)
{
	static char told[1 << 18];
	int width = (int)(any(9) ? 80 + any(120) : 1 + any(100)), height = (int)(any(9) ? 24 + any(40) : 1 + any(30));
	struct top_frame *frame = top_draw(model, ui, width, height, now);
	char *lines = top_frame_text(frame);

	*ret_page = height - 7;
	/* whatever the names are */
	for (const char *at = lines; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\n')
			ck_abort_msg("byte %d in %s", *at, lines);
	free(lines);
	top_frame_free(frame);
	if (any(50))
		return;
	tell(top_dump_plain, model, ui, told, sizeof(told));
	for (const char *at = told; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\n')
			ck_abort_msg("byte %d in %s", *at, told);
}

/* ---- keys ---- */

START_TEST(a_million_keys_do_nothing_while_locked)
{
	struct top_model *model = top_model_new();
	unsigned int seen[TOP_VIEWS] = { 0 }, refused = 0;
	int page = 17;
	struct top_ui ui;
	char **argv = NULL;

	seed = 1;
	top_ui_init(&ui);
	change(model, &ui);
	for (int i = 0; i < 1000000; i++) {
		int key = any_key();

		if (i % 100 == 0)
			change(model, &ui);
		if (i % 25 == 0)
			draw(model, &ui, &page, 5);
		/* The one key that opens the lock, but not as part of a text. */
		if (key == '!' && ui.mode == TOP_LOOKING)
			continue;
		CHECK(top_key(&ui, model, key, page, 5, &argv) <= TOP_ACT_REFRESH, i);
		CHECK(!argv && !ui.unlocked_until && ui.mode != TOP_CONFIRMING, i);
		seen[ui.view]++;
		refused += !strcmp(ui.message, "this screen is read-only");
	}
	for (int i = 0; i < TOP_VIEWS; i++)
		ck_assert_msg(seen[i] > 1000, "view '%s' was there for %u keys", top_view_name((enum top_view)i), seen[i]);
	ck_assert_uint_gt(refused, 10000);
	top_ui_done(&ui);
	top_model_free(model);
}
END_TEST

/* The lock is opened now and then. What comes is a whole command about domains that are there, within five minutes of it. */
START_TEST(what_keys_do_while_unlocked_is_a_command)
{
	struct top_model *model = top_model_new();
	uint64_t now = 1000, unlocked = 0;
	unsigned int acts = 0;
	int page = 17;
	struct top_ui ui;

	seed = 2;
	top_ui_init(&ui);
	change(model, &ui);
	for (int i = 0; i < 300000; i++) {
		int key = any(5) ? any_key() : TOP_KEY_ENTER;
		char **argv = NULL;
		enum top_act act;
		size_t n = 0;

		now += !any(50);
		if (i % 100 == 0)
			change(model, &ui);
		if (i % 50 == 0)
			draw(model, &ui, &page, now);
		if (key == '!' && ui.mode == TOP_LOOKING)
			unlocked = now;
		act = top_key(&ui, model, key, page, now, &argv);
		if (act != TOP_ACT_RUN && act != TOP_ACT_CONSOLE) {
			CHECK(!argv, i);
			continue;
		}
		CHECK(!ui.too_small, i);
		acts++;
		CHECK(unlocked && now < unlocked + TOP_UNLOCK_SECONDS && key == TOP_KEY_ENTER, i);
		while (argv[n])
			n++;
		CHECK(n >= 4 && !strcmp(argv[0], "xlx") && !strcmp(argv[!strcmp(argv[1], "destroy") ? 3 : 2], "--"), i);
		CHECK(top_act_words(argv) + ui.n_victims + (ui.verb->wants == TOP_WANTS_VALUE) == argv + n, i);
		if (any(2))
			top_act_begun(&ui);
		top_argv_free(argv);
	}
	ck_assert_uint_gt(acts, 100);
	top_ui_done(&ui);
	top_model_free(model);
}
END_TEST

static void setup(TCase *tcase)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, a_million_keys_do_nothing_while_locked);
	tcase_add_test(tcase, what_keys_do_while_unlocked_is_a_command);
}

UNIT_MAIN("top_random", setup);
