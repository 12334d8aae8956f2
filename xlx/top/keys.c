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
}

void top_ui_done(struct top_ui *ui)
{
	free(ui->marked);
	free(ui->victims);
	*ui = (struct top_ui){ 0 };
}

/* ---- tables ---- */

static const struct top_verb verbs[] = {
	{ 'P', "pause", "its vCPUs stop until it is unpaused", false },
	{ 'U', "unpause", "its vCPUs go on", false },
	{ 'S', "shutdown", "asks the guest to power off", false },
	{ 'R', "reboot", "asks the guest to start anew", false },
	{ 'X', "destroy", "ends it at once, without asking the guest", true },
	{ 'C', "console", "leaves this screen; Ctrl-] comes back", false },
};

struct key {
	int code;
	void (*act)(struct top_ui *ui, const struct top_model *model, int page);
	const char *name, *help;
};

static void go(struct top_ui *ui, enum top_view view)
{
	if (ui->view != TOP_HELP && ui->view != TOP_DOMAIN)
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
GO(go_help, TOP_HELP)

static bool lists_domains(const struct top_ui *ui)
{
	return ui->view == TOP_DOMAINS || ui->view == TOP_MEMORY;
}

/* The domain under the cursor becomes the selected one. */
static const struct top_domain *select_cursor(struct top_ui *ui, const struct top_model *model)
{
	size_t n;
	_cleanup_free_ const struct top_domain **rows = NULL;

	if (ui->view == TOP_DOMAIN)
		return ui->has_selected ? top_model_by_uuid(model, ui->selected) : NULL;
	if (!lists_domains(ui))
		return NULL;
	rows = top_rows(model, ui, &n);
	if (ui->cursor < 0 || ui->cursor >= (int)n)
		return NULL;
	memcpy(ui->selected, rows[ui->cursor]->info->uuid, 16);
	ui->has_selected = true;
	return rows[ui->cursor];
}

static size_t count_rows(const struct top_ui *ui, const struct top_model *model)
{
	size_t n = 0;

	if (lists_domains(ui))
		free(top_rows(model, ui, &n));
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

	ui->cursor = to < 0 || !n ? 0 : to >= n ? n - 1 : to;
	select_cursor(ui, model);
}

static void up(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor - 1); }
static void down(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor + 1); }
static void page_up(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor - page); }
static void page_down(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, ui->cursor + page); }
static void home(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, 0); }
static void end(struct top_ui *ui, const struct top_model *model, int page) { move(ui, model, INT32_MAX); }

static void enter(struct top_ui *ui, const struct top_model *model, int page)
{
	if (lists_domains(ui) && select_cursor(ui, model)) {
		ui->back = ui->view;
		ui->view = TOP_DOMAIN;
	}
}

static void escape(struct top_ui *ui, const struct top_model *model, int page)
{
	if (ui->view == TOP_DOMAIN || ui->view == TOP_HELP) {
		ui->view = ui->back;
		ui->cursor = ui->scroll = 0;
	} else if (ui->n_marked) {
		ui->n_marked = 0;
	} else {
		ui->filter[0] = '\0';
	}
}

static void start_filter(struct top_ui *ui, const struct top_model *model, int page)
{
	if (!lists_domains(ui))
		go(ui, TOP_DOMAINS);
	snprintf(ui->before, sizeof(ui->before), "%s", ui->filter);
	ui->mode = TOP_FILTERING;
}

