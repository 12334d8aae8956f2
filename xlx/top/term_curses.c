/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/term.h"

#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "core/cleanup.h"
#include "xlx/top/ui.h"

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

bool top_term_open(bool colour)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	set_term(screen);
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

void top_term_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void top_term_size(int *ret_width, int *ret_height)
{
	*ret_width = COLS;
	*ret_height = LINES;
}

void top_term_show(const struct top_frame *frame)
{
	erase();
	for (int row = 0; row < frame->height; row++) {
		for (int column = 0; column < frame->width; column++) {
			const struct top_cell *cell = &frame->cells[row * frame->width + column];

			if (!cell->text[0])
				continue;
			attr_set(looks[cell->style].attribute, cell->style, NULL);
			mvaddstr(row, column, cell->text);
		}
	}
	refresh();
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
		{ 3, 'q' }, /* Ctrl-C */
	};
	int key = getch();

	if (key == ERR)
		return -1;
	if (key == KEY_RESIZE)
		return -2;
	if (key == KEY_MOUSE)
		return mouse_key();
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++)
		if (keys[i].curses == key)
			return keys[i].ours;
	/* Function keys and bytes of characters that no key table has. */
	return key >= ' ' && key <= '~' ? key : 0;
}
