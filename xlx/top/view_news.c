/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that are at work, and what has happened. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "xlx/out.h"
#include "xlx/top/ui.h"

void top_job_text(const struct uvpi_job *job, char *buf, size_t len)
{
	char done[24], total[24];

	if (job->unit == UVP_UNIT_BYTES) {
		out_format_size(job->done, done, sizeof(done));
		out_format_size(job->total, total, sizeof(total));
	} else {
		snprintf(done, sizeof(done), "%" PRIu64 "%s", job->done, job->unit == UVP_UNIT_SECONDS ? " s" : "");
		snprintf(total, sizeof(total), "%" PRIu64 "%s", job->total, job->unit == UVP_UNIT_SECONDS ? " s" : "");
	}
	snprintf(buf, len, job->total ? "%s of %s" : "%s", done, total);
}

static void draw_jobs(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	top_put(frame, area.first - 1, 1, frame->width, TOP_TITLE, "    PID      FOR  COMMAND");
	top_put(frame, area.first - 1, frame->width - 38, 38, TOP_TITLE, "DOING");
	for (int line = 0; line < area.rows && line + ui->scroll < (int)model->n_jobs; line++) {
		const struct uvpi_job *job = &model->jobs[line + ui->scroll];
		int row = area.first + line;
		char text[64], doing[sizeof(job->phase) + sizeof(text) + 2];

		top_time_text((uint64_t)(model->taken_at > job->started_s ? model->taken_at - job->started_s : 0), 9, text, sizeof(text));
		top_putf(frame, row, 1, 20, TOP_PLAIN, "%7" PRIu32, job->pid);
		top_put_right(frame, row, 8, 9, TOP_PLAIN, text);
		top_put_middle(frame, row, 19, frame->width - 38 - 20, TOP_PLAIN, job->command);
		top_job_text(job, text, sizeof(text));
		snprintf(doing, sizeof(doing), "%s: %s", job->phase, text);
		top_put_middle(frame, row, frame->width - 38, 38, TOP_PLAIN, doing);
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
	if (!model->n_jobs)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, "no command of xlx is at work that takes a while");
}

static void draw_events(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	static const enum top_style styles[] = { TOP_BAD, TOP_BAD, TOP_BAD, TOP_BAD, TOP_WARN };

	top_put(frame, area.first - 1, 1, frame->width, TOP_TITLE, "WHEN (UTC)           WHAT");
	for (int line = 0; line < area.rows && line + ui->scroll < (int)model->n_events; line++) {
		const struct uvpi_event *event = &model->events[line + ui->scroll];
		time_t at = (time_t)event->time_s;
		int row = area.first + line;
		char text[32] = "";
		struct tm tm;

		if (gmtime_r(&at, &tm))
			strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		top_put(frame, row, 1, 19, TOP_FAINT, text);
		top_put(frame, row, 22, frame->width - 23, event->level < 5 ? styles[event->level < 0 ? 0 : event->level] : TOP_PLAIN,
			event->text);
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
	if (!model->n_events)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, "uvp-hostd tells what happens, and has told nothing since the host started");
}

void top_draw_news(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	top_place(ui, ui->view == TOP_JOBS ? model->n_jobs : model->n_events, area.rows);
	if (ui->past_at)
		top_put(frame, area.first, 1, frame->width, TOP_FAINT, "the history has neither jobs nor events; Esc comes back to now");
	else if (ui->view == TOP_JOBS)
		draw_jobs(frame, model, ui, area);
	else
		draw_events(frame, model, ui, area);
}