static void next_sort(struct top_ui *ui, const struct top_model *model, int page)
{
	ui->sort++;
	if (!top_columns[ui->sort].title)
		ui->sort = 0;
	ui->reverse = false;
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
	const struct top_domain *domain = select_cursor(ui, model);
	uint8_t (*more)[16];

	if (!domain || ui->view == TOP_DOMAIN)
		return;
	for (size_t i = 0; i < ui->n_marked; i++) {
		if (memcmp(ui->marked[i], domain->info->uuid, 16) != 0)
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
	memcpy(ui->marked[ui->n_marked++], domain->info->uuid, 16);
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
	{ TOP_KEY_UP, up, "Up", "one up" },
	{ TOP_KEY_DOWN, down, "Down", "one down" },
	{ TOP_KEY_PAGE_UP, page_up, "PgUp", "a page up" },
	{ TOP_KEY_PAGE_DOWN, page_down, "PgDn", "a page down" },
	{ TOP_KEY_HOME, home, "Home", "to the first" },
	{ TOP_KEY_END, end, "End", "to the last" },
	{ TOP_KEY_WHEEL_UP, up, NULL, NULL },
	{ TOP_KEY_WHEEL_DOWN, down, NULL, NULL },
	{ '/', start_filter, "/", "filter by words" },
	{ 's', next_sort, "s", "sort by the next column" },
	{ 'r', turn_sort, "r", "turn the order round" },
	{ ' ', mark, "Space", "mark, for acts on several" },
	{ 'p', hold, "p", "hold the picture, go on" },
	{ '+', faster, "+", "refresh twice as often" },
	{ '-', slower, "-", "refresh half as often" },
	{ '?', go_help, "? h", "this help" },
	{ 'h', go_help, NULL, NULL },
};

static const struct {
	const char *key, *help;
} more_help[] = {
	{ "< >", "in time: a sample back, on" },
	{ "{ }", "in time: a minute back, on" },
	{ "!", "unlock acts for five minutes, lock again" },
	{ "q", "quit" },
};

bool top_help_line(int i, const char **ret_key, const char **ret_help)
{
	static char letters[UVPI_ARRAY_SIZE(verbs)][2];

	for (size_t k = 0; k < UVPI_ARRAY_SIZE(keys); k++) {
		if (!keys[k].help || i--)
			continue;
		*ret_key = keys[k].name;
		*ret_help = keys[k].help;
		return true;
	}
	if (i < (int)UVPI_ARRAY_SIZE(more_help)) {
		*ret_key = more_help[i].key;
		*ret_help = more_help[i].help;
		return true;
	}
	i -= (int)UVPI_ARRAY_SIZE(more_help);
	if (i >= (int)UVPI_ARRAY_SIZE(verbs))
		return false;
	letters[i][0] = (char)verbs[i].key;
	*ret_key = letters[i];
	*ret_help = verbs[i].command;
	return true;
}

/* ---- acts ---- */

void top_say(struct top_ui *ui, bool bad, const char *text, const char *hint)
{
	snprintf(ui->message, sizeof(ui->message), "%s", text);
	snprintf(ui->hint, sizeof(ui->hint), "%s", hint);
	ui->bad = bad;
}

static const struct top_verb *find_verb(int key)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(verbs); i++)
		if (verbs[i].key == key)
			return &verbs[i];
	return NULL;
}

static void ask(struct top_ui *ui, const struct top_model *model, const struct top_verb *verb, uint64_t now)
{
	const struct top_domain *domain = select_cursor(ui, model);
	bool console = verb->key == 'C';
	size_t n = !console && ui->n_marked && ui->view != TOP_DOMAIN ? ui->n_marked : 1;

	if (ui->past_at) {
		top_say(ui, true, "nothing was done: this is the past", "Esc comes back to now");
		return;
	}
	if (ui->unlocked_until <= now) {
		top_say(ui, true, "this screen is read-only", "! unlocks acts for five minutes");
		return;
	}
	if (!domain) {
		top_say(ui, true, "no domain is under the cursor", "d shows the domains");
		return;
	}
	free(ui->victims);
	ui->victims = calloc(n, sizeof(*ui->victims));
	ui->n_victims = ui->victims ? n : 0;
	if (!ui->victims) {
		top_say(ui, true, "there is not enough memory", "");
		return;
	}
	if (n == 1 && (console || !ui->n_marked || ui->view == TOP_DOMAIN))
		memcpy(ui->victims[0], domain->info->uuid, 16);
	else
		memcpy(ui->victims, ui->marked, n * sizeof(*ui->victims));
	ui->verb = verb;
	ui->typed[0] = ui->message[0] = '\0';
	ui->mode = TOP_CONFIRMING;
}

/* How the domain is called in a command: by its name, which stays when ids come and go, or its id. */
static void word_of(const struct top_domain *domain, char buf[256])
{
	if (domain->info->name)
		snprintf(buf, 256, "%s", domain->info->name);
	else
		snprintf(buf, 256, "%u", domain->info->id);
}

void top_command_text(const struct top_ui *ui, const struct top_model *model, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "xlx %s", ui->verb->command);

	for (size_t i = 0; i < ui->n_victims && used < len; i++) {
		const struct top_domain *domain = top_model_by_uuid(model, ui->victims[i]);
		char word[256] = "(gone)";

		if (domain)
			word_of(domain, word);
		used += (size_t)snprintf(buf + used, len - used, " %s", word);
	}
}

void top_argv_free(char **argv)
{
	for (char **arg = argv; arg && *arg; arg++)
		free(*arg);
	free(argv);
}

