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

enum top_view { TOP_DOMAINS, TOP_CPUS, TOP_MEMORY, TOP_DISKS, TOP_NETS, TOP_JOBS, TOP_EVENTS, TOP_DOMAIN, TOP_COLUMNS, TOP_HELP, TOP_VIEWS };
enum top_mode { TOP_LOOKING, TOP_FILTERING, TOP_CONFIRMING };

/* What can be done to domains from here: commands of xlx. */
enum top_wants { TOP_WANTS_YES, TOP_WANTS_NAME, TOP_WANTS_VALUE };
struct top_verb {
	int key;
	const char *command;  /* "shutdown" */
	const char *effect;   /* "asks the guest to power off" */
	enum top_wants wants; /* NAME: the domain's own must be typed; VALUE: one more argument */
	const char *value;    /* what that is, for the question */
	bool several;         /* takes more than one domain */
	bool nowhere;         /* is done to none that runs: the value alone is the argument */
};

#define TOP_COLUMNS_MAX 32
#define TOP_TYPED_MAX 256

struct top_ui {
	enum top_view view, back;
	enum top_mode mode;
	int sort;
	bool reverse, tree; /* tree: by pool */
	uint8_t order[TOP_COLUMNS_MAX]; /* of all columns; those that are on are shown */
	bool on[TOP_COLUMNS_MAX];
	bool columns_given; /* on the command line */
	int heads[TOP_COLUMNS_MAX], n_heads; /* where the last picture had headings, in order: for the mouse */
	char filter[64], before[64]; /* before: what it was when typing began */
	int cursor, scroll;
	struct top_id selected; /* the domain under the cursor, which stays there when others come and go */
	bool has_selected;
	struct top_id *marked;
	size_t n_marked;
	uint64_t unlocked_until; /* seconds of the caller's clock; 0: locked */
	const struct top_verb *verb;
	struct top_id *victims; /* what the verb would be done to: these very ones */
	size_t n_victims;
	char typed[TOP_TYPED_MAX];
	char message[512], hint[256]; /* of what was done last */
	bool bad, stays; /* stays: until it has been read */
	int lines; /* of the view of one domain, when it was drawn last */
	char failure[512], failure_hint[256]; /* why there are no new figures; "" : there are */
	int64_t age; /* seconds since the sample was taken */
	bool held; /* the display stands still */
	bool too_small; /* nothing is shown */
	size_t at_work; /* commands that were started here and have not ended */
	bool leaving; /* the operator was told of them */
	int64_t past_at, past_age; /* seconds since 1970 of what is shown, and how long ago that was; 0: it is now */
	int interval_ms;
	bool ascii;
};

void top_ui_init(struct top_ui *ui);
void top_ui_done(struct top_ui *ui);

/* The message above the keys; hint may be empty. (keys.c) */
void top_say(struct top_ui *ui, bool bad, const char *text, const char *hint);

/* ---- rows.c ---- */
/* A domain, or the heading of a pool with what its domains have in all. */
struct top_row {
	const struct top_domain *domain; /* NULL: a heading */
	uint32_t pool;
	size_t n;
	double cpu;
	uint64_t memory;
};
/* The domains that the filter lets through, in order, by pool if the tree is on: an array to free(); sets the number. NULL
 * without memory. */
struct top_row *top_rows(const struct top_model *model, const struct top_ui *ui, size_t *ret_n);
/* What a pool's domains have in all: "NAME, 4 CPUs: 3 domains, CPU 5.0% ...", with the unit of per cent as it is asked for. */
#define TOP_POOL_TEXT 192
void top_pool_text(const struct top_model *model, const struct top_row *heading, const char *percent, char buf[TOP_POOL_TEXT]);
/* Is the filter one that means something; else what is wrong with it. */
bool top_filter_check(const char *filter, char *ret_why, size_t size);
bool top_is_marked(const struct top_ui *ui, const struct top_model *model, const struct top_domain *domain);

