/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of xl.cfg: assignments that end with their line or with ';', values that are strings,
 * numbers or lists of values. Line ends inside lists do not count. "+=" appends a string to a
 * string or a list to a list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/xlcfg_lex.h"
#include "config/xlcfg_value.h"
#include "core/error.h"

struct parser {
	struct xlcfg_lexer lexer;
	int n_values;
	xlcfg_twice *twice;
	void *twice_data;
};

void xlcfg_value_done(struct xlcfg_value *value)
{
	for (int i = 0; i < value->n_items; i++)
		xlcfg_value_done(&value->items[i]);
	free(value->items);
	free(value->text);
	memset(value, 0, sizeof(*value));
}

void xlcfg_doc_done(struct xlcfg_doc *doc)
{
	for (int i = 0; i < doc->n; i++) {
		free(doc->settings[i].key);
		xlcfg_value_done(&doc->settings[i].value);
	}
	free(doc->settings);
	memset(doc, 0, sizeof(*doc));
}

/* Room for one more item; sizes grow by doubling. */
static void *grow(void *array, int n, size_t item_size)
{
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? (size_t)n * 2 : 1, item_size);
}

static int expected(struct parser *parser, const char *what, struct uvp_error *err)
{
	char buf[64];

	return xlcfg_lex_fail(&parser->lexer, parser->lexer.token_line, err,
			      "expected %s, found %s", what,
			      xlcfg_lex_shown(&parser->lexer, buf, sizeof(buf)));
}

static int parse_value(struct parser *parser, int depth, struct xlcfg_value *value,
		       struct uvp_error *err);

