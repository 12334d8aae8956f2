/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keys do. The table makes the help as well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "xlx/top/ui.h"

void top_ui_init(struct top_ui *ui)
{
	*ui = (struct top_ui){ .interval_ms = 1000, .sort = top_column_find("CPU%") };
	top_columns_usual(ui);
}

void top_ui_done(struct top_ui *ui)
{
	free(ui->marked);
	free(ui->victims);
	*ui = (struct top_ui){ 0 };
}

/* ---- tables ---- */

struct key {
	int code;
	void (*act)(struct top_ui *ui, const struct top_model *model, int page);
	const char *name, *help;
};

static void go(struct top_ui *ui, enum top_view view)
{
	if (ui->view != TOP_HELP && ui->view != TOP_DOMAIN && ui->view != TOP_COLUMNS)
		ui->back = ui->view;
	if (ui->view != view)
		ui->cursor = ui->scroll = 0;
	ui->view = view;
}

#define GO(name, view)                                                                             \
	static void name(struct top_ui *ui, const struct top_model *model, int page)               \
	{                                                                                          \
		go(ui, view);                                                                      \
	}
GO(go_domains, TOP_DOMAINS)
GO(go_cpus, TOP_CPUS)
GO(go_memory, TOP_MEMORY)
GO(go_disks, TOP_DISKS)
GO(go_nets, TOP_NETS)
GO(go_jobs, TOP_JOBS)
GO(go_events, TOP_EVENTS)
GO(go_columns, TOP_COLUMNS)
GO(go_help, TOP_HELP)

static bool lists_domains(const struct top_ui *ui)
{
	return ui->view == TOP_DOMAINS || ui->view == TOP_MEMORY;
}

const struct top_domain *top_select(struct top_ui *ui, const struct top_model *model)
{
	size_t n;
	_cleanup_free_ struct top_row *rows = NULL;

	if (ui->view == TOP_DOMAIN)
		return ui->has_selected ? top_model_follow(model, &ui->selected) : NULL;
	if (!lists_domains(ui))
		return NULL;
	rows = top_rows(model, ui, &n);
	/* no picture since the filter was changed */
	if (!rows || ui->cursor < 0 || ui->cursor >= (int)n)
		return NULL;
	/* on the heading of a pool the cursor follows nobody */
	ui->has_selected = rows[ui->cursor].domain;
	if (ui->has_selected)
		ui->selected = top_id_of(rows[ui->cursor].domain);
	return rows[ui->cursor].domain;
}

static size_t count_rows(const struct top_ui *ui, const struct top_model *model)
{
	size_t n = 0;

	if (lists_domains(ui))
		free(top_rows(model, ui, &n));
	else if (ui->view == TOP_COLUMNS)
		while (top_columns[n].title)
			n++;
	else if (ui->view == TOP_CPUS)
		n = model->n_cpus;
	else if (ui->view == TOP_JOBS || ui->view == TOP_EVENTS)
		n = ui->view == TOP_JOBS ? model->n_jobs : model->n_events;
	else if (ui->view == TOP_DISKS || ui->view == TOP_NETS)
		for (size_t i = 0; i < model->n_devices; i++)
			n += model->devices[i].counters->disk == (ui->view == TOP_DISKS);
	return n;
}

static void move(struct top_ui *ui, const struct top_model *model, int to)
{
	int n = (int)count_rows(ui, model);

	/* One domain in full has no cursor, and scrolls. */
	if (ui->view == TOP_DOMAIN) {
		ui->scroll = to < 0 ? 0 : to >= ui->lines ? ui->lines : to;
		ui->cursor = ui->scroll;
		return;
	}
	ui->cursor = to < 0 || !n ? 0 : to >= n ? n - 1 : to;
	top_select(ui, model);
}

static void up(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor - 1); }
static void down(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor + 1); }
static void page_up(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor - page); }
static void page_down(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor + page); }
static void home(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, 0); }
static void end(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, INT32_MAX); }

static void escape(struct top_ui *ui, const struct top_model *model, int page)
{
	if (ui->view == TOP_DOMAIN || ui->view == TOP_HELP || ui->view == TOP_COLUMNS) {
		ui->view = ui->back;
		ui->cursor = ui->scroll = 0;
	} else if (ui->n_marked) {
		ui->n_marked = 0;
	} else {
		ui->filter[0] = '\0';
	}
}