/* ---- figures.c ---- */
/* Figures that fit into a column, with less of their precision when they are large. What counts gets at most room columns, 6 at
 * least: "1234567", "12.3M"; sizes 8 and at most 9: "1023 MiB"; times 12: "1:02:03", "99d 01:02:03", "100d 01h". */
void top_count_text(uint64_t count, int room, char *buf, size_t len);
void top_size_text(double bytes, char *buf, size_t len);
uint64_t top_whole(double number); /* rounded; what is no number of that kind is made one */
void top_time_text(uint64_t seconds, int room, char *buf, size_t len);

/* ---- columns.c ---- */
/* The columns of the list of domains; title NULL ends the table. The first is the name, which is always shown. */
enum top_needs { TOP_NEEDS_NOTHING, TOP_NEEDS_DEVICES, TOP_NEEDS_MEMORY };
struct top_column {
	const char *title;
	int width;
	bool left, usual;
	enum top_needs needs; /* DEVICES: made of what disks and interfaces count */
	const char *help;
	void (*text)(const struct top_domain *domain, char *buf, size_t len);
	int (*compare)(const struct top_domain *a, const struct top_domain *b); /* what comes first when not reversed */
};
extern const struct top_column top_columns[];
int top_column_find(const char *title); /* -1: none */
void top_columns_usual(struct top_ui *ui);
/* "NAME,CPU%"; false, and why, when it is not a list of columns. And back. */
bool top_columns_parse(struct top_ui *ui, const char *text, char *ret_why, size_t size);
void top_columns_text(const struct top_ui *ui, char *buf, size_t len);
/* In the view that chooses: on or off, earlier or later, what the cursor is at. */
void top_column_switch(struct top_ui *ui);
void top_column_move(struct top_ui *ui, int by);
/* Is anything shown that needs it? */
bool top_wants(const struct top_ui *ui, enum top_needs what);

/* ---- view.c ---- */
/* The picture for a screen of that size; NULL without memory. now is the clock of unlocked_until. */
struct top_frame *top_draw(const struct top_model *model, struct top_ui *ui, int width, int height, uint64_t now);
/* The terminal has that size now: is there room for a picture? What is being asked ends where there is none. */
bool top_fits(struct top_ui *ui, int width, int height);
int top_view_find(const char *name); /* "domains", "cpus" ...; -1: none */
const char *top_view_name(enum top_view view);
/* "running", "ready": could run and waits for a CPU; of a domain that cannot run "stopped", whatever its vCPUs last did */
const char *top_vcpu_word(const struct top_domain *domain, const struct uvp_stats_vcpu *vcpu);
/* "running"; of one that has ended, why */
const char *top_state_word(const struct uvp_domain_info *info);
/* For views: the lists between header and footer. They put the cursor and scroll where they can be. */
struct top_area {
	int first, rows; /* rows of the frame */
};
void top_draw_lists(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area);
/* alerts.c: what needs the operator's eye; returns how many. */
#define TOP_ALERTS_MAX 8
struct top_alert {
	bool bad;
	char text[320];
};
size_t top_alerts(const struct top_model *model, const struct top_ui *ui, struct top_alert alerts[TOP_ALERTS_MAX]);
/* view_news.c */
void top_job_text(const struct uvpi_job *job, char *buf, size_t len); /* how far it is: "3 GiB of 8 GiB" */
void top_draw_news(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area);
/* view_domain.c: what is counted of a device, which is NULL where nothing is; whether an event tells of that domain */
const struct top_device *top_counted(const struct top_model *model, const struct top_domain *domain, const char *kind, uint32_t devid);
bool top_event_is_of(const struct uvpi_event *event, const struct top_domain *domain);
/* For lists: the cursor and what is in sight of n rows are put where they can be. */
void top_place(struct top_ui *ui, size_t n, int rows);
void top_draw_domain(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area);
void top_draw_columns(struct top_frame *frame, struct top_ui *ui, struct top_area area);
/* view_foot.c */
void top_draw_footer(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui);

