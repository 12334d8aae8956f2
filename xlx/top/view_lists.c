/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The views that are lists: domains, CPUs, memory, disks, network interfaces. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

#define WIDE 112 /* columns: room for totals of devices */

/* Where the cursor is stays in sight. */
void top_place(struct top_ui *ui, size_t n, int rows)
{
	if (ui->cursor >= (int)n)
		ui->cursor = n ? (int)n - 1 : 0;
	if (ui->scroll > ui->cursor)
		ui->scroll = ui->cursor;
	if (ui->scroll <= ui->cursor - rows)
		ui->scroll = ui->cursor - rows + 1;
	if (ui->scroll > (int)n - rows)
		ui->scroll = (int)n > rows ? (int)n - rows : 0;
}

/* The cursor follows its domain, which may have moved. */
static void follow(struct top_ui *ui, const struct top_model *model, const struct top_row *rows, size_t n)
{
	const struct top_domain *domain = ui->has_selected ? top_model_follow(model, &ui->selected) : NULL;

	for (size_t i = 0; domain && i < n; i++)
		if (rows[i].domain == domain)
			ui->cursor = (int)i;
}

/* What xenstored told is as it was before. */
static bool old_names(const struct top_model *model)
{
	return model->now->domains.store_error.code;
}

static enum top_style style_of(const struct top_domain *domain)
{
	switch (domain->info->state) {
	case UVP_STATE_SHUT_DOWN:
		return domain->info->reason == UVP_REASON_CRASH ? TOP_BAD : TOP_FAINT;
	case UVP_STATE_PAUSED:
	case UVP_STATE_DYING:
	case UVP_STATE_LEFT_OVER:
		return TOP_WARN;
	default:
		return TOP_PLAIN;
	}
}

/* Which of the columns that are on fit; the name gets what is left. */
static int fitting(const struct top_ui *ui, int width, uint8_t columns[TOP_COLUMNS_MAX], int *ret_name_width)
{
	int n = 0, used = 1;

	for (int i = 0; top_columns[i].title; i++) {
		int column = ui->order[i];

		if (!ui->on[column])
			continue;
		if (used + top_columns[column].width + 1 > width)
			break;
		used += top_columns[column].width + 1;
		columns[n++] = (uint8_t)column;
	}
	*ret_name_width = top_columns[0].width + (width - used > 22 ? 22 : width - used);
	return n;
}

static void draw_cell(struct top_frame *frame, int row, int column, int width, bool left, enum top_style style, const char *text)
{
	if (left)
		top_put_middle(frame, row, column, width, style, text);
	else
		top_put_right(frame, row, column, width, style, text);
}

struct table {
	uint8_t columns[TOP_COLUMNS_MAX];
	int n, name_width;
	bool old_names;
};

static void draw_heads(struct top_frame *frame, struct top_ui *ui, const struct table *table, int row)
{
	int at = 1;

	ui->n_heads = table->n;
	for (int i = 0; i < table->n; i++) {
		const struct top_column *column = &top_columns[table->columns[i]];
		int width = i ? column->width : table->name_width;
		char text[48];

		snprintf(text, sizeof(text), "%s%s", column->title,
			 table->columns[i] != ui->sort ? "" : ui->reverse ? "\u25b2" : "\u25bc");
		/* of a title the beginning is enough */
		draw_cell(frame, row, at, width, column->left || top_width(text, frame->ascii) > width, TOP_TITLE, text);
		ui->heads[i] = at;
		at += width + 1;
	}
}

static void draw_row(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui, const struct table *table,
		     const struct top_domain *domain, int row)
{
	enum top_style style = style_of(domain);
	int at = 1;

	for (int i = 0; i < table->n; i++) {
		const struct top_column *column = &top_columns[table->columns[i]];
		int width = i ? column->width : table->name_width;
		int indent = !i && ui->tree ? 2 : 0;
		char text[288];

		column->text(domain, text, sizeof(text));
		draw_cell(frame, row, at + indent, width - indent, column->left,
			  table->old_names && (!i || column->needs == TOP_NEEDS_MEMORY) ? TOP_FAINT : style, text);
		at += width + 1;
	}
	if (top_is_marked(ui, model, domain))
		top_put(frame, row, 0, 1, TOP_MARKED, "*");
}

