/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A screen full of text, without a terminal: rows of cells, each a character and what it stands for. */
#ifndef XLX_TOP_FRAME_H
#define XLX_TOP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a character stands for; the terminal makes colours of it. */
enum top_style {
	TOP_PLAIN = 0,
	TOP_TITLE,    /* headings of columns */
	TOP_SELECTED,
	TOP_MARKED,
	TOP_FAINT,    /* stale, or of no weight */
	TOP_GOOD,
	TOP_WARN,
	TOP_BAD,
	TOP_GUEST,    /* the parts of a bar */
	TOP_DOM0,
	TOP_XEN,
	TOP_KEY,      /* keys at the lower edge */
	TOP_STYLES
};

struct top_cell {
	char text[7];  /* one character in UTF-8 with its NUL; "" is the second half of a wide one */
	uint8_t style;
};

struct top_frame {
	int width, height;
	int clip_first, clip_end;
	bool ascii; /* anything else is replaced as it is put */
	struct top_cell *cells;
};

/* Blank; NULL without memory. */
struct top_frame *top_frame_new(int width, int height, bool ascii);
void top_frame_free(struct top_frame *frame);

/* Put text (guests' bytes are made harmless) at a place, in at most `room` columns; what lies outside is left out. Returns
 * the columns it took. */
int top_put(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *text);
int top_putf(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* The same with its end at the right of the room; '#' fills the room when it is too small for all of it. */
void top_put_right(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *text);
/* A text that is too long loses its middle: names differ at their ends. */
void top_put_middle(struct top_frame *frame, int row, int column, int room, enum top_style style, const char *text);
/* The whole row gets a style; what is plain or a part of a bar gets faint; nothing is left in it. */
void top_style_row(struct top_frame *frame, int row, enum top_style style);
void top_fade_row(struct top_frame *frame, int row);
void top_clear_row(struct top_frame *frame, int row);
/* From now on only rows first to end - 1 are put into. */
void top_clip(struct top_frame *frame, int first, int end);
/* A bar in `room` columns: n parts of a whole of 1. */
struct top_part {
	double share;
	enum top_style style;
	char letter; /* what stands for it without colours */
};
void top_bar(struct top_frame *frame, int row, int column, int room, const struct top_part *parts, int n);
/* Columns a text takes when it is put. */
int top_width(const char *text, bool ascii);
/* How many bytes go on a line of so many columns: up to a blank, if there is one. At least 1 of what is not empty. */
size_t top_line_end(const char *text, int width, bool ascii);

/* The frame as lines of text, without what is blank at their ends. The caller's to free; NULL without memory. */
char *top_frame_text(const struct top_frame *frame);

#endif
