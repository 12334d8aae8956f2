/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done to domains from the screen: each is a command of xlx, shown before it runs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

#define VICTIMS_TEXT 200 /* some rows of the smallest screen */

static const struct top_verb verbs[] = {
	{ 'P', "pause", "its vCPUs stop until it is unpaused", TOP_WANTS_YES, NULL, true, false },
	{ 'U', "unpause", "its vCPUs go on", TOP_WANTS_YES, NULL, true, false },
	{ 'S', "shutdown", "asks the guest to power off", TOP_WANTS_YES, NULL, true, false },
	{ 'R', "reboot", "asks the guest to start anew", TOP_WANTS_YES, NULL, true, false },
	{ 'X', "destroy", "ends it at once, without asking the guest", TOP_WANTS_NAME, NULL, true, false },
	{ 'C', "console", "leaves this screen; Ctrl-] comes back", TOP_WANTS_YES, NULL, false, false },
	{ 'M', "mem-set", "asks the guest to give memory back, or take more", TOP_WANTS_VALUE, "size, such as 512 (MiB) or 2g", false, false },
	{ 'V', "vcpu-set", "asks the guest to use so many vCPUs", TOP_WANTS_VALUE, "number of vCPUs", false, false },
	{ 'G', "migrate", "moves it to another host while it runs", TOP_WANTS_VALUE, "host to move to", false, false },
	{ 'B', "boot-order", "from its next boot on", TOP_WANTS_VALUE, "order, such as disk,cdrom,network", false, false },
	{ 'T', "start", "starts a domain that is defined", TOP_WANTS_VALUE, "name of the domain", false, true },
};

const struct top_verb *top_verb_find(int key)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(verbs); i++)
		if (verbs[i].key == key)
			return &verbs[i];
	return NULL;
}

const struct top_verb *top_verb_at(size_t i)
{
	return i < UVPI_ARRAY_SIZE(verbs) ? &verbs[i] : NULL;
}

/* ---- asking ---- */

/* Of a domain that is gone there is no row in which the mark could be seen, or taken off. */
static bool forget_gone(struct top_ui *ui, const struct top_model *model)
{
	size_t n = 0, before = ui->n_marked;

	for (size_t i = 0; i < ui->n_marked; i++)
		if (top_model_follow(model, &ui->marked[i]))
			ui->marked[n++] = ui->marked[i];
	ui->n_marked = n;
	return n < before;
}

/* Each once: two that were marked may have become one. */
static void add_victim(struct top_ui *ui, struct top_id id)
{
	for (size_t i = 0; i < ui->n_victims; i++)
		if (ui->victims[i].domid == id.domid && !memcmp(ui->victims[i].uuid, id.uuid, sizeof(id.uuid)))
			return;
	ui->victims[ui->n_victims++] = id;
}

/* To whom: those that are marked, or the one under the cursor. */
static bool choose(struct top_ui *ui, const struct top_model *model, const struct top_verb *verb, const struct top_domain *domain)
{
	bool marks = ui->n_marked && ui->view != TOP_DOMAIN && verb->several;
	size_t n = verb->nowhere ? 0 : marks ? ui->n_marked : 1;

	free(ui->victims);
	ui->n_victims = 0;
	ui->victims = calloc(n + 1, sizeof(*ui->victims));
	if (!ui->victims)
		return false;
	for (size_t i = 0; marks && i < n; i++) {
		const struct top_domain *one = top_model_follow(model, &ui->marked[i]);

		if (one)
			add_victim(ui, top_id_of(one));
	}
	if (n && !marks)
		add_victim(ui, top_id_of(domain));
	return true;
}

