/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/term.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "core/cleanup.h"
#include "xlx/top/ui.h"

#define CTRL_L 12
#define CTRL_Z 26

/* How each style looks: an attribute, and a colour where there are colours. */
static const struct {
	attr_t attribute;
	short colour;
} looks[TOP_STYLES] = {
	[TOP_PLAIN] = { A_NORMAL, -1 },
	[TOP_TITLE] = { A_BOLD, -1 },
	[TOP_SELECTED] = { A_REVERSE, -1 },
	[TOP_MARKED] = { A_BOLD, COLOR_YELLOW },
	[TOP_FAINT] = { A_DIM, -1 },
	[TOP_GOOD] = { A_NORMAL, COLOR_GREEN },
	[TOP_WARN] = { A_NORMAL, COLOR_YELLOW },
	[TOP_BAD] = { A_BOLD, COLOR_RED },
	[TOP_GUEST] = { A_NORMAL, COLOR_GREEN },
	[TOP_DOM0] = { A_NORMAL, COLOR_BLUE },
	[TOP_XEN] = { A_NORMAL, COLOR_MAGENTA },
	[TOP_KEY] = { A_NORMAL, COLOR_CYAN },
};

static SCREEN *screen;
static struct top_bytes typed;
static sigset_t signals; /* as they were before */

/* What was shown last: curses is told of cells that differ, and finds out for itself what it takes to send. */
static struct {
	struct top_cell *cells; /* NULL: nothing is known */
	int width, height;
} shown;

static void forget_shown(void)
{
	free(shown.cells);
	shown.cells = NULL;
}

static bool same_as_shown(const struct top_frame *frame, int at)
{
	return shown.cells && shown.cells[at].style == frame->cells[at].style && !strcmp(shown.cells[at].text, frame->cells[at].text);
}

static void remember(const struct top_frame *frame)
{
	size_t size = (size_t)frame->width * (size_t)frame->height * sizeof(*frame->cells);

	if (!shown.cells)
		shown.cells = malloc(size + 1);
	if (!shown.cells)
		return;
	memcpy(shown.cells, frame->cells, size);
	shown.width = frame->width;
	shown.height = frame->height;
}

void top_term_close(void)
{
	if (!screen)
		return;
	forget_shown();
	endwin();
	delscreen(screen);
	screen = NULL;
	sigprocmask(SIG_SETMASK, &signals, NULL);
}

const sigset_t *top_term_signals(void)
{
	return &signals;
}

void top_term_forget(void)
{
	forget_shown();
	clearok(curscr, TRUE);
}

/* A terminal such as "dumb" has nothing but lines; curses would take it all the same. */
static bool can_address_cells(void)
{
	const char *cup = tigetstr("cup");

	return cup && cup != (const char *)-1;
}

bool top_term_open(bool colour)
{
	sigset_t resized;

	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	sigemptyset(&resized);
	sigaddset(&resized, SIGWINCH);
	sigprocmask(SIG_BLOCK, &resized, &signals);
	set_term(screen);
	if (!can_address_cells()) {
		top_term_close();
		return false;
	}
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	set_escdelay(25);
	mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	if (colour && has_colors()) {
		start_color();
		use_default_colors();
		for (short i = 1; i < TOP_STYLES; i++)
			init_pair(i, looks[i].colour, -1);
	}
	return true;
}

void top_term_size(int *ret_width, int *ret_height)
{
	*ret_width = COLS;
	*ret_height = LINES;
}

void top_term_show(const struct top_frame *frame)
{
	if (!shown.cells || shown.width != frame->width || shown.height != frame->height) {
		forget_shown();
		erase();
	}
	for (int at = 0; at < frame->width * frame->height; at++) {
		const struct top_cell *cell = &frame->cells[at];

		if (!cell->text[0] || same_as_shown(frame, at))
			continue;
		attr_set(looks[cell->style].attribute, cell->style, NULL);
		mvaddstr(at / frame->width, at % frame->width, cell->text);
	}
	refresh();
	remember(frame);
}

static int mouse_key(void)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return -1;
	if (event.bstate & BUTTON4_PRESSED)
		return TOP_KEY_WHEEL_UP;
	if (event.bstate & BUTTON5_PRESSED)
		return TOP_KEY_WHEEL_DOWN;
	return TOP_KEY_CLICK + event.y % TOP_CLICK_COLUMN + event.x % 1000 * TOP_CLICK_COLUMN;
}

int top_term_key(void)
{
	static const struct {
		int curses, ours;
	} keys[] = {
		{ KEY_UP, TOP_KEY_UP }, { KEY_DOWN, TOP_KEY_DOWN }, { KEY_PPAGE, TOP_KEY_PAGE_UP },
		{ KEY_NPAGE, TOP_KEY_PAGE_DOWN }, { KEY_HOME, TOP_KEY_HOME }, { KEY_END, TOP_KEY_END },
		{ KEY_ENTER, TOP_KEY_ENTER }, { '\r', TOP_KEY_ENTER }, { '\n', TOP_KEY_ENTER },
		{ 27, TOP_KEY_ESCAPE }, { KEY_BACKSPACE, TOP_KEY_ERASE }, { 127, TOP_KEY_ERASE }, { 8, TOP_KEY_ERASE },
		{ 21, TOP_KEY_ERASE_ALL }, /* Ctrl-U */
		{ 3, TOP_KEY_INTERRUPT }, /* Ctrl-C */
	};
	int key = getch();

	if (key == ERR)
		return TOP_TERM_NOTHING;
	if (key == KEY_RESIZE)
		return TOP_TERM_RESIZED;
	if (key == CTRL_Z || key == CTRL_L)
		return key == CTRL_Z ? TOP_TERM_STOP : TOP_TERM_ANEW;
	if (key == KEY_MOUSE)
		return mouse_key();
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++)
		if (keys[i].curses == key)
			return keys[i].ours;
	/* Function keys that no key table has are above all bytes. */
	return key >= ' ' && key <= 0xff ? top_type_byte(&typed, key) : 0;
}