/* NULL when one of the domains is gone, or without memory. */
static char **make_argv(const struct top_ui *ui, const struct top_model *model)
{
	char **argv = calloc(ui->n_victims + 5, sizeof(*argv));
	size_t n = 0;
	bool failed = !argv;

	if (argv) {
		argv[n++] = strdup("xlx");
		argv[n++] = strdup(ui->verb->command);
		if (ui->verb->typed)
			argv[n++] = strdup("--yes");
		argv[n++] = strdup("--");
		for (size_t i = 0; i < n; i++)
			failed |= !argv[i];
	}
	for (size_t i = 0; !failed && i < ui->n_victims; i++) {
		const struct top_domain *domain = top_model_by_uuid(model, ui->victims[i]);
		char word[256];

		if (!domain) {
			failed = true;
			break;
		}
		word_of(domain, word);
		argv[n] = strdup(word);
		failed = !argv[n++];
	}
	if (failed) {
		for (size_t i = 0; argv && i < n; i++)
			free(argv[i]);
		free(argv);
		return NULL;
	}
	return argv;
}

static bool typed_right(const struct top_ui *ui, const struct top_model *model)
{
	char want[256];
	const struct top_domain *domain;

	if (!ui->verb->typed)
		return true;
	snprintf(want, sizeof(want), "%zu", ui->n_victims);
	if (ui->n_victims == 1) {
		domain = top_model_by_uuid(model, ui->victims[0]);
		if (!domain)
			return false;
		word_of(domain, want);
	}
	return !strcmp(ui->typed, want);
}

/* A key while something is typed; true when it belongs to the text. */
static bool type_key(char *text, size_t size, int key)
{
	size_t len = strlen(text);

	if (key == TOP_KEY_ERASE) {
		if (len)
			text[len - 1] = '\0';
		return true;
	}
	if (key < ' ' || key > '~')
		return false;
	if (len + 1 < size) {
		text[len] = (char)key;
		text[len + 1] = '\0';
	}
	return true;
}

static enum top_act confirm_key(struct top_ui *ui, const struct top_model *model, int key, uint64_t now, char ***ret_argv)
{
	if (key == TOP_KEY_ESCAPE) {
		ui->mode = TOP_LOOKING;
		top_say(ui, false, "nothing was done", "");
		return TOP_ACT_NONE;
	}
	if (key != TOP_KEY_ENTER) {
		if (ui->verb->typed)
			type_key(ui->typed, sizeof(ui->typed), key);
		return TOP_ACT_NONE;
	}
	ui->mode = TOP_LOOKING;
	if (ui->unlocked_until <= now) {
		top_say(ui, true, "nothing was done: the five minutes are over", "! unlocks acts again");
		return TOP_ACT_NONE;
	}
	if (!typed_right(ui, model)) {
		top_say(ui, true, "nothing was done: what was typed is not it", "");
		return TOP_ACT_NONE;
	}
	*ret_argv = make_argv(ui, model);
	if (!*ret_argv) {
		top_say(ui, true, "nothing was done: a domain is gone", "");
		return TOP_ACT_NONE;
	}
	ui->n_marked = 0;
	return ui->verb->key == 'C' ? TOP_ACT_CONSOLE : TOP_ACT_RUN;
}

static void filter_key(struct top_ui *ui, int key)
{
	if (key == TOP_KEY_ENTER) {
		ui->mode = TOP_LOOKING;
	} else if (key == TOP_KEY_ESCAPE) {
		snprintf(ui->filter, sizeof(ui->filter), "%s", ui->before);
		ui->mode = TOP_LOOKING;
	} else {
		type_key(ui->filter, sizeof(ui->filter), key);
	}
}

static void look_key(struct top_ui *ui, const struct top_model *model, int key, int page, uint64_t now)
{
	const struct top_verb *verb = find_verb(key);

	ui->message[0] = ui->hint[0] = '\0';
	if (key == '!') {
		ui->unlocked_until = ui->unlocked_until > now ? 0 : now + TOP_UNLOCK_SECONDS;
	} else if (verb) {
		ask(ui, model, verb, now);
	} else if (key >= TOP_KEY_CLICK) {
		/* The list begins below the header and its headings. */
		move(ui, model, ui->scroll + key - TOP_KEY_CLICK - 5);
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
		return ui->past_at && ui->view != TOP_DOMAIN && ui->view != TOP_HELP ? TOP_ACT_NOW : TOP_ACT_NONE;
	default:
		return TOP_ACT_NONE;
	}
}

enum top_act top_key(struct top_ui *ui, const struct top_model *model, int key, int page, uint64_t now, char ***ret_argv)
{
	if (ui->mode == TOP_CONFIRMING)
		return confirm_key(ui, model, key, now, ret_argv);
	if (ui->mode == TOP_FILTERING) {
		filter_key(ui, key);
		return TOP_ACT_NONE;
	}
	if (key == 'q')
		return TOP_ACT_QUIT;
	if (key == 'p' && ui->held) {
		ui->held = false;
		return TOP_ACT_REFRESH;
	}
	if (time_key(ui, key) != TOP_ACT_NONE)
		return time_key(ui, key);
	look_key(ui, model, key, page, now);
	return TOP_ACT_NONE;
}
