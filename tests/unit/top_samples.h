/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of a host as the dashboard gets them, golden pictures, and keys typed, for its unit tests. */
#ifndef TESTS_UNIT_TOP_SAMPLES_H
#define TESTS_UNIT_TOP_SAMPLES_H

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "xlx/top/source.h"
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
	stats->nodes = calloc(2, sizeof(*stats->nodes));
	stats->n_nodes = 2;
	stats->nodes[0] = (struct uvp_stats_node){ 0, 8ull << 30, 3ull << 30 };
	stats->nodes[1] = (struct uvp_stats_node){ 1, 8ull << 30, 7ull << 30 };
	stats->devices = calloc(2 * n_domains + 1, sizeof(*stats->devices));
	return stats;
}

__attribute__((unused)) static struct uvp_stats *sample(uint64_t time_s, size_t n, const char *const *names)
{
	struct uvp_stats *stats = new_stats(time_s, n);
	uint64_t passed = time_s - START;

	for (uint32_t i = 0; i < n; i++) {
		struct uvp_domain_info *info = &stats->domains.domains[i];

		*info = (struct uvp_domain_info){
			.id = i, .name = names[i], .state = i % 5 == 4 ? UVP_STATE_PAUSED : UVP_STATE_RUNNING,
			.memory_bytes = (uint64_t)(i + 1) << 27, .max_memory_bytes = (uint64_t)(i + 1) << 28,
			.target_bytes = i ? (uint64_t)(i + 1) << 27 : 0, .most_bytes = i ? (uint64_t)(i + 1) << 28 : 0,
			.vcpus = 1, .max_vcpus = 2, .cpu_time_ns = passed * SECOND * (n - i) / (n * n),
		};
		memcpy(info->uuid, &i, sizeof(i));
		stats->vcpus[stats->n_vcpus++] = (struct uvp_stats_vcpu){ .domid = i, .cpu = i % 3, .online = true,
									  .running = true, .run_ns = info->cpu_time_ns };
		if (!i)
			continue;
		stats->devices[stats->n_devices] = (struct uvp_stats_device){
			.domid = i, .devid = 51712, .disk = true, .name = "xvda", .reads = passed * 10, .writes = passed * 5,
			.read_bytes = passed * 40960 * i, .write_bytes = passed * 4096, .waits = i == 2 ? 7 : 0 };
		stats->n_devices++;
		stats->devices[stats->n_devices] = (struct uvp_stats_device){
			.domid = i, .reads = passed * 100, .writes = passed * 50, .read_bytes = passed << 20,
			.write_bytes = passed << 10, .errors = i == 2, .drops = i == 2 ? passed : 0 };
		snprintf(stats->devices[stats->n_devices].name, 32, "vif%" PRIu32 ".0", i);
		stats->n_devices++;
	}
	return stats;
}

static const char *const few[] = { "Domain-0", "web", "database-with-a-long-name-that-is-cut-in-the-middle" };
__attribute__((unused)) static const char *const odd[] = { "Domain-0", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "a\033[2Jb", NULL };

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

__attribute__((unused)) static struct top_model *model_of(size_t n, const char *const *names)
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

/* With UPDATE_GOLDEN in the environment the golden pictures are written. */
static void compare_text(const char *text, const char *golden)
{
	char path[256], *want;
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
		want = calloc(1, strlen(text) + 2);
		ck_assert_uint_le(fread(want, 1, strlen(text) + 1, file), strlen(text) + 1);
		ck_assert_msg(!strcmp(text, want), "%s differs:\n%s", golden, text);
		free(want);
	}
	fclose(file);
}

__attribute__((unused)) static void compare(const struct top_model *model, struct top_ui *ui, int width, int height, const char *golden)
{
	struct top_frame *frame = top_draw(model, ui, width, height, 0);
	char *text = top_frame_text(frame);

	compare_text(text, golden);
	free(text);
	top_frame_free(frame);
}

__attribute__((unused)) static enum top_act press(struct top_ui *ui, const struct top_model *model, const char *keys, uint64_t now, char ***ret_argv)
{
	enum top_act act = TOP_ACT_NONE;

	for (; *keys; keys++) {
		int key = *keys == '\n' ? TOP_KEY_ENTER : *keys == '\033' ? TOP_KEY_ESCAPE : *keys == '\b' ? TOP_KEY_ERASE : *keys;

		act = top_key(ui, model, key, 10, now, ret_argv);
	}
	return act;
}

/* ---- one domain in full, and what is printed ---- */

__attribute__((unused)) static struct top_detail *new_detail(const struct top_model *model)
{
	static const struct top_ends ends[] = {
		{ "vbd", "xvda", "/srv/images/web.img", 51712, 0, 4, 4, false },
		{ "vif", "vif1.0", "xenbr0", 0, 0, 2, 1, false },
		{ "vkbd", "", "", 0, 0, 4, 4, false },
		{ "vbd", "xvdb", "/dev/vg/web", 51728, 3, 4, 4, true },
	};
	struct top_detail *detail = calloc(1, sizeof(*detail));

	detail->of = top_id_of(&model->domains[1]);
	detail->ends_at = model->taken_at - 9;
	detail->n_ends = UVPI_ARRAY_SIZE(ends);
	detail->ends = calloc(detail->n_ends, sizeof(*ends));
	memcpy(detail->ends, ends, sizeof(ends));
	detail->console = strdup("\033[0;32mbooting\033[0m\r\n\033]0;title\alogin: \001x\n");
	top_plain_text(detail->console);
	return detail;
}

__attribute__((unused)) static void tell(int (*dump)(const struct top_model *model, const struct top_ui *ui), const struct top_model *model,
		 const struct top_ui *ui, char *told, size_t size)
{
	FILE *file = tmpfile();
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	size_t n;

	ck_assert(file && out >= 0 && fflush(stdout) == 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
	ck_assert_int_eq(dump(model, ui), 0);
	ck_assert(fflush(stdout) == 0 && dup2(out, STDOUT_FILENO) >= 0);
	rewind(file);
	n = fread(told, 1, size - 1, file);
	ck_assert_uint_gt(n, 0);
	told[n] = '\0';
	fclose(file);
	close(out);
}

__attribute__((unused)) static void check_told(const char *told, const char *want)
{
	ck_assert_msg(strstr(told, want) != NULL, "there is no '%s' in\n%s", want, told);
}

#endif