static void draw_pool(struct top_frame *frame, const struct top_model *model, const struct top_row *heading, int row)
{
	char text[TOP_POOL_TEXT];

	top_pool_text(model, heading, "%", text);
	top_putf(frame, row, 1, frame->width - 2, TOP_TITLE, "pool %s", text);
}

static void draw_domains(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	struct table table = { .old_names = old_names(model) };
	size_t n;
	_cleanup_free_ struct top_row *rows = top_rows(model, ui, &n);

	table.n = fitting(ui, frame->width, table.columns, &table.name_width);
	follow(ui, model, rows, n);
	top_place(ui, n, area.rows);
	draw_heads(frame, ui, &table, area.first - 1);
	for (int line = 0; line < area.rows && line + ui->scroll < (int)n; line++) {
		const struct top_row *one = &rows[line + ui->scroll];

		if (one->domain)
			draw_row(frame, model, ui, &table, one->domain, area.first + line);
		else
			draw_pool(frame, model, one, area.first + line);
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, area.first + line, TOP_SELECTED);
	}
	if (!n)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, "no domain passes the filter; / changes it");
}

/* ---- the others: rows of text with a heading ---- */

static void draw_cpus(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	top_place(ui, model->n_cpus, area.rows);
	top_put(frame, area.first - 1, 1, frame->width, TOP_TITLE, "  CPU    RUN%   IDLE%  READY");
	top_put(frame, area.first - 1, frame->width - 30, 30, TOP_TITLE, "NOW RUNS");
	if (ui->past_at)
		top_put(frame, area.first - 1, 31, frame->width - 62, TOP_FAINT, "only their average is known");
	for (int line = 0; line < area.rows && line + ui->scroll < (int)model->n_cpus; line++) {
		const struct top_cpu *cpu = &model->cpus[line + ui->scroll];
		double busy = cpu->idle < 100 && !model->usage.unknown ? 100 - cpu->idle : 0;
		const struct top_part part = { busy / 100, TOP_GUEST, '|' };
		int row = area.first + line;

		if (model->usage.unknown)
			top_putf(frame, row, 1, 24, TOP_PLAIN, "%5" PRIu32 " %7s %7s", cpu->cpu->cpu, "-", "-");
		else
			top_putf(frame, row, 1, 24, TOP_PLAIN, "%5" PRIu32 " %7.1f %7.1f", cpu->cpu->cpu, busy, cpu->idle);
		if (model->n_vcpus)
			top_putf(frame, row, 23, 6, cpu->ready ? TOP_WARN : TOP_PLAIN, "%6u", cpu->ready);
		top_bar(frame, row, 31, frame->width - 62, &part, 1);
		if (cpu->runs) {
			top_put_middle(frame, row, frame->width - 30, 22, old_names(model) ? TOP_FAINT : TOP_PLAIN, cpu->runs->label);
			top_putf(frame, row, frame->width - 7, 7, TOP_PLAIN, "v%" PRIu32, cpu->runs_vcpu);
		}
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
}

static void put_bytes(struct top_frame *frame, int row, int column, uint64_t bytes, bool known, bool old)
{
	char text[24];

	top_size_text((double)bytes, text, sizeof(text));
	top_put_right(frame, row, column, 9, known && !old ? TOP_PLAIN : TOP_FAINT, known ? text : "?");
}

/* What it has, what it was asked to have, what it was made for at most, and, where there is room, what Xen allows. */
static void draw_memory_of(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row)
{
	const struct uvp_domain_info *info = domain->info;
	double total = model->now->total_memory ? (double)model->now->total_memory : 1;
	struct top_part part = { (double)info->memory_bytes / total, TOP_GUEST, '|' };
	bool old = old_names(model);
	int at = 60;

	top_putf(frame, row, 24, 6, TOP_PLAIN, "%5" PRIu32, info->id);
	put_bytes(frame, row, 30, info->memory_bytes, true, false);
	put_bytes(frame, row, 40, info->target_bytes, info->target_bytes, old);
	put_bytes(frame, row, 50, info->most_bytes, info->most_bytes, old);
	if (frame->width >= 100) {
		if (info->max_memory_bytes >> 50)
			top_put_right(frame, row, at, 9, TOP_PLAIN, "none");
		else
			put_bytes(frame, row, at, info->max_memory_bytes, info->max_memory_bytes, false);
		at += 10;
	}
	top_bar(frame, row, at + 1, frame->width - at - 2, &part, 1);
}

static void node_text(const struct uvp_stats_node *node, const char *end, char *buf, size_t len)
{
	char free_memory[24], total[24];

	out_format_size(node->free_memory, free_memory, sizeof(free_memory));
	out_format_size(node->total_memory, total, sizeof(total));
	snprintf(buf, len, " %" PRIu32 ": %s of %s free%s", node->node, free_memory, total, end);
}

#define NODES_AT 7

/* Each as a whole. Returns how many rows it takes, of which not more than so many from that one on are drawn, if any. */
static int put_nodes(struct top_frame *frame, const struct uvp_stats *stats, int row, int most)
{
	int at = NODES_AT, line = 0;

	for (size_t i = 0; i < stats->n_nodes; i++) {
		char text[96];
		int width;

		node_text(&stats->nodes[i], i + 1 < stats->n_nodes ? ";" : "", text, sizeof(text));
		width = top_width(text, frame->ascii);
		if (at > NODES_AT && at + width > frame->width - 2) {
			/* there are more, and no room for them */
			if (++line == most)
				top_put(frame, row + line - 1, at, 2, TOP_PLAIN, " \u2026");
			at = NODES_AT;
		}
		if (line < most)
			top_put(frame, row + line, at, frame->width - at, TOP_PLAIN, text);
		at += width;
	}
	return line + 1;
}

/* Below the domains; returns how many rows it took. */
static int draw_nodes(struct top_frame *frame, const struct uvp_stats *stats, struct top_area area)
{
	int rows = put_nodes(frame, stats, 0, 0), most = area.rows / 3;

	if (rows > most)
		rows = most;
	top_put(frame, area.first + area.rows - rows, 1, NODES_AT - 1, TOP_TITLE, "nodes:");
	put_nodes(frame, stats, area.first + area.rows - rows, rows);
	return rows;
}

static void draw_memory(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	size_t n;
	_cleanup_free_ struct top_row *rows = top_rows(model, ui, &n);
	int selected = -1;

	if (model->now->n_nodes > 1)
		area.rows -= draw_nodes(frame, model->now, area);
	follow(ui, model, rows, n);
	top_place(ui, n, area.rows);
	top_putf(frame, area.first - 1, 1, frame->width, TOP_TITLE, "NAME                       ID    MEMORY    TARGET    MAXMEM%s  OF THE HOST",
		 frame->width >= 100 ? "     LIMIT" : "");
	for (int line = 0; line < area.rows && line + ui->scroll < (int)n; line++) {
		const struct top_domain *domain = rows[line + ui->scroll].domain;
		int row = area.first + line;

		if (line + ui->scroll == ui->cursor)
			selected = row;
		if (!domain) {
			draw_pool(frame, model, &rows[line + ui->scroll], row);
			continue;
		}
		top_put_middle(frame, row, ui->tree ? 3 : 1, ui->tree ? 21 : 23, old_names(model) ? TOP_FAINT : style_of(domain), domain->label);
		draw_memory_of(frame, model, domain, row);
		if (top_is_marked(ui, model, domain))
			top_put(frame, row, 0, 1, TOP_MARKED, "*");
	}
	if (!n)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, "no domain passes the filter; / changes it");
	top_style_row(frame, selected, TOP_SELECTED);
}