/* From a disk or an interface to whose it is. */
static bool select_owner(struct top_ui *ui, const struct top_model *model)
{
	int line = 0;

	for (size_t i = 0; i < model->n_devices; i++) {
		const struct top_device *device = &model->devices[i];

		if (device->counters->disk != (ui->view == TOP_DISKS) || line++ != ui->cursor)
			continue;
		ui->has_selected = device->domain;
		if (device->domain)
			ui->selected = top_id_of(device->domain);
		return device->domain;
	}
	return false;
}

static void enter(struct top_ui *ui, const struct top_model *model, int page)
{
	bool devices = ui->view == TOP_DISKS || ui->view == TOP_NETS;

	if ((lists_domains(ui) && top_select(ui, model)) || (devices && select_owner(ui, model))) {
		ui->back = ui->view;
		ui->view = TOP_DOMAIN;
		ui->cursor = ui->scroll = 0;
	} else if (ui->view == TOP_COLUMNS) {
		escape(ui, model, page);
	}
}

static void start_filter(struct top_ui *ui, const struct top_model *model, int page)
{
	if (!lists_domains(ui))
		go(ui, TOP_DOMAINS);
	snprintf(ui->before, sizeof(ui->before), "%s", ui->filter);
	ui->mode = TOP_FILTERING;
}

/* The next one of those that are on. */
static void next_sort(struct top_ui *ui, const struct top_model *model, int page)
{
	int n = 0, at = 0;

	while (top_columns[n].title)
		n++;
	while (ui->order[at] != ui->sort)
		at++;
	do {
		at = (at + 1) % n;
	} while (!ui->on[ui->order[at]]);
	ui->sort = ui->order[at];
	ui->reverse = false;
}

static void earlier(struct top_ui *ui, const struct top_model *model, int page)
{
	if (ui->view == TOP_COLUMNS)
		top_column_move(ui, -1);
}

static void later(struct top_ui *ui, const struct top_model *model, int page)
{
	if (ui->view == TOP_COLUMNS)
		top_column_move(ui, 1);
}

static void turn_tree(struct top_ui *ui, const struct top_model *model, int page)
{
	if (!lists_domains(ui))
		go(ui, TOP_DOMAINS);
	ui->tree = !ui->tree;
}

static void turn_sort(struct top_ui *ui, const struct top_model *model, int page) { ui->reverse = !ui->reverse; }
static void hold(struct top_ui *ui, const struct top_model *model, int page) { ui->held = !ui->held; }

static void faster(struct top_ui *ui, const struct top_model *model, int page)
{
	ui->interval_ms = ui->interval_ms / 2 < TOP_MIN_INTERVAL_MS ? TOP_MIN_INTERVAL_MS : ui->interval_ms / 2;
}

static void slower(struct top_ui *ui, const struct top_model *model, int page)
{
	ui->interval_ms = ui->interval_ms * 2 > TOP_MAX_INTERVAL_MS ? TOP_MAX_INTERVAL_MS : ui->interval_ms * 2;
}

static void mark(struct top_ui *ui, const struct top_model *model, int page)
{
	const struct top_domain *domain = top_select(ui, model);
	struct top_id *more;

	if (ui->view == TOP_COLUMNS)
		top_column_switch(ui);
	if (!domain || ui->view == TOP_DOMAIN)
		return;
	for (size_t i = 0; i < ui->n_marked; i++) {
		if (top_model_follow(model, &ui->marked[i]) != domain)
			continue;
		memmove(&ui->marked[i], &ui->marked[i + 1], (ui->n_marked - i - 1) * sizeof(*ui->marked));
		ui->n_marked--;
		down(ui, model, page);
		return;
	}
	more = reallocarray(ui->marked, ui->n_marked + 1, sizeof(*more));
	if (!more)
		return;
	ui->marked = more;
	ui->marked[ui->n_marked++] = top_id_of(domain);
	down(ui, model, page);
}

