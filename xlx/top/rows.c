/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which domains are listed, and in which order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

const char *top_state_word(const struct uvp_domain_info *info)
{
	/* why is not known of all that was in the past */
	if (info->state == UVP_STATE_SHUT_DOWN && info->reason <= UVP_REASON_SOFT_RESET)
		return uvp_reason_name(info->reason);
	return uvp_state_name(info->state);
}

const char *top_vcpu_word(const struct top_domain *domain, const struct uvp_stats_vcpu *vcpu)
{
	if (!vcpu->online)
		return "offline";
	if (domain->info->state != UVP_STATE_RUNNING && domain->info->state != UVP_STATE_IDLE)
		return "stopped";
	return vcpu->running ? "running" : vcpu->blocked ? "waits" : "ready";
}

/* ---- the filter: words that all must hold ---- */

struct term {
	enum { TERM_TEXT, TERM_STATE, TERM_CPU, TERM_MEMORY } what;
	bool more; /* > or < */
	double number;
	char text[64];
};

static bool parse_term(const char *word, struct term *ret_term, char *ret_why, size_t size)
{
	size_t key = strcspn(word, "<>:");
	struct term term = { .what = TERM_TEXT };
	uint64_t number;

	snprintf(term.text, sizeof(term.text), "%s", word[key] ? word + key + 1 : word);
	term.more = word[key] == '>';
	if (word[key] == ':' && key == 5 && !strncmp(word, "state", key)) {
		term.what = TERM_STATE;
	} else if (word[key] == '>' || word[key] == '<') {
		term.what = key == 3 && !strncmp(word, "cpu", key) ? TERM_CPU : TERM_MEMORY;
		if (term.what == TERM_MEMORY && !(key == 3 && !strncmp(word, "mem", key))) {
			snprintf(ret_why, size, "'%.*s' cannot be compared: cpu (per cent) and mem (MiB) can", (int)key, word);
			return false;
		}
		if (uvpi_parse_u64(term.text, "number", 0, UINT32_MAX, &number, NULL) < 0) {
			snprintf(ret_why, size, "'%s' is not a whole number", term.text);
			return false;
		}
		term.number = (double)number * (term.what == TERM_MEMORY ? 1 << 20 : 1);
	} else {
		snprintf(term.text, sizeof(term.text), "%s", word);
	}
	*ret_term = term;
	return true;
}

static bool term_holds(const struct term *term, const struct top_domain *domain)
{
	double value = term->what == TERM_CPU ? domain->cpu : (double)domain->info->memory_bytes;

	switch (term->what) {
	case TERM_TEXT:
		return top_contains(domain->label, term->text);
	case TERM_STATE:
		return !strcasecmp(term->text, top_state_word(domain->info)) ||
		       !strcasecmp(term->text, uvp_state_name(domain->info->state));
	default:
		return term->more ? value > term->number : value < term->number;
	}
}

/* The next word of the filter; false at its end. */
static bool next_word(const char **at, char word[64])
{
	size_t len;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	if (!len)
		return false;
	snprintf(word, 64, "%.*s", (int)len, *at);
	*at += len;
	return true;
}

bool top_filter_check(const char *filter, char *ret_why, size_t size)
{
	char word[64];
	struct term term;

	while (next_word(&filter, word))
		if (!parse_term(word, &term, ret_why, size))
			return false;
	return true;
}

static bool passes(const char *filter, const struct top_domain *domain)
{
	char word[64], why[128];
	struct term term;

	/* A word that means nothing lets everything through: the operator is typing it. */
	while (next_word(&filter, word))
		if (parse_term(word, &term, why, sizeof(why)) && !term_holds(&term, domain))
			return false;
	return true;
}

bool top_is_marked(const struct top_ui *ui, const struct top_model *model, const struct top_domain *domain)
{
	for (size_t i = 0; i < ui->n_marked; i++)
		if (top_model_follow(model, &ui->marked[i]) == domain)
			return true;
	return false;
}

/* ---- rows ---- */

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct top_domain *left = ((const struct top_row *)a)->domain;
	const struct top_domain *right = ((const struct top_row *)b)->domain;
	const struct top_ui *ui = data;
	int order = top_columns[ui->sort].compare(left, right);

	if (ui->tree && left->info->pool != right->info->pool)
		return left->info->pool < right->info->pool ? -1 : 1;
	if (ui->reverse)
		order = -order;
	return order ? order : left->info->id > right->info->id ? 1 : -1;
}

static void add_heading(struct top_row *rows, size_t *n, uint32_t pool)
{
	rows[(*n)++] = (struct top_row){ .pool = pool };
}

/* Headings come between: from the array's second half, which has the domains, to the first. Pools without a domain have one,
 * too, as long as nothing is filtered out. */
static size_t add_headings(const struct top_model *model, const struct top_ui *ui, struct top_row *rows, const struct top_row *from, size_t n)
{
	size_t used = 0, known = 0, heading = 0;
	size_t n_known = ui->filter[0] ? 0 : model->n_pools;

	for (size_t i = 0; i < n; i++) {
		uint32_t pool = from[i].domain->info->pool;

		for (; known < n_known && model->pools[known].id < pool; known++)
			add_heading(rows, &used, model->pools[known].id);
		if (!i || from[i - 1].domain->info->pool != pool) {
			known += known < n_known && model->pools[known].id == pool;
			heading = used;
			add_heading(rows, &used, pool);
		}
		rows[heading].n++;
		rows[heading].cpu += from[i].domain->cpu;
		rows[heading].memory += from[i].domain->info->memory_bytes;
		rows[used++] = from[i];
	}
	for (; known < n_known; known++)
		add_heading(rows, &used, model->pools[known].id);
	return used;
}

struct top_row *top_rows(const struct top_model *model, const struct top_ui *ui, size_t *ret_n)
{
	size_t headings = ui->tree ? model->n_domains + model->n_pools : 0, n = 0;
	struct top_row *rows = calloc(headings + 2 * model->n_domains + 1, sizeof(*rows)), *domains = rows + headings + model->n_domains;

	*ret_n = 0;
	if (!rows)
		return NULL;
	if (!ui->tree)
		domains = rows;
	for (size_t i = 0; i < model->n_domains; i++)
		if (passes(ui->filter, &model->domains[i]))
			domains[n++] = (struct top_row){ .domain = &model->domains[i], .pool = model->domains[i].info->pool };
	qsort_r(domains, n, sizeof(*rows), compare_rows, (void *)(uintptr_t)ui);
	*ret_n = ui->tree ? add_headings(model, ui, rows, domains, n) : n;
	return rows;
}

void top_pool_text(const struct top_model *model, const struct top_row *heading, const char *percent, char buf[TOP_POOL_TEXT])
{
	char name[80], memory[24], cpus[24] = "";

	top_pool_name(model, heading->pool, name, sizeof(name));
	for (size_t i = 0; i < model->n_pools; i++)
		if (model->pools[i].id == heading->pool)
			snprintf(cpus, sizeof(cpus), ", %" PRIu32 " CPU%s", model->pools[i].cpus, model->pools[i].cpus == 1 ? "" : "s");
	out_format_size(heading->memory, memory, sizeof(memory));
	snprintf(buf, TOP_POOL_TEXT, "%s%s: %zu domain%s, CPU %.1f%s, memory %s", name, cpus, heading->n, heading->n == 1 ? "" : "s",
		 heading->cpu, percent, memory);
}
