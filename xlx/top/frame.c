/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "core/utf8.h"
#include "xlx/out.h"

#define TEXT_MAX 1024

struct top_frame *top_frame_new(int width, int height, bool ascii)
{
	struct top_frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		return NULL;
	frame->width = width;
	frame->height = frame->clip_end = height;
	frame->ascii = ascii;
	frame->cells = calloc((size_t)width * (size_t)height + 1, sizeof(*frame->cells));
	if (!frame->cells) {
		free(frame);
		return NULL;
	}
	for (int i = 0; i < width * height; i++)
		frame->cells[i].text[0] = ' ';
	return frame;
}

void top_frame_free(struct top_frame *frame)
{
	if (!frame)
		return;
	free(frame->cells);
	free(frame);
}

/* ---- characters ---- */

struct character {
	char text[7];
	int width; /* 0 to 2 columns */
};

/* Glyphs of ours that have a stand-in; anything else that is not ASCII becomes '?'. */
static char stand_in(uint32_t code)
{
	switch (code) {
	case 0x2026: /* ellipsis */
		return '~';
	case 0x25bc: /* triangles: the order of sorting */
		return 'v';
	case 0x25b2:
		return '^';
	default:
		return '?';
	}
}

/* The character at text, which out_sanitize() has gone over. Returns its length. */
static size_t next_character(const char *text, bool ascii, struct character *ret_character)
{
	uint32_t code;
	size_t len = uvpi_utf8_decode(text, text + strnlen(text, 4), &code);

	memset(ret_character, 0, sizeof(*ret_character));
	ret_character->width = 1;
	ret_character->text[0] = '?';
	if (!len)
		return 1;
	if (code >= 0x80 && ascii) {
		/* One column for each, so that a frame looks alike with and without. */
		ret_character->text[0] = stand_in(code);
		ret_character->width = wcwidth((wchar_t)code) == 0 ? 0 : 1;
	} else {
		int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);

		if (width >= 0) {
			memcpy(ret_character->text, text, len);
			ret_character->width = width;
		}
	}
	return len;
}

int top_width(const char *text, bool ascii)
{
	int width = 0;

	while (*text) {
		struct character character;

		text += next_character(text, ascii, &character);
		width += character.width;
	}
	return width;
}

size_t top_line_end(const char *text, int width, bool ascii)
{
	const char *at = text, *blank = NULL;
	int used = 0;

	while (*at) {
		struct character character;
		size_t len = next_character(at, ascii, &character);

		used += character.width;
		if (used > width)
			return blank ? (size_t)(blank - text) : at > text ? (size_t)(at - text) : len;
		if (*at == ' ')
			blank = at;
		at += len;
	}
	return (size_t)(at - text);
}

void top_clip(struct top_frame *frame, int first, int end)
{
	frame->clip_first = first < 0 ? 0 : first;
	frame->clip_end = end > frame->height ? frame->height : end;
}

/* ---- putting ---- */

static void set_cell(struct top_frame *frame, int row, int column, const char text[7], enum top_style style)
{
	struct top_cell *cell = &frame->cells[row * frame->width + column];

	memcpy(cell->text, text, sizeof(cell->text));
	cell->style = (uint8_t)style;
}

int top_put(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *text)
{
	char clean[TEXT_MAX];
	static const char second_half[7] = "";
	const char *p = clean;
	int used = 0;

	out_sanitize(text, clean, sizeof(clean));
	if (room > frame->width - column)
		room = frame->width - column;
	if (row < frame->clip_first || row >= frame->clip_end || column < 0)
		return 0;
	while (*p) {
		struct character character;

		p += next_character(p, frame->ascii, &character);
		/* What joins the character before it is left out: a cell has one. */
		if (!character.width)
			continue;
		if (used + character.width > room)
			break;
		set_cell(frame, row, column + used, character.text, style);
		if (character.width == 2)
			set_cell(frame, row, column + used + 1, second_half, style);
		used += character.width;
	}
	return used;
}

int top_putf(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return top_put(frame, row, column, room, style, text);
}

void top_put_right(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *text)
{
	int width = top_width(text, frame->ascii);

	/* A number that lost a digit is another number. */
	for (int i = 0; width > room && i < room; i++)
		top_put(frame, row, column + i, 1, style, "#");
	if (width <= room)
		top_put(frame, row, column + room - width, width, style, text);
}

/* The end of the text that fits into so many columns. */
static const char *tail_of(const char *text, int room, bool ascii)
{
	struct character character;

	while (top_width(text, ascii) > room)
		text += next_character(text, ascii, &character);
	return text;
}

void top_put_middle(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *text)
{
	char clean[TEXT_MAX];
	int head = room / 2, used;

	out_sanitize(text, clean, sizeof(clean));
	if (top_width(clean, frame->ascii) <= room || room < 5) {
		top_put(frame, row, column, room, style, clean);
		return;
	}
	used = top_put(frame, row, column, head, style, clean);
	used += top_put(frame, row, column + used, 1, style, "\u2026");
	top_put(frame, row, column + used, room - used, style, tail_of(clean, room - used, frame->ascii));
}

void top_style_row(struct top_frame *frame, int row, enum top_style style)
{
	for (int column = 0; row >= 0 && row < frame->height && column < frame->width; column++)
		frame->cells[row * frame->width + column].style = (uint8_t)style;
}

void top_fade_row(struct top_frame *frame, int row)
{
	for (int column = 0; row >= 0 && row < frame->height && column < frame->width; column++) {
		struct top_cell *cell = &frame->cells[row * frame->width + column];

		if (cell->style != TOP_SELECTED && cell->style != TOP_BAD && cell->style != TOP_WARN && cell->style != TOP_TITLE)
			cell->style = TOP_FAINT;
	}
}

void top_clear_row(struct top_frame *frame, int row)
{
	for (int column = 0; row >= 0 && row < frame->height && column < frame->width; column++)
		frame->cells[row * frame->width + column] = (struct top_cell){ .text = " " };
}

void top_bar(struct top_frame *frame, int row, int column, int room, const struct top_part *parts, int n)
{
	double sum = 0;
	int used = 0, inside = room - 2;

	if (inside < 1)
		return;
	top_put(frame, row, column, 1, TOP_PLAIN, "[");
	top_put(frame, row, column + room - 1, 1, TOP_PLAIN, "]");
	for (int i = 0; i < n; i++) {
		int end;

		sum += parts[i].share > 0 ? parts[i].share : 0;
		end = sum >= 1 ? inside : (int)(sum * inside + 0.5);
		for (; used < end; used++)
			top_putf(frame, row, column + 1 + used, 1, parts[i].style, "%c", parts[i].letter);
	}
}

/* ---- as text ---- */

char *top_frame_text(const struct top_frame *frame)
{
	size_t per_line = (size_t)frame->width * (sizeof(frame->cells->text) - 1) + 1;
	char *text = malloc((size_t)frame->height * per_line + 1), *p = text;

	if (!text)
		return NULL;
	for (int row = 0; row < frame->height; row++) {
		const struct top_cell *cells = &frame->cells[row * frame->width];
		int end = frame->width;

		while (end > 0 && !strcmp(cells[end - 1].text, " "))
			end--;
		for (int column = 0; column < end; column++)
			p = stpcpy(p, cells[column].text);
		*p++ = '\n';
	}
	*p = '\0';
	return text;
}