void top_act_ask(struct top_ui *ui, const struct top_model *model, const struct top_verb *verb, uint64_t now)
{
	const struct top_domain *domain = verb->nowhere ? NULL : top_select(ui, model);
	bool gone = forget_gone(ui, model);

	if (ui->past_at)
		top_say(ui, true, "nothing was done: this is the past", "Esc comes back to now");
	else if (ui->held)
		top_say(ui, true, "nothing was done: the display stands still, and domains may have changed since", "p lets it go on");
	else if (ui->unlocked_until <= now)
		top_say(ui, true, "this screen is read-only", "! unlocks acts for five minutes");
	else if (gone && verb->several && ui->view != TOP_DOMAIN)
		top_say(ui, true, ui->n_marked ? "nothing was done: a marked domain is gone" : "nothing was done: what was marked is gone",
			ui->n_marked ? "the key once more is for those that are left" : "the key once more is for the domain under the cursor");
	else if (!domain && !verb->nowhere)
		top_say(ui, true, "no domain is under the cursor", "d shows the domains");
	else if (ui->n_marked > 1 && ui->view != TOP_DOMAIN && !verb->several && !verb->nowhere && verb->wants == TOP_WANTS_VALUE)
		top_say(ui, true, "several domains are marked, and this is done to one at a time", "Esc forgets the marks");
	else if (!choose(ui, model, verb, domain))
		top_say(ui, true, "there is not enough memory", "");
	else {
		top_say(ui, false, "", "");
		ui->verb = verb;
		ui->typed[0] = '\0';
		ui->mode = TOP_CONFIRMING;
	}
}

/* xl lets a domain have a name that a command takes for another one's id or UUID. */
static bool misleads(const char *name)
{
	return !name[strspn(name, "0123456789")] || uvpi_is_uuid(name);
}

/* How the domain is called in a command: by its name, which stays when ids come and go, or its id, also when names are old ones: they
 * may be others' by now. Is it the name? */
static bool word_of(const struct top_model *model, const struct top_domain *domain, char buf[256])
{
	bool named = domain->info->name && !misleads(domain->info->name) && !model->now->domains.store_error.code &&
		     !model->store_rests;

	if (named)
		snprintf(buf, 256, "%s", domain->info->name);
	else
		snprintf(buf, 256, "%" PRIu32, domain->info->id);
	return named;
}

/* Names after each other until they take so many bytes, but one at least. Returns how many there are room for. */
static size_t list_victims(const struct top_ui *ui, const struct top_model *model, size_t most, char *buf, size_t len)
{
	size_t used = 0, i = 0;

	buf[0] = '\0';
	for (; i < ui->n_victims; i++) {
		const struct top_domain *domain = top_model_find(model, &ui->victims[i]);
		char word[256] = "(gone)";

		if (domain)
			word_of(model, domain, word);
		if (i && used + 1 + strlen(word) > most)
			break;
		used += (size_t)snprintf(buf + used, len - used, " %s", word);
	}
	return i;
}

void top_command_text(const struct top_ui *ui, const struct top_model *model, char *buf, size_t len)
{
	const char *yes = ui->verb->wants == TOP_WANTS_NAME ? " --yes" : "";
	char names[VICTIMS_TEXT + 258];
	size_t shown = list_victims(ui, model, VICTIMS_TEXT, names, sizeof(names));

	if (shown < ui->n_victims)
		snprintf(buf, len, "xlx %s%s of %zu domains:%s ... and %zu more", ui->verb->command, yes, ui->n_victims, names,
			 ui->n_victims - shown);
	else if (ui->verb->wants == TOP_WANTS_VALUE)
		snprintf(buf, len, "xlx %s%s %s_", ui->verb->command, names, ui->typed);
	else
		snprintf(buf, len, "xlx %s%s%s", ui->verb->command, yes, names);
}

void top_act_now_text(const struct top_ui *ui, const struct top_model *model, char *buf, size_t len)
{
	const struct top_domain *domain = ui->n_victims == 1 ? top_model_find(model, &ui->victims[0]) : NULL;
	char size[24];

	buf[0] = '\0';
	if (domain && ui->verb->key == 'M') {
		out_format_size(domain->info->memory_bytes, size, sizeof(size));
		snprintf(buf, len, "; it has %s now", size);
	} else if (domain && ui->verb->key == 'V') {
		snprintf(buf, len, "; it uses %" PRIu32 " of %" PRIu32 " now", domain->info->vcpus, domain->info->max_vcpus);
	}
}

/* ---- the command ---- */

void top_argv_free(char **argv)
{
	for (char **arg = argv; arg && *arg; arg++)
		free(*arg);
	free(argv);
}

