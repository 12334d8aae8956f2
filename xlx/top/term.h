/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terminal: puts a frame on the screen, turns what is typed into keys. Only term_curses.c knows curses. */
#ifndef XLX_TOP_TERM_H
#define XLX_TOP_TERM_H

#include <stdbool.h>

#include "xlx/top/frame.h"

/* Takes the screen; false when the terminal cannot do it. colour: as far as it has colours. */
bool top_term_open(bool colour);
void top_term_close(void); /* gives the screen back; fine when it is not open */
void top_term_size(int *ret_width, int *ret_height);
void top_term_show(const struct top_frame *frame);
/* The next key that was typed, as in xlx/top/ui.h, or one of these; does not wait. */
enum {
	TOP_TERM_NOTHING = -1,
	TOP_TERM_RESIZED = -2,
	TOP_TERM_STOP = -3, /* Ctrl-Z: the shell is to have the terminal */
};
int top_term_key(void);

#endif