static int skip_newlines(struct parser *parser, struct uvp_error *err)
{
	while (parser->lexer.token == TOK_NEWLINE) {
		int rc = xlcfg_lex_next(&parser->lexer, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The lexer stands on '['; afterwards behind ']'. What was read of a broken list is the caller's to
 * free. */
static int parse_list(struct parser *parser, int depth, struct xlcfg_value *list,
		      struct uvp_error *err)
{
	int rc;

	list->kind = XLCFG_LIST;
	if (depth == XLCFG_MAX_DEPTH)
		return xlcfg_lex_fail(&parser->lexer, list->line, err,
				      "lists are nested more than %d deep", XLCFG_MAX_DEPTH);
	rc = xlcfg_lex_next(&parser->lexer, err);
	if (rc == 0)
		rc = skip_newlines(parser, err);
	while (rc == 0 && parser->lexer.token != TOK_CLOSE) {
		struct xlcfg_value *items = grow(list->items, list->n_items, sizeof(*items));

		if (!items)
			return uvpi_no_memory(err);
		list->items = items;
		memset(&items[list->n_items], 0, sizeof(*items));
		rc = parse_value(parser, depth + 1, &items[list->n_items++], err);
		if (rc == 0)
			rc = skip_newlines(parser, err);
		if (rc < 0 || parser->lexer.token == TOK_CLOSE)
			break;
		if (parser->lexer.token == TOK_END)
			return xlcfg_lex_fail(
				&parser->lexer, list->line, err,
				"the list that begins here has no end: ']' is missing");
		if (parser->lexer.token != TOK_COMMA)
			return expected(parser, "',' or ']' in a list", err);
		rc = xlcfg_lex_next(&parser->lexer, err);
		if (rc == 0)
			rc = skip_newlines(parser, err);
	}
	return rc < 0 ? rc : xlcfg_lex_next(&parser->lexer, err);
}

static int bad_value(struct parser *parser, struct uvp_error *err)
{
	int rc = expected(parser, "a number, a string in quotes or a list in [ ]", err);

	if (parser->lexer.token != TOK_WORD)
		return rc;
	if (!strcmp(parser->lexer.text, "True") || !strcmp(parser->lexer.text, "False"))
		uvpi_hint(err, "write %d for %s", parser->lexer.text[0] == 'T', parser->lexer.text);
	else
		uvpi_hint(err, "write it in quotes: \"%.40s\"", parser->lexer.text);
	return rc;
}

static int parse_value(struct parser *parser, int depth, struct xlcfg_value *value,
		       struct uvp_error *err)
{
	value->line = parser->lexer.token_line;
	if (++parser->n_values > XLCFG_MAX_VALUES)
		return xlcfg_lex_fail(&parser->lexer, value->line, err, "more than %d values",
				      XLCFG_MAX_VALUES);
	if (parser->lexer.token == TOK_OPEN)
		return parse_list(parser, depth, value, err);
	if (parser->lexer.token != TOK_NUMBER && parser->lexer.token != TOK_STRING)
		return bad_value(parser, err);
	value->kind = parser->lexer.token == TOK_NUMBER ? XLCFG_NUMBER : XLCFG_STRING;
	value->text = uvpi_steal(&parser->lexer.text);
	return xlcfg_lex_next(&parser->lexer, err);
}

static struct xlcfg_setting *find(struct xlcfg_doc *doc, const char *key)
{
	for (int i = 0; i < doc->n; i++)
		if (!strcmp(doc->settings[i].key, key))
			return &doc->settings[i];
	return NULL;
}

static int append_list(struct xlcfg_value *to, struct xlcfg_value *from, struct uvp_error *err)
{
	for (int i = 0; i < from->n_items; i++) {
		struct xlcfg_value *items = grow(to->items, to->n_items, sizeof(*items));

		if (!items)
			return uvpi_no_memory(err);
		to->items = items;
		items[to->n_items++] = from->items[i];
		memset(&from->items[i], 0, sizeof(from->items[i]));
	}
	return 0;
}

static int append(struct parser *parser, struct xlcfg_setting *to, struct xlcfg_value *from,
		  struct uvp_error *err)
{
	char *joined;

	if (to->value.kind == XLCFG_LIST && from->kind == XLCFG_LIST)
		return append_list(&to->value, from, err);
	if (to->value.kind != XLCFG_STRING || from->kind != XLCFG_STRING)
		return xlcfg_lex_fail(
			&parser->lexer, from->line, err,
			"'%s +=' joins a string to a string or a list to a list, nothing else",
			to->key);
	if (asprintf(&joined, "%s%s", to->value.text, from->text) < 0)
		return uvpi_no_memory(err);
	free(to->value.text);
	to->value.text = joined;
	return 0;
}

/* Put key and value, which is taken over, into the document. */
static int store(struct parser *parser, struct xlcfg_doc *doc, char **key, int line, bool add,
		 struct xlcfg_value *value, struct uvp_error *err)
{
	struct xlcfg_setting *setting = find(doc, *key);

	if (setting && add)
		return append(parser, setting, value, err);
	if (setting) {
		if (parser->twice)
			parser->twice(parser->twice_data, *key, line, setting->line);
		xlcfg_value_done(&setting->value);
	} else {
		setting = grow(doc->settings, doc->n, sizeof(*setting));
		if (!setting)
			return uvpi_no_memory(err);
		doc->settings = setting;
		setting = &doc->settings[doc->n++];
		setting->key = uvpi_steal(key);
	}
	setting->line = line;
	setting->value = *value;
	memset(value, 0, sizeof(*value));
	return 0;
}

static int parse_assignment(struct parser *parser, struct xlcfg_doc *doc, struct uvp_error *err)
{
	_cleanup_value_ struct xlcfg_value value = { 0 };
	_cleanup_free_ char *key = NULL;
	int line = parser->lexer.token_line;
	char what[120];
	bool add;
	int rc;

	if (parser->lexer.token != TOK_WORD)
		return expected(parser, "a key (key = value)", err);
	key = uvpi_steal(&parser->lexer.text);
	rc = xlcfg_lex_next(&parser->lexer, err);
	if (rc < 0)
		return rc;
	add = parser->lexer.token == TOK_ADD;
	if (!add && parser->lexer.token != TOK_ASSIGN) {
		snprintf(what, sizeof(what), "'=' after '%.40s'", key);
		return expected(parser, what, err);
	}
	rc = xlcfg_lex_next(&parser->lexer, err);
	if (rc == 0)
		rc = parse_value(parser, 0, &value, err);
	if (rc < 0)
		return rc;
	if (parser->lexer.token != TOK_NEWLINE && parser->lexer.token != TOK_SEMICOLON &&
	    parser->lexer.token != TOK_END) {
		snprintf(what, sizeof(what),
			 "the end of the line or ';' after the value of '%.40s'", key);
		return expected(parser, what, err);
	}
	return store(parser, doc, &key, line, add, &value, err);
}

int xlcfg_parse(const char *name, bool no_lines, const char *text, size_t len, xlcfg_twice *twice,
		void *twice_data, struct xlcfg_doc *ret_doc, struct uvp_error *err)
{
	struct parser parser = { .twice = twice, .twice_data = twice_data };
	_cleanup_doc_ struct xlcfg_doc doc = { 0 };
	int rc;

	xlcfg_lex_init(&parser.lexer, name, no_lines, 1, text, len);
	rc = xlcfg_lex_next(&parser.lexer, err);
	while (rc == 0 && parser.lexer.token != TOK_END) {
		if (parser.lexer.token == TOK_NEWLINE || parser.lexer.token == TOK_SEMICOLON)
			rc = xlcfg_lex_next(&parser.lexer, err);
		else
			rc = parse_assignment(&parser, &doc, err);
	}
	xlcfg_lex_done(&parser.lexer);
	if (rc < 0)
		return rc;
	*ret_doc = doc;
	memset(&doc, 0, sizeof(doc));
	return 0;
}

int xlcfg_parse_value(const char *name, int first_line, const char *text, size_t len,
		      struct xlcfg_value *ret_value, struct uvp_error *err)
{
	struct parser parser = { 0 };
	_cleanup_value_ struct xlcfg_value value = { 0 };
	int rc;

	xlcfg_lex_init(&parser.lexer, name, false, first_line, text, len);
	rc = xlcfg_lex_next(&parser.lexer, err);
	if (rc == 0)
		rc = skip_newlines(&parser, err);
	if (rc == 0)
		rc = parse_value(&parser, 0, &value, err);
	if (rc == 0)
		rc = skip_newlines(&parser, err);
	if (rc == 0 && parser.lexer.token != TOK_END)
		rc = expected(&parser, "the end of the value", err);
	xlcfg_lex_done(&parser.lexer);
	if (rc < 0)
		return rc;
	*ret_value = value;
	memset(&value, 0, sizeof(value));
	return 0;
}

static void write_quoted(FILE *out, const char *text)
{
	static const char from[] = "\n\t\r\"\\", to[] = "ntr\"\\";

	fputc('"', out);
	for (; *text; text++) {
		const char *found = strchr(from, *text);

		if (found)
			fprintf(out, "\\%c", to[found - from]);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void write_value(FILE *out, const struct xlcfg_value *value)
{
	if (value->kind == XLCFG_NUMBER) {
		fputs(value->text, out);
	} else if (value->kind == XLCFG_STRING) {
		write_quoted(out, value->text);
	} else if (!value->n_items) {
		fputs("[ ]", out);
	} else {
		for (int i = 0; i < value->n_items; i++) {
			fputs(i ? ", " : "[ ", out);
			write_value(out, &value->items[i]);
		}
		fputs(" ]", out);
	}
}

/* Close the memory stream and give its text, or NULL when memory ran out. */
static char *stream_text(FILE *out, char **text)
{
	if (fclose(out) != 0) {
		free(*text);
		return NULL;
	}
	return *text;
}

char *xlcfg_value_text(const struct xlcfg_value *value)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	write_value(out, value);
	return stream_text(out, &text);
}

char *xlcfg_quote(const char *string)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	write_quoted(out, string);
	return stream_text(out, &text);
}