static bool add_word(char **argv, size_t *n, const char *word)
{
	argv[*n] = strdup(word);
	return argv[*n] && ++*n;
}

/* NULL when one of the domains is gone, or without memory. */
static char **make_argv(const struct top_ui *ui, const struct top_model *model)
{
	char **argv = calloc(ui->n_victims + 6, sizeof(*argv));
	size_t n = 0;
	bool good = argv && add_word(argv, &n, "xlx") && add_word(argv, &n, ui->verb->command);

	if (good && ui->verb->wants == TOP_WANTS_NAME)
		good = add_word(argv, &n, "--yes");
	/* What comes now are no options, whatever it begins with. */
	good = good && add_word(argv, &n, "--");
	for (size_t i = 0; good && i < ui->n_victims; i++) {
		const struct top_domain *domain = top_model_find(model, &ui->victims[i]);
		char word[256];

		if (domain)
			word_of(model, domain, word);
		good = domain && add_word(argv, &n, word);
	}
	if (good && ui->verb->wants == TOP_WANTS_VALUE)
		good = add_word(argv, &n, ui->typed);
	if (good)
		return argv;
	top_argv_free(argv);
	return NULL;
}

/* ---- the answer ---- */

/* A name that no keyboard has to have stands for itself by the domain's number. */
enum top_typing top_act_typing(const struct top_ui *ui, const struct top_model *model, char buf[256])
{
	const struct top_domain *domain = ui->n_victims == 1 ? top_model_find(model, &ui->victims[0]) : NULL;

	snprintf(buf, 256, "%zu", ui->n_victims);
	if (ui->n_victims != 1)
		return TOP_TYPING_COUNT;
	buf[0] = '\0';
	if (!domain)
		return TOP_TYPING_NAME;
	if (!word_of(model, domain, buf))
		return TOP_TYPING_NUMBER;
	for (const char *at = buf; *at; at++)
		if (*at < ' ' || *at > '~') {
			snprintf(buf, 256, "%" PRIu32, domain->info->id);
			return TOP_TYPING_NUMBER;
		}
	return TOP_TYPING_NAME;
}

static bool typed_right(const struct top_ui *ui, const struct top_model *model)
{
	char want[256];

	if (ui->verb->wants == TOP_WANTS_YES)
		return true;
	if (ui->verb->wants == TOP_WANTS_VALUE)
		return ui->typed[0] && ui->typed[0] != ' ';
	top_act_typing(ui, model, want);
	return want[0] && !strcmp(ui->typed, want);
}

char **top_act_words(char **argv)
{
	size_t i = 0;

	while (strcmp(argv[i], "--") != 0)
		i++;
	return &argv[i + 1];
}

void top_act_begun(struct top_ui *ui)
{
	if (ui->verb->several)
		ui->n_marked = 0;
}

enum top_act top_act_key(struct top_ui *ui, const struct top_model *model, int key, uint64_t now, char ***ret_argv)
{
	if (key == TOP_KEY_ESCAPE) {
		ui->mode = TOP_LOOKING;
		top_say(ui, false, "nothing was done", "");
		return TOP_ACT_NONE;
	}
	if (key != TOP_KEY_ENTER) {
		if (ui->verb->wants != TOP_WANTS_YES)
			top_type(ui->typed, sizeof(ui->typed), key);
		return TOP_ACT_NONE;
	}
	ui->mode = TOP_LOOKING;
	if (ui->unlocked_until <= now) {
		top_say(ui, true, "nothing was done: the five minutes are over", "! unlocks acts again");
		return TOP_ACT_NONE;
	}
	if (!typed_right(ui, model)) {
		top_say(ui, true, ui->verb->wants == TOP_WANTS_VALUE ? "nothing was done: nothing was typed" :
								       "nothing was done: what was typed is not it", "");
		return TOP_ACT_NONE;
	}
	*ret_argv = make_argv(ui, model);
	if (!*ret_argv) {
		top_say(ui, true, "nothing was done: a domain is gone", "");
		return TOP_ACT_NONE;
	}
	return ui->verb->key == 'C' ? TOP_ACT_CONSOLE : TOP_ACT_RUN;
}
