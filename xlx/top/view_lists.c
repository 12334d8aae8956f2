/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The views that are lists: domains, CPUs, memory, disks, network interfaces. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

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
static void follow(struct top_ui *ui, const struct top_domain *const *rows, size_t n)
{
	for (size_t i = 0; ui->has_selected && i < n; i++)
		if (!memcmp(rows[i]->info->uuid, ui->selected, 16))
			ui->cursor = (int)i;
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

/* How many columns of the table fit; the name gets what is left. */
static int fitting(int width, int *ret_name_width)
{
	int n = 0, used = 1;

	for (; top_columns[n].title && used + top_columns[n].width + 1 <= width; n++)
		used += top_columns[n].width + 1;
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

static void draw_domains(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	size_t n;
	_cleanup_free_ const struct top_domain **rows = top_rows(model, ui, &n);
	int name_width, columns = fitting(frame->width, &name_width), at;

	follow(ui, rows, n);
	top_place(ui, n, area.rows);
	for (int line = -1; line < area.rows && line + ui->scroll < (int)n; line++) {
		const struct top_domain *domain = line < 0 ? NULL : rows[line + ui->scroll];
		enum top_style style = domain ? style_of(domain) : TOP_TITLE;

		at = 1;
		for (int i = 0; i < columns; i++) {
			const struct top_column *column = &top_columns[i];
			int width = i ? column->width : name_width;
			char text[288];

			if (domain)
				column->text(domain, text, sizeof(text));
			else
				snprintf(text, sizeof(text), "%s%s", column->title,
					 i != ui->sort ? "" : ui->reverse ? "\u25b2" : "\u25bc");
			draw_cell(frame, area.first + line, at, width, column->left, style, text);
			at += width + 1;
		}
		if (domain && top_is_marked(ui, domain->info->uuid))
			top_put(frame, area.first + line, 0, 1, TOP_MARKED, "*");
		if (domain && line + ui->scroll == ui->cursor)
			top_style_row(frame, area.first + line, TOP_SELECTED);
	}
	if (!n)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, "no domain passes the filter; / changes it");
}

/* ---- the others: rows of text with a heading ---- */

static void draw_cpus(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	top_place(ui, model->n_cpus, area.rows);
	top_put(frame, area.first - 1, 1, frame->width, TOP_TITLE, "  CPU   BUSY%   IDLE%");
	if (ui->past_at)
		top_put(frame, area.first - 1, 25, frame->width - 26, TOP_FAINT, "the history has their average only");
	for (int line = 0; line < area.rows && line + ui->scroll < (int)model->n_cpus; line++) {
		const struct top_cpu *cpu = &model->cpus[line + ui->scroll];
		double busy = cpu->idle < 100 ? 100 - cpu->idle : 0;
		const struct top_part part = { busy / 100, TOP_GUEST, '|' };
		int row = area.first + line;

		top_putf(frame, row, 1, 24, TOP_PLAIN, "%5" PRIu32 " %7.1f %7.1f", cpu->cpu->cpu, busy, cpu->idle);
		top_bar(frame, row, 25, frame->width - 26, &part, 1);
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
}

static void draw_memory(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	size_t n;
	_cleanup_free_ const struct top_domain **rows = top_rows(model, ui, &n);
	double total = model->now->total_memory ? (double)model->now->total_memory : 1;

	follow(ui, rows, n);
	top_place(ui, n, area.rows);
	top_put(frame, area.first - 1, 1, frame->width, TOP_TITLE, "NAME                       ID    MEMORY      LIMIT  OF THE HOST");
	for (int line = 0; line < area.rows && line + ui->scroll < (int)n; line++) {
		const struct top_domain *domain = rows[line + ui->scroll];
		const struct top_part part = { (double)domain->info->memory_bytes / total, TOP_GUEST, '|' };
		char text[24];
		int row = area.first + line;

		top_put_middle(frame, row, 1, 23, style_of(domain), domain->label);
		top_putf(frame, row, 24, 6, TOP_PLAIN, "%5" PRIu32, domain->info->id);
		out_format_size(domain->info->memory_bytes, text, sizeof(text));
		top_put_right(frame, row, 30, 9, TOP_PLAIN, text);
		out_format_size(domain->info->max_memory_bytes, text, sizeof(text));
		top_put_right(frame, row, 40, 10, TOP_PLAIN, domain->info->max_memory_bytes >> 50 ? "none" : text);
		top_bar(frame, row, 52, frame->width - 53, &part, 1);
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
}

static void draw_devices(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area, bool disks)
{
	size_t n = 0, skipped = 0;
	int line = 0;

	for (size_t i = 0; i < model->n_devices; i++)
		n += model->devices[i].counters->disk == disks;
	top_place(ui, n, area.rows);
	top_putf(frame, area.first - 1, 1, frame->width, TOP_TITLE, "%-20s %-14s%10s%10s%12s%11s", "DOMAIN",
		 disks ? "DISK" : "INTERFACE", disks ? "READS/s" : "IN/s", disks ? "WRITES/s" : "OUT/s",
		 disks ? "READ/s" : "RX/s", disks ? "WRITE/s" : "TX/s");
	for (size_t i = 0; i < model->n_devices && line < area.rows; i++) {
		const struct top_device *device = &model->devices[i];
		int row = area.first + line;
		char text[24];

		if (device->counters->disk != disks || (int)skipped++ < ui->scroll)
			continue;
		if (device->domain)
			top_put_middle(frame, row, 1, 20, TOP_PLAIN, device->domain->label);
		else
			top_putf(frame, row, 1, 20, TOP_FAINT, "(domain %" PRIu32 ")", device->counters->domid);
		top_put(frame, row, 22, 14, TOP_PLAIN, device->counters->name);
		top_putf(frame, row, 36, 20, TOP_PLAIN, "%10.0f%10.0f", device->reads, device->writes);
		out_format_size((uint64_t)device->read_rate, text, sizeof(text));
		top_put_right(frame, row, 58, 10, TOP_PLAIN, text);
		out_format_size((uint64_t)device->write_rate, text, sizeof(text));
		top_put_right(frame, row, 69, 10, TOP_PLAIN, text);
		if (line++ + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
	if (!n)
		top_putf(frame, area.first, 1, frame->width, TOP_FAINT, "domain 0's kernel serves no %s",
			 disks ? "disk" : "network interface");
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