/* Since it was attached; what was lost or waited should be nothing. */
static void draw_totals(struct top_frame *frame, const struct top_model *model, const struct uvp_stats_device *counters, int row)
{
	uint64_t bad = counters->disk ? counters->waits : counters->errors + counters->drops;
	char text[24];

	top_size_text((double)counters->read_bytes, text, sizeof(text));
	top_put_right(frame, row, 80, 10, TOP_PLAIN, text);
	top_size_text((double)counters->write_bytes, text, sizeof(text));
	top_put_right(frame, row, 91, 10, TOP_PLAIN, text);
	top_count_text(bad, 9, text, sizeof(text));
	if (model->from_history)
		snprintf(text, sizeof(text), "?");
	top_put_right(frame, row, 101, 9, bad ? TOP_WARN : TOP_PLAIN, text);
}

static void draw_device_rates(struct top_frame *frame, const struct top_device *device, int row)
{
	static const int ends[] = { 46, 56, 68, 79 };
	char text[4][24];

	top_count_text(top_whole(device->reads), 9, text[0], sizeof(text[0]));
	top_count_text(top_whole(device->writes), 9, text[1], sizeof(text[1]));
	top_size_text(device->read_rate, text[2], sizeof(text[2]));
	top_size_text(device->write_rate, text[3], sizeof(text[3]));
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(ends); i++)
		top_put_right(frame, row, ends[i] - 10, 10, TOP_PLAIN, device->rated ? text[i] : "?");
}

