/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lower edge: questions, what was answered, and the keys. */
#include <stdio.h>
#include <string.h>

#include "xlx/out.h"
#include "xlx/top/ui.h"

#define MESSAGE_ROWS 8

struct lines {
	char text[1200]; /* harmless */
	size_t starts[MESSAGE_ROWS], ends[MESSAGE_ROWS];
	int n;
	bool cut; /* there would have been more */
};

static void break_lines(const struct top_frame *frame, const char *text, struct lines *ret_lines)
{
	size_t at = 0;

	out_sanitize(text, ret_lines->text, sizeof(ret_lines->text));
	for (ret_lines->n = 0; ret_lines->text[at] && ret_lines->n < MESSAGE_ROWS; ret_lines->n++) {
		ret_lines->starts[ret_lines->n] = at;
		at += top_line_end(ret_lines->text + at, frame->width, frame->ascii);
		ret_lines->ends[ret_lines->n] = at;
		at += strspn(ret_lines->text + at, " ");
	}
	ret_lines->cut = ret_lines->text[at];
}

/* As many rows as it takes, the last one at that row, over what is there. Returns the first. */
static int put_lines(struct top_frame *frame, int last, enum top_style style, const char *text)
{
	struct lines lines;

	break_lines(frame, text, &lines);
	for (int i = 0; i < lines.n; i++) {
		top_clear_row(frame, last - lines.n + 1 + i);
		top_putf(frame, last - lines.n + 1 + i, 0, frame->width, style, "%.*s", (int)(lines.ends[i] - lines.starts[i]),
			 lines.text + lines.starts[i]);
	}
	if (lines.cut)
		top_put(frame, last, frame->width - 1, 1, style, "\u2026");
	return last - lines.n + 1;
}

static void draw_typing(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui, int row)
{
	char want[256];

	switch (top_act_typing(ui, model, want)) {
	case TOP_TYPING_COUNT:
		top_putf(frame, row, 0, frame->width, TOP_BAD, "type the number of domains (%s) and Enter, or Esc: %s", want, ui->typed);
		break;
	case TOP_TYPING_NUMBER:
		top_putf(frame, row, 0, frame->width, TOP_BAD, "type the domain's number (%s) and Enter, or Esc: %s", want, ui->typed);
		break;
	case TOP_TYPING_NAME:
		top_putf(frame, row, 0, frame->width, TOP_BAD, "type the domain's name and Enter, or Esc: %s", ui->typed);
		break;
	}
}

static void draw_question(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui)
{
	char command[TOP_COMMAND_TEXT], text[TOP_COMMAND_TEXT + 256], now[96];
	int row = frame->height - 2;
	struct lines lines;

	top_command_text(ui, model, command, sizeof(command));
	top_act_now_text(ui, model, now, sizeof(now));
	snprintf(text, sizeof(text), "%s  (%s%s)", command, ui->verb->effect, now);
	break_lines(frame, text, &lines);
	if (lines.cut) {
		/* whatever was typed: what it does is there */
		snprintf(text, sizeof(text), "(%s%s)", ui->verb->effect, now);
		put_lines(frame, put_lines(frame, row, TOP_WARN, text) - 1, TOP_WARN, command);
	} else {
		put_lines(frame, row, TOP_WARN, text);
	}
	if (ui->verb->wants == TOP_WANTS_YES)
		top_put(frame, row + 1, 0, frame->width, TOP_KEY, "Enter does it, Esc does not");
	else if (ui->verb->wants == TOP_WANTS_VALUE)
		top_putf(frame, row + 1, 0, frame->width, TOP_KEY, "type the %s; Enter does it, Esc does not", ui->verb->value);
	else
		draw_typing(frame, model, ui, row + 1);
}

static void draw_message(struct top_frame *frame, const struct top_ui *ui)
{
	int row = frame->height - 2;
	char hint[300];

	if (ui->hint[0]) {
		snprintf(hint, sizeof(hint), "hint: %s", ui->hint);
		row = put_lines(frame, row, TOP_WARN, hint) - 1;
	}
	put_lines(frame, row, ui->bad ? TOP_BAD : TOP_GOOD, ui->message);
}

void top_draw_footer(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui)
{
	int row = frame->height - 2;
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
	if (ui->message[0])
		draw_message(frame, ui);
	else if (ui->filter[0])
		top_putf(frame, row, 0, frame->width, TOP_WARN, "filter: %s", ui->filter);
	top_put(frame, row + 1, 0, frame->width, TOP_KEY,
		frame->width < 88 ? "d domains c CPUs m memory k disks n nets j jobs e events / filter ? help q quit" :
				    "d domains  c CPUs  m memory  k disks  n nets  j jobs  e events  / filter  ? help  q quit");
}
