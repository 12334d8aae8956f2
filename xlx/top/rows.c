/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which domains are listed, in which order, and what their columns say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

const char *top_state_word(const struct uvp_domain_info *info)
{
	return info->state == UVP_STATE_SHUT_DOWN ? uvp_reason_name(info->reason) : uvp_state_name(info->state);
}

/* ---- columns ---- */

static void text_name(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%s", domain->label);
}

static void text_id(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%u", domain->info->id);
}

static void text_state(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%s", top_state_word(domain->info));
}

static void text_cpu(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%.1f", domain->cpu);
}

static void text_memory(const struct top_domain *domain, char *buf, size_t len)
{
	out_format_size(domain->info->memory_bytes, buf, (int)len);
}

static void text_vcpus(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%u", domain->info->vcpus);
}

static void text_time(const struct top_domain *domain, char *buf, size_t len)
{
	out_format_time(domain->info->cpu_time_ns / 1000000000, buf, (int)len);
}

#define RATE(name, field)                                                                          \
	static void text_##name(const struct top_domain *domain, char *buf, size_t len)            \
	{                                                                                          \
		out_format_size((uint64_t)domain->field, buf, (int)len);                           \
	}
RATE(read, read_rate)
RATE(write, write_rate)
RATE(rx, rx_rate)
RATE(tx, tx_rate)

static int compare_names(const struct top_domain *a, const struct top_domain *b)
{
	return strcmp(a->label, b->label);
}

static int compare_states(const struct top_domain *a, const struct top_domain *b)
{
	return strcmp(top_state_word(a->info), top_state_word(b->info));
}

/* The greatest first, but ids from the lowest on. */
#define COMPARE(name, value)                                                                       \
	static int compare_##name(const struct top_domain *a, const struct top_domain *b)          \
	{                                                                                          \
		return (b->value > a->value) - (b->value < a->value);                              \
	}
COMPARE(cpu, cpu)
COMPARE(memory, info->memory_bytes)
COMPARE(vcpus, info->vcpus)
COMPARE(read, read_rate)
COMPARE(write, write_rate)
COMPARE(rx, rx_rate)
COMPARE(tx, tx_rate)
COMPARE(time, info->cpu_time_ns)

static int compare_ids(const struct top_domain *a, const struct top_domain *b)
{
	return (a->info->id > b->info->id) - (a->info->id < b->info->id);
}

const struct top_column top_columns[] = {
	{ "NAME", 18, true, text_name, compare_names },
	{ "ID", 5, false, text_id, compare_ids },
	{ "STATE", 9, true, text_state, compare_states },
	{ "CPU%", 7, false, text_cpu, compare_cpu },
	{ "MEMORY", 9, false, text_memory, compare_memory },
	{ "VCPUS", 5, false, text_vcpus, compare_vcpus },
	{ "READ/s", 9, false, text_read, compare_read },
	{ "WRITE/s", 9, false, text_write, compare_write },
	{ "RX/s", 9, false, text_rx, compare_rx },
	{ "TX/s", 9, false, text_tx, compare_tx },
	{ "CPU TIME", 12, false, text_time, compare_time },
	{ NULL, 0, false, NULL, NULL },
};

int top_column_find(const char *title)
{
	for (int i = 0; top_columns[i].title; i++)
		if (!strcasecmp(top_columns[i].title, title))
			return i;
	return -1;
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
		return strcasestr(domain->label, term->text) != NULL;
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

bool top_is_marked(const struct top_ui *ui, const uint8_t uuid[16])
{
	for (size_t i = 0; i < ui->n_marked; i++)
		if (!memcmp(ui->marked[i], uuid, 16))
			return true;
	return false;
}

/* ---- rows ---- */

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct top_domain *left = *(const struct top_domain *const *)a;
	const struct top_domain *right = *(const struct top_domain *const *)b;
	const struct top_ui *ui = data;
	int order = top_columns[ui->sort].compare(left, right);

	if (ui->reverse)
		order = -order;
	return order ? order : compare_ids(left, right);
}

const struct top_domain **top_rows(const struct top_model *model, const struct top_ui *ui, size_t *ret_n)
{
	const struct top_domain **rows = calloc(model->n_domains + 1, sizeof(*rows));
	size_t n = 0;

	*ret_n = 0;
	if (!rows)
		return NULL;
	for (size_t i = 0; i < model->n_domains; i++)
		if (passes(ui->filter, &model->domains[i]))
			rows[n++] = &model->domains[i];
	qsort_r(rows, n, sizeof(*rows), compare_rows, (void *)(uintptr_t)ui);
	*ret_n = n;
	return rows;
}