static const struct key keys[] = {
	{ 'd', go_domains, "d", "domains" },
	{ 'c', go_cpus, "c", "CPUs of the host" },
	{ 'm', go_memory, "m", "memory" },
	{ 'k', go_disks, "k", "disks" },
	{ 'n', go_nets, "n", "network interfaces" },
	{ 'j', go_jobs, "j", "commands that are at work" },
	{ 'e', go_events, "e", "what has happened" },
	{ TOP_KEY_ENTER, enter, "Enter", "the domain in full" },
	{ TOP_KEY_ESCAPE, escape, "Esc", "back; forget marks, filter" },
	{ TOP_KEY_UP, up, "Up Down", "one up, down" },
	{ TOP_KEY_DOWN, down, NULL, NULL },
	{ TOP_KEY_PAGE_UP, page_up, "PgUp PgDn", "a page up, down" },
	{ TOP_KEY_PAGE_DOWN, page_down, NULL, NULL },
	{ TOP_KEY_HOME, home, "Home End", "to the first, the last" },
	{ TOP_KEY_END, end, NULL, NULL },
	{ TOP_KEY_WHEEL_UP, up, NULL, NULL },
	{ TOP_KEY_WHEEL_DOWN, down, NULL, NULL },
	{ '/', start_filter, "/", "filter by words" },
	{ 's', next_sort, "s", "sort by the next column" },
	{ 'r', turn_sort, "r", "turn the order round" },
	{ ' ', mark, "Space", "mark, for acts on several" },
	{ 't', turn_tree, "t", "by pools of CPUs" },
	{ 'o', go_columns, "o", "choose columns" },
	{ '[', earlier, NULL, NULL },
	{ ']', later, NULL, NULL },
	{ 'p', hold, "p", "hold the picture, go on" },
	{ '+', faster, "+ -", "refresh twice, half as often" },
	{ '-', slower, NULL, NULL },
	{ '?', go_help, "? h", "this help" },
	{ 'h', go_help, NULL, NULL },
};

static const struct {
	const char *key, *help;
} more_help[] = {
	{ "< > { }", "in time: by sample, minute" },
	{ "w", "keep columns, tree" },
	{ "!", "unlock acts for 5 minutes" },
	{ "q", "quit" },
};

/* Acts come in pairs, to fit on the smallest screen. */
static bool help_acts(size_t i, const char **ret_key, const char **ret_help)
{
	static char letters[8][4], texts[8][40];
	const struct top_verb *first = i < UVPI_ARRAY_SIZE(texts) ? top_verb_at(2 * i) : NULL;
	const struct top_verb *second = first ? top_verb_at(2 * i + 1) : NULL;

	if (!first)
		return false;
	snprintf(letters[i], sizeof(letters[i]), second ? "%c %c" : "%c", first->key, second ? second->key : 0);
	snprintf(texts[i], sizeof(texts[i]), second ? "%s, %s" : "%s", first->command, second ? second->command : "");
	*ret_key = letters[i];
	*ret_help = texts[i];
	return true;
}

bool top_help_line(int i, const char **ret_key, const char **ret_help)
{
	for (size_t k = 0; k < UVPI_ARRAY_SIZE(keys); k++) {
		if (!keys[k].help || i--)
			continue;
		*ret_key = keys[k].name;
		*ret_help = keys[k].help;
		return true;
	}
	if (i >= (int)UVPI_ARRAY_SIZE(more_help))
		return help_acts((size_t)i - UVPI_ARRAY_SIZE(more_help), ret_key, ret_help);
	*ret_key = more_help[i].key;
	*ret_help = more_help[i].help;
	return true;
}

void top_say(struct top_ui *ui, bool bad, const char *text, const char *hint)
{
	snprintf(ui->message, sizeof(ui->message), "%s", text);
	snprintf(ui->hint, sizeof(ui->hint), "%s", hint);
	ui->bad = bad;
	ui->stays = false;
}

/* ---- what a key does ---- */

static void filter_key(struct top_ui *ui, int key)
{
	if (key == TOP_KEY_ENTER) {
		ui->mode = TOP_LOOKING;
	} else if (key == TOP_KEY_ESCAPE) {
		snprintf(ui->filter, sizeof(ui->filter), "%s", ui->before);
		ui->mode = TOP_LOOKING;
	} else {
		top_type(ui->filter, sizeof(ui->filter), key);
	}
}

