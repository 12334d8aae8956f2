/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terminal: puts a frame on the screen, turns what is typed into keys. Only term_curses.c knows curses. */
#ifndef XLX_TOP_TERM_H
#define XLX_TOP_TERM_H

#include <signal.h>
#include <stdbool.h>

#include "xlx/top/frame.h"

/* Takes the screen; false when the terminal cannot do it. colour: as far as it has colours. */
bool top_term_open(bool colour);
void top_term_close(void); /* gives the screen back; fine when it is not open */
void top_term_size(int *ret_width, int *ret_height);
void top_term_show(const struct top_frame *frame);
/* Somebody else wrote on it: all of it is sent with the next frame. */
void top_term_forget(void);
/* The signals that are blocked while the screen is open, lest a change of its size comes where nobody waits for one, but not while
 * it is waited. */
const sigset_t *top_term_signals(void);
/* The next key that was typed, as in xlx/top/ui.h, or one of these; does not wait. */
enum {
	TOP_TERM_NOTHING = -1,
	TOP_TERM_RESIZED = -2,
	TOP_TERM_STOP = -3,  /* Ctrl-Z: the shell is to have the terminal */
	TOP_TERM_ANEW = -4, /* Ctrl-L */
};
int top_term_key(void);

#endif
