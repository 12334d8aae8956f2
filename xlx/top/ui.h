/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator sees and has chosen, and what keys do to it. No terminal: time and keys are parameters. */
#ifndef XLX_TOP_UI_H
#define XLX_TOP_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xlx/top/frame.h"
#include "xlx/top/model.h"

#define TOP_MIN_WIDTH 80
#define TOP_MIN_HEIGHT 24
#define TOP_UNLOCK_SECONDS 300
#define TOP_MIN_INTERVAL_MS 100
#define TOP_MAX_INTERVAL_MS 60000

enum top_view { TOP_DOMAINS, TOP_CPUS, TOP_MEMORY, TOP_DISKS, TOP_NETS, TOP_JOBS, TOP_EVENTS, TOP_DOMAIN, TOP_HELP, TOP_VIEWS };
enum top_mode { TOP_LOOKING, TOP_FILTERING, TOP_CONFIRMING };

/* What can be done to domains from here: commands of xlx. */
struct top_verb {
	int key;
	const char *command; /* "shutdown" */
	const char *effect;  /* "asks the guest to power off" */
	bool typed;          /* the name must be typed */
};

struct top_ui {
	enum top_view view, back;
	enum top_mode mode;
	int sort;
	bool reverse;
	char filter[64], before[64]; /* before: what it was when typing began */
	int cursor, scroll;
	uint8_t selected[16]; /* the domain under the cursor, which stays there when others come and go */
	bool has_selected;
	uint8_t (*marked)[16];
	size_t n_marked;
	uint64_t unlocked_until; /* seconds of the caller's clock; 0: locked */
	const struct top_verb *verb;
	uint8_t (*victims)[16]; /* what the verb would be done to */
	size_t n_victims;
	char typed[256];
	char message[512], hint[256]; /* of what was done last */
	bool bad;
	bool held; /* the display stands still */
	int64_t past_at, past_age; /* seconds since 1970 of what is shown, and how long ago that was; 0: it is now */
	int interval_ms;
	bool ascii;
};

void top_ui_init(struct top_ui *ui);
void top_ui_done(struct top_ui *ui);

/* The message above the keys; hint may be empty. (keys.c) */
void top_say(struct top_ui *ui, bool bad, const char *text, const char *hint);

/* ---- rows.c ---- */
/* The domains that the filter lets through, in order: an array to free(); sets the number. NULL without memory. */
const struct top_domain **top_rows(const struct top_model *model, const struct top_ui *ui, size_t *ret_n);
/* Is the filter one that means something; else what is wrong with it. */
bool top_filter_check(const char *filter, char *ret_why, size_t size);
bool top_is_marked(const struct top_ui *ui, const uint8_t uuid[16]);

/* The columns of the list of domains; title NULL ends the table. */
struct top_column {
	const char *title;
	int width;
	bool left;
	void (*text)(const struct top_domain *domain, char *buf, size_t len);
	int (*compare)(const struct top_domain *a, const struct top_domain *b); /* what comes first when not reversed */
};
extern const struct top_column top_columns[];
int top_column_find(const char *title); /* -1: none */

/* ---- view.c ---- */
/* The picture for a screen of that size; NULL without memory. now is the clock of unlocked_until. */
struct top_frame *top_draw(const struct top_model *model, struct top_ui *ui, int width, int height, uint64_t now);
int top_view_find(const char *name); /* "domains", "cpus" ...; -1: none */
const char *top_view_name(enum top_view view);
/* "running"; of one that has ended, why */
const char *top_state_word(const struct uvp_domain_info *info);
/* For views: the lists between header and footer. They put the cursor and scroll where they can be. */
struct top_area {
	int first, rows; /* rows of the frame */
};
void top_draw_lists(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area);
/* view_news.c */
void top_draw_news(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area);
/* For lists: the cursor and what is in sight of n rows are put where they can be. */
void top_place(struct top_ui *ui, size_t n, int rows);
void top_draw_domain(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui, struct top_area area);

/* ---- keys.c ---- */
enum { /* beyond characters */
	TOP_KEY_UP = 0x110000, TOP_KEY_DOWN, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME, TOP_KEY_END, TOP_KEY_ENTER,
	TOP_KEY_ESCAPE, TOP_KEY_ERASE, TOP_KEY_WHEEL_UP, TOP_KEY_WHEEL_DOWN,
	TOP_KEY_CLICK = 0x200000 /* + row of the screen */
};
enum top_act {
	TOP_ACT_NONE,
	TOP_ACT_QUIT,
	TOP_ACT_BACK, /* in time, by a sample or a minute */
	TOP_ACT_FORWARD,
	TOP_ACT_MINUTE_BACK,
	TOP_ACT_MINUTE_FORWARD,
	TOP_ACT_NOW,
	TOP_ACT_REFRESH,
	TOP_ACT_RUN,
	TOP_ACT_CONSOLE
};

/* What a key means. RUN and CONSOLE come only while unlocked, after the operator has confirmed them: *ret_argv is then the command,
 * an array that ends with NULL, to top_argv_free(). page is the number of rows of the list. */
enum top_act top_key(struct top_ui *ui, const struct top_model *model, int key, int page, uint64_t now, char ***ret_argv);
void top_argv_free(char **argv);
/* Line i of the help: key and meaning; false past the end. */
bool top_help_line(int i, const char **ret_key, const char **ret_help);
/* "xlx shutdown web": what confirming would run. */
void top_command_text(const struct top_ui *ui, const struct top_model *model, char *buf, size_t len);

#endif