/* The list begins below the header and its headings, which sort. */
static void click(struct top_ui *ui, const struct top_model *model, int row, int column)
{
	int head = -1;

	if (row >= 5) {
		move(ui, model, ui->scroll + row - 5);
		return;
	}
	for (int i = 0; i < ui->n_heads && ui->heads[i] <= column; i++)
		head = i;
	if (row != 4 || ui->view != TOP_DOMAINS || head < 0)
		return;
	for (int i = 0; top_columns[i].title; i++) {
		if (!ui->on[ui->order[i]] || head--)
			continue;
		ui->reverse = ui->sort == ui->order[i] && !ui->reverse;
		ui->sort = ui->order[i];
		return;
	}
}

static void look_key(struct top_ui *ui, const struct top_model *model, int key, int page, uint64_t now)
{
	const struct top_verb *verb = top_verb_find(key);

	/* What a command said is there until Esc, the next message, or the next question. */
	if (ui->stays && key == TOP_KEY_ESCAPE) {
		top_say(ui, false, "", "");
		return;
	}
	if (!ui->stays)
		top_say(ui, false, "", "");
	if (key == '!') {
		ui->unlocked_until = ui->unlocked_until > now ? 0 : now + TOP_UNLOCK_SECONDS;
	} else if (verb) {
		top_act_ask(ui, model, verb, now);
	} else if (key >= TOP_KEY_CLICK) {
		click(ui, model, (key - TOP_KEY_CLICK) % TOP_CLICK_COLUMN, (key - TOP_KEY_CLICK) / TOP_CLICK_COLUMN);
	} else {
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++)
			if (keys[i].code == key)
				keys[i].act(ui, model, page);
	}
}

/* Keys that change the time that is shown. */
static enum top_act time_key(const struct top_ui *ui, int key)
{
	switch (key) {
	case '<':
		return TOP_ACT_BACK;
	case '{':
		return TOP_ACT_MINUTE_BACK;
	case '>':
		return ui->past_at ? TOP_ACT_FORWARD : TOP_ACT_NONE;
	case '}':
		return ui->past_at ? TOP_ACT_MINUTE_FORWARD : TOP_ACT_NONE;
	case TOP_KEY_ESCAPE:
		return ui->past_at && ui->view != TOP_DOMAIN && ui->view != TOP_HELP && ui->view != TOP_COLUMNS ? TOP_ACT_NOW :
														TOP_ACT_NONE;
	default:
		return TOP_ACT_NONE;
	}
}

/* Whoever leaves commands behind is to know it. */
static enum top_act leave(struct top_ui *ui, bool told)
{
	char text[96];

	if (!ui->at_work || told)
		return TOP_ACT_QUIT;
	snprintf(text, sizeof(text), ui->at_work == 1 ? "%zu command is still at work: q again leaves it to itself" :
							"%zu commands are still at work: q again leaves them to themselves",
		 ui->at_work);
	top_say(ui, false, text, "j shows how far they are; what became of them will be among the events (e)");
	ui->leaving = true;
	return TOP_ACT_NONE;
}

enum top_act top_key(struct top_ui *ui, const struct top_model *model, int key, int page, uint64_t now, char ***ret_argv)
{
	bool told = ui->leaving;

	ui->leaving = false;
	/* Ctrl-C ends what is being typed, else everything. */
	if (key == TOP_KEY_INTERRUPT)
		key = ui->mode == TOP_LOOKING ? 'q' : TOP_KEY_ESCAPE;
	if (ui->too_small)
		return key == 'q' ? leave(ui, told) : TOP_ACT_NONE;
	if (ui->mode == TOP_CONFIRMING)
		return top_act_key(ui, model, key, now, ret_argv);
	if (ui->mode == TOP_FILTERING) {
		filter_key(ui, key);
		return TOP_ACT_NONE;
	}
	if (key == 'q')
		return leave(ui, told);
	if (key == 'w')
		return TOP_ACT_KEEP;
	if (key == 'p' && ui->held) {
		ui->held = false;
		return TOP_ACT_REFRESH;
	}
	if (time_key(ui, key) != TOP_ACT_NONE)
		return time_key(ui, key);
	look_key(ui, model, key, page, now);
	return TOP_ACT_NONE;
}