/* ---- keys.c ---- */
enum { /* beyond characters */
	TOP_KEY_UP = 0x110000, TOP_KEY_DOWN, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME, TOP_KEY_END, TOP_KEY_ENTER,
	TOP_KEY_ESCAPE, TOP_KEY_ERASE, TOP_KEY_ERASE_ALL, TOP_KEY_INTERRUPT, TOP_KEY_WHEEL_UP, TOP_KEY_WHEEL_DOWN,
	TOP_KEY_CLICK = 0x200000 /* + row of the screen + column * TOP_CLICK_COLUMN */
};
#define TOP_CLICK_COLUMN 0x1000
enum top_act {
	TOP_ACT_NONE,
	TOP_ACT_QUIT,
	TOP_ACT_BACK, /* in time, by a sample or a minute */
	TOP_ACT_FORWARD,
	TOP_ACT_MINUTE_BACK,
	TOP_ACT_MINUTE_FORWARD,
	TOP_ACT_NOW,
	TOP_ACT_KEEP, /* remember what was chosen */
	TOP_ACT_REFRESH,
	TOP_ACT_RUN,
	TOP_ACT_CONSOLE
};

/* The domain under the cursor, which becomes the selected one; NULL: there is none. */
const struct top_domain *top_select(struct top_ui *ui, const struct top_model *model);
/* What a key means. RUN and CONSOLE come only while unlocked, after the operator has confirmed them: *ret_argv is then the command,
 * an array that ends with NULL, to top_argv_free(). page is the number of rows of the list. */
enum top_act top_key(struct top_ui *ui, const struct top_model *model, int key, int page, uint64_t now, char ***ret_argv);
void top_argv_free(char **argv);
/* Line i of the help: key and meaning; false past the end. */
bool top_help_line(int i, const char **ret_key, const char **ret_help);

/* ---- typing.c ---- */
struct top_bytes {
	char text[5]; /* the first of a character whose others are still to come */
};
/* The character that is complete with this byte; 0: none yet, or it is no UTF-8. */
int top_type_byte(struct top_bytes *bytes, int byte);
/* A key while something is typed: true when it belonged to the text. */
bool top_type(char *text, size_t size, int key);
/* Is the part in there, in small letters or capitals? */
bool top_contains(const char *text, const char *part);

/* ---- acts.c ---- */
const struct top_verb *top_verb_find(int key); /* NULL: none */
const struct top_verb *top_verb_at(size_t i);  /* NULL: past the end */
/* The key of an act: asks, or says why not. */
void top_act_ask(struct top_ui *ui, const struct top_model *model, const struct top_verb *verb, uint64_t now);
/* A key while it is asked. */
enum top_act top_act_key(struct top_ui *ui, const struct top_model *model, int key, uint64_t now, char ***ret_argv);
/* Of a command: the words that stand for ui->victims, in this order. And that it was begun: marks have had their use. */
char **top_act_words(char **argv);
void top_act_begun(struct top_ui *ui);
/* What must be typed before a domain, or several, are destroyed. "": it is gone. */
enum top_typing { TOP_TYPING_NAME, TOP_TYPING_NUMBER, TOP_TYPING_COUNT };
enum top_typing top_act_typing(const struct top_ui *ui, const struct top_model *model, char buf[256]);
/* What it would change, as it is now: "now 512 MiB". */
void top_act_now_text(const struct top_ui *ui, const struct top_model *model, char *buf, size_t len);
/* "xlx shutdown web": what confirming would run. Of many, as many as are read at a glance: "xlx shutdown of 57 domains: a b ... and
 * 40 more". */
#define TOP_COMMAND_TEXT 768
void top_command_text(const struct top_ui *ui, const struct top_model *model, char *buf, size_t len);

#endif