static void draw_devices(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area, bool disks)
{
	static const char *const none[] = {
		"domain 0's kernel serves no network interface; others are not counted",
		"no disk is counted: domain 0's kernel serves none, no QEMU of xlx emulates one",
	};
	size_t n = 0, skipped = 0;
	int line = 0;

	for (size_t i = 0; i < model->n_devices; i++)
		n += model->devices[i].counters->disk == disks;
	top_place(ui, n, area.rows);
	top_putf(frame, area.first - 1, 1, frame->width, TOP_TITLE, "%-20s %-14s%10s%10s%12s%11s", "DOMAIN",
		 disks ? "DISK" : "INTERFACE", disks ? "READS/s" : "IN/s", disks ? "WRITES/s" : "OUT/s",
		 disks ? "READ/s" : "RX/s", disks ? "WRITE/s" : "TX/s");
	if (frame->width >= WIDE)
		top_putf(frame, area.first - 1, 79, 33, TOP_TITLE, "%11s%11s%9s", disks ? "READ" : "RX", disks ? "WRITTEN" : "TX", disks ? "WAITS" : "LOST");
	for (size_t i = 0; i < model->n_devices && line < area.rows; i++) {
		const struct top_device *device = &model->devices[i];
		int row = area.first + line;

		if (device->counters->disk != disks || (int)skipped++ < ui->scroll)
			continue;
		if (device->domain)
			top_put_middle(frame, row, 1, 20, old_names(model) ? TOP_FAINT : TOP_PLAIN, device->domain->label);
		else
			top_putf(frame, row, 1, 20, TOP_FAINT, "(domain %" PRIu32 ")", device->counters->domid);
		top_put_middle(frame, row, 22, 14, TOP_PLAIN, device->counters->name);
		draw_device_rates(frame, device, row);
		if (frame->width >= WIDE)
			draw_totals(frame, model, device->counters, row);
		if (line++ + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
	if (!n)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, model->from_history ? "nothing was counted then" : none[disks]);
}

void top_draw_lists(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	switch (ui->view) {
	case TOP_CPUS:
		draw_cpus(frame, model, ui, area);
		break;
	case TOP_MEMORY:
		draw_memory(frame, model, ui, area);
		break;
	case TOP_DISKS:
	case TOP_NETS:
		draw_devices(frame, model, ui, area, ui->view == TOP_DISKS);
		break;
	default:
		draw_domains(frame, model, ui, area);
		break;
	}
}
