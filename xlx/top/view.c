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

static const char *const view_names[TOP_VIEWS] = { "domains", "cpus", "memory", "disks", "networks", "jobs", "events", "domain", "columns", "help" };

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
	char right[96], clock[32] = "", lock[32], up[48] = "";
	time_t at = (time_t)model->taken_at;
	struct tm tm;

	if (model->uptime)
		snprintf(up, sizeof(up), "  up %" PRIu64 "d %02u:%02u", model->uptime / 86400, (unsigned int)(model->uptime / 3600 % 24),
			 (unsigned int)(model->uptime / 60 % 60));
	if (at && gmtime_r(&at, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S UTC", &tm);
	snprintf(lock, sizeof(lock), "read-only");
	if (ui->unlocked_until > now)
		snprintf(lock, sizeof(lock), "UNLOCKED %u:%02u", (unsigned int)(ui->unlocked_until - now) / 60,
			 (unsigned int)(ui->unlocked_until - now) % 60);
	snprintf(right, sizeof(right), "%s  every %d.%d s  %s", lock, ui->interval_ms / 1000, ui->interval_ms % 1000 / 100, clock);
	if (ui->held)
		snprintf(right, sizeof(right), "HELD, %" PRId64 " s old  %s  %s", ui->age, lock, clock);
	if (ui->past_at)
		snprintf(right, sizeof(right), "NOT NOW: %s, %" PRId64 " s ago; Esc: now", clock, ui->past_age);
	top_put_right(frame, 0, 0, frame->width, ui->past_at || ui->unlocked_until > now ? TOP_BAD : ui->held ? TOP_WARN : TOP_FAINT, right);
	top_putf(frame, 0, 0, frame->width - top_width(right, frame->ascii) - 1, TOP_TITLE, "xlx top  %s%s%s%s", model->host,
		 model->xen[0] ? "  Xen " : "", model->xen, up);
}

static int bar_room(const struct top_frame *frame)
{
	return frame->width < 100 ? 11 : frame->width / 5;
}

static void draw_cpu_row(struct top_frame *frame, const struct top_model *model)
{
	const struct top_usage *usage = &model->usage;
	const struct top_part parts[] = {
		{ usage->guests, TOP_GUEST, '|' }, { usage->dom0, TOP_DOM0, '0' }, { usage->xen, TOP_XEN, 'x' },
	};
	int room = bar_room(frame);
	struct top_usage_text text;

	top_put(frame, 1, 0, 4, TOP_PLAIN, "CPU");
	top_bar(frame, 1, 4, room, parts, 3);
	if (!model->before) {
		top_putf(frame, 1, room + 6, frame->width, TOP_FAINT, "%zu CPUs; measuring", model->n_online);
		return;
	}
	top_usage_text(usage, "%", &text);
	top_putf(frame, 1, room + 6, frame->width, TOP_PLAIN, "guests %s  dom0 %s  Xen %s  idle %s of %zu CPU%s", text.guests,
		 text.dom0, text.xen, text.idle, model->n_online, model->n_online == 1 ? "" : "s");
}

/* All in one unit, which is said once, to fit on the smallest screen. */
static void draw_memory_row(struct top_frame *frame, const struct top_model *model)
{
	const struct uvp_stats *stats = model->now;
	double unit = stats->total_memory >= 8ull << 30 ? 1 << 30 : 1 << 20, total = stats->total_memory ? (double)stats->total_memory : 1;
	int digits = unit > 1 << 20 && total < 1000.0 * (1 << 30);
	double used = (double)(stats->total_memory - stats->free_memory - stats->claimed_memory), claimed = (double)stats->claimed_memory;
	double reclaimable = (double)model->reclaimable < used ? (double)model->reclaimable : used;
	const struct top_part parts[] = {
		{ (used - reclaimable) / total, TOP_GUEST, '|' }, { reclaimable / total, TOP_XEN, 'r' }, { claimed / total, TOP_DOM0, 'c' },
	};
	int bar = bar_room(frame), room = frame->width - bar - 6;
	char used_text[64], reclaimable_text[48] = "", free_text[48], claimed_text[48] = "", text[208];

	top_put(frame, 2, 0, 4, TOP_PLAIN, "Mem");
	top_bar(frame, 2, 4, bar, parts, 3);
	snprintf(used_text, sizeof(used_text), "%s: %.*f of %.*f used", unit > 1 << 20 ? "GiB" : "MiB", digits, used / unit, digits, total / unit);
	if (reclaimable > 0)
		snprintf(reclaimable_text, sizeof(reclaimable_text), " (%.*f reclaimable)", digits, reclaimable / unit);
	snprintf(free_text, sizeof(free_text), ", %.*f free", digits, (double)stats->free_memory / unit);
	if (claimed > 0)
		snprintf(claimed_text, sizeof(claimed_text), ", %.*f claimed", digits, claimed / unit);
	snprintf(text, sizeof(text), "%s%s%s%s", used_text, reclaimable_text, free_text, claimed_text);
	/* a number that is cut is another one; what could be had back is in the bar as well */
	if (top_width(text, true) > room)
		snprintf(text, sizeof(text), "%s%s%s", used_text, free_text, claimed_text);
	if (top_width(text, true) > room)
		snprintf(text, sizeof(text), "%s%s\u2026", used_text, free_text);
	top_put(frame, 2, bar + 6, room, TOP_PLAIN, text);
}

/* What needs the operator's eye comes before the count of domains. */
static void draw_alert_row(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui)
{
	const struct uvp_domain_list *list = &model->now->domains;
	struct top_alert alerts[TOP_ALERTS_MAX];
	size_t states[UVP_STATE_LEFT_OVER + 1] = { 0 }, n = top_alerts(model, ui, alerts);
	int at = 0;

	for (size_t i = 0; i < n; i++)
		at += top_putf(frame, 3, at, frame->width - at, alerts[i].bad ? TOP_BAD : TOP_WARN, "%s. ", alerts[i].text);
	for (size_t i = 0; i < list->n; i++)
		states[list->domains[i].state]++;
	at += top_putf(frame, 3, at, frame->width - at, TOP_PLAIN, "%zu domain%s:", list->n, list->n == 1 ? "" : "s");
	for (int i = 0; i <= UVP_STATE_LEFT_OVER; i++) {
		char text[48];

		if (!states[i])
			continue;
		snprintf(text, sizeof(text), " %zu %s", states[i], uvp_state_name((enum uvp_state)i));
		/* whole words only */
		if (at + top_width(text, frame->ascii) > frame->width) {
			top_put(frame, 3, at < frame->width ? at : frame->width - 1, 1, TOP_PLAIN, "\u2026");
			break;
		}
		at += top_put(frame, 3, at, frame->width - at, TOP_PLAIN, text);
	}
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

/* Nobody is to say yes to what cannot be seen. */
bool top_fits(struct top_ui *ui, int width, int height)
{
	ui->too_small = width < TOP_MIN_WIDTH || height < TOP_MIN_HEIGHT;
	if (!ui->too_small || ui->mode == TOP_LOOKING)
		return !ui->too_small;
	if (ui->mode == TOP_FILTERING)
		snprintf(ui->filter, sizeof(ui->filter), "%s", ui->before);
	else
		top_say(ui, true, "nothing was done: the screen became too small for the question", "");
	ui->mode = TOP_LOOKING;
	return false;
}

static void draw_too_small(struct top_frame *frame, const struct top_ui *ui)
{
	top_putf(frame, 0, 0, frame->width, TOP_WARN, "%dx%d is too small: %dx%d at least", frame->width, frame->height, TOP_MIN_WIDTH,
		 TOP_MIN_HEIGHT);
	if (ui->message[0])
		top_put(frame, 1, 0, frame->width, ui->bad ? TOP_BAD : TOP_PLAIN, ui->message);
}

struct top_frame *top_draw(const struct top_model *model, struct top_ui *ui, int width, int height, uint64_t now)
{
	struct top_frame *frame = top_frame_new(width, height, ui->ascii);
	struct top_area area = { HEADER_ROWS + 1, height - HEADER_ROWS - 3 };

	if (!frame)
		return NULL;
	if (!top_fits(ui, width, height)) {
		draw_too_small(frame, ui);
		return frame;
	}
	draw_first_row(frame, model, ui, now);
	draw_cpu_row(frame, model);
	draw_memory_row(frame, model);
	draw_alert_row(frame, model, ui);
	if (ui->view == TOP_HELP)
		draw_help(frame, area);
	else if (ui->view == TOP_COLUMNS)
		top_draw_columns(frame, ui, area);
	else if (ui->view == TOP_JOBS || ui->view == TOP_EVENTS)
		top_draw_news(frame, model, ui, area);
	else if (ui->view == TOP_DOMAIN)
		top_draw_domain(frame, model, ui, area);
	else
		top_draw_lists(frame, model, ui, area);
	/* Old figures do not look like new ones. */
	for (int row = 1; ui->failure[0] && !ui->past_at && ui->view != TOP_HELP && ui->view != TOP_COLUMNS && row < height - 2; row++)
		top_fade_row(frame, row);
	top_draw_footer(frame, model, ui);
	return frame;
}
