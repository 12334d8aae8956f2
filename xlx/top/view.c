/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The picture as a whole: header, what the view shows, and the line at the lower edge. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

#define HEADER_ROWS 4

static const char *const view_names[TOP_VIEWS] = { "domains", "cpus", "memory", "disks", "networks", "jobs", "events", "domain", "help" };

const char *top_view_name(enum top_view view)
{
	return view_names[view];
}

int top_view_find(const char *name)
{
	for (int i = 0; i < TOP_VIEWS; i++)
		if (!strcmp(view_names[i], name))
			return i;
	return -1;
}

/* ---- header ---- */

static void draw_first_row(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui, uint64_t now)
{
	char right[96], clock[32] = "", lock[32];
	time_t at = (time_t)model->taken_at;
	struct tm tm;

	top_putf(frame, 0, 0, frame->width / 2, TOP_TITLE, "xlx top  %s  Xen %s", model->host, model->xen);
	if (at && gmtime_r(&at, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S UTC", &tm);
	snprintf(lock, sizeof(lock), "read-only");
	if (ui->unlocked_until > now)
		snprintf(lock, sizeof(lock), "UNLOCKED %u:%02u", (unsigned int)(ui->unlocked_until - now) / 60,
			 (unsigned int)(ui->unlocked_until - now) % 60);
	if (ui->past_at) {
		snprintf(right, sizeof(right), "NOT NOW: %s, %" PRId64 " s ago; Esc: now", clock, ui->past_age);
		top_put_right(frame, 0, frame->width / 2, frame->width - frame->width / 2, TOP_BAD, right);
		return;
	}
	snprintf(right, sizeof(right), "%s%s  every %d.%d s  %s", ui->held ? "HELD  " : "", lock, ui->interval_ms / 1000,
		 ui->interval_ms % 1000 / 100, clock);
	top_put_right(frame, 0, frame->width / 2, frame->width - frame->width / 2,
		      ui->unlocked_until > now ? TOP_BAD : ui->held ? TOP_WARN : TOP_FAINT, right);
}

static void draw_cpu_row(struct top_frame *frame, const struct top_model *model)
{
	const struct top_usage *usage = &model->usage;
	const struct top_part parts[] = {
		{ usage->guests, TOP_GUEST, '|' }, { usage->dom0, TOP_DOM0, '0' }, { usage->xen, TOP_XEN, 'x' },
	};
	int room = frame->width / 5;

	top_put(frame, 1, 0, 4, TOP_PLAIN, "CPU");
	top_bar(frame, 1, 4, room, parts, 3);
	if (!model->before) {
		top_putf(frame, 1, room + 6, frame->width, TOP_FAINT, "%zu CPUs; measuring", model->n_online);
		return;
	}
	top_putf(frame, 1, room + 6, frame->width, TOP_PLAIN, "guests %.1f%%  dom0 %.1f%%  Xen %.1f%%  idle %.1f%% of %zu CPU%s",
		 usage->guests * 100, usage->dom0 * 100, usage->xen * 100, usage->idle * 100, model->n_online,
		 model->n_online == 1 ? "" : "s");
}

static void draw_memory_row(struct top_frame *frame, const struct top_model *model)
{
	const struct uvp_stats *stats = model->now;
	uint64_t used = stats->total_memory - stats->free_memory - stats->claimed_memory;
	double total = stats->total_memory ? (double)stats->total_memory : 1;
	const struct top_part parts[] = {
		{ (double)used / total, TOP_GUEST, '|' }, { (double)stats->claimed_memory / total, TOP_DOM0, 'c' },
	};
	char used_text[24], total_text[24], free_text[24], claimed_text[24];
	int room = frame->width / 5;

	out_format_size(used, used_text, sizeof(used_text));
	out_format_size(stats->total_memory, total_text, sizeof(total_text));
	out_format_size(stats->free_memory, free_text, sizeof(free_text));
	out_format_size(stats->claimed_memory, claimed_text, sizeof(claimed_text));
	top_put(frame, 2, 0, 4, TOP_PLAIN, "Mem");
	top_bar(frame, 2, 4, room, parts, 2);
	top_putf(frame, 2, room + 6, frame->width, TOP_PLAIN, "%s of %s used, %s free%s%s", used_text, total_text, free_text,
		 stats->claimed_memory ? ", claimed " : "", stats->claimed_memory ? claimed_text : "");
}

/* What needs the operator's eye comes before the count of domains. */
static void draw_alert_row(struct top_frame *frame, const struct top_model *model)
{
	const struct uvp_domain_list *list = &model->now->domains;
	size_t states[UVP_STATE_LEFT_OVER + 1] = { 0 }, crashed = 0;
	int at = 0;

	if (list->store_error.code)
		at += top_put(frame, 3, at, frame->width, TOP_BAD, "xenstored does not answer: names may be old. ");
	for (size_t i = 0; i < list->n; i++) {
		states[list->domains[i].state]++;
		crashed += list->domains[i].state == UVP_STATE_SHUT_DOWN && list->domains[i].reason == UVP_REASON_CRASH;
	}
	if (crashed)
		at += top_putf(frame, 3, at, frame->width - at, TOP_BAD, "%zu crashed. ", crashed);
	at += top_putf(frame, 3, at, frame->width - at, TOP_PLAIN, "%zu domain%s:", list->n, list->n == 1 ? "" : "s");
	for (int i = 0; i <= UVP_STATE_LEFT_OVER; i++)
		if (states[i])
			at += top_putf(frame, 3, at, frame->width - at, TOP_PLAIN, " %zu %s", states[i],
				       uvp_state_name((enum uvp_state)i));
}

/* ---- lower edge ---- */

static void draw_question(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui)
{
	char command[512];
	int row = frame->height - 2;

	top_command_text(ui, model, command, sizeof(command));
	top_putf(frame, row, 0, frame->width, TOP_WARN, "%s  (%s)", command, ui->verb->effect);
	if (!ui->verb->typed)
		top_put(frame, row + 1, 0, frame->width, TOP_KEY, "Enter does it, Esc does not");
	else if (ui->n_victims == 1)
		top_putf(frame, row + 1, 0, frame->width, TOP_BAD, "type the domain's name and Enter, or Esc: %s", ui->typed);
	else
		top_putf(frame, row + 1, 0, frame->width, TOP_BAD, "type the number of domains (%zu) and Enter, or Esc: %s",
			 ui->n_victims, ui->typed);
}

static void draw_footer(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui)
{
	int row = frame->height - 2, at = 0;
	char why[160] = "";

	if (ui->mode == TOP_CONFIRMING) {
		draw_question(frame, model, ui);
		return;
	}
	if (ui->mode == TOP_FILTERING) {
		if (!top_filter_check(ui->filter, why, sizeof(why)))
			top_put(frame, row, 0, frame->width, TOP_WARN, why);
		top_putf(frame, row + 1, 0, frame->width, TOP_KEY, "filter: %s_   (text, cpu>50, mem<512, state:paused; Enter, Esc)", ui->filter);
		return;
	}
	if (ui->message[0]) {
		at = top_put(frame, row, 0, frame->width, ui->bad ? TOP_BAD : TOP_GOOD, ui->message);
		if (ui->hint[0])
			top_putf(frame, row, at, frame->width - at, TOP_WARN, "  hint: %s", ui->hint);
	} else if (ui->filter[0]) {
		top_putf(frame, row, 0, frame->width, TOP_WARN, "filter: %s", ui->filter);
	}
	top_put(frame, row + 1, 0, frame->width, TOP_KEY,
		"d domains  c CPUs  m memory  k disks  n nets  j jobs  e events  / filter  ? help  q quit");
}

static void draw_help(struct top_frame *frame, struct top_area area)
{
	const char *key, *help;

	for (int i = 0; top_help_line(i, &key, &help); i++) {
		int row = area.first + i % area.rows, column = i / area.rows * (frame->width / 2);

		top_put(frame, row, column, 10, TOP_KEY, key);
		top_put(frame, row, column + 11, frame->width / 2 - 12, TOP_PLAIN, help);
	}
}

struct top_frame *top_draw(const struct top_model *model, struct top_ui *ui, int width, int height, uint64_t now)
{
	struct top_frame *frame = top_frame_new(width, height, ui->ascii);
	struct top_area area = { HEADER_ROWS + 1, height - HEADER_ROWS - 3 };

	if (!frame)
		return NULL;
	if (width < TOP_MIN_WIDTH || height < TOP_MIN_HEIGHT) {
		top_putf(frame, 0, 0, width, TOP_WARN, "%dx%d is too small: %dx%d at least", width, height, TOP_MIN_WIDTH,
			 TOP_MIN_HEIGHT);
		return frame;
	}
	draw_first_row(frame, model, ui, now);
	draw_cpu_row(frame, model);
	draw_memory_row(frame, model);
	draw_alert_row(frame, model);
	if (ui->view == TOP_HELP)
		draw_help(frame, area);
	else if (ui->view == TOP_JOBS || ui->view == TOP_EVENTS)
		top_draw_news(frame, model, ui, area);
	else if (ui->view == TOP_DOMAIN)
		top_draw_domain(frame, model, ui, area);
	else
		top_draw_lists(frame, model, ui, area);
	draw_footer(frame, model, ui);
	return frame;
}
