/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From text to the tokens of the xl.cfg language. It accepts what xl's own reader does, and a
 * little more: a last comment without a line end, CR before LF, capital hexadecimal digits, and a
 * backslash that joins two lines. */
#include "config/xlcfg_lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/utf8.h"

void xlcfg_lex_init(struct xlcfg_lexer *lexer, const char *name, bool no_lines, int first_line,
		    const char *text, size_t len)
{
	*lexer = (struct xlcfg_lexer){
		.name = name,
		.no_lines = no_lines,
		.pos = text,
		.end = text + len,
		.line = first_line,
		.token_line = first_line,
	};
}

void xlcfg_lex_done(struct xlcfg_lexer *lexer)
{
	free(lexer->text);
	lexer->text = NULL;
}

int xlcfg_lex_fail(const struct xlcfg_lexer *lexer, int line, struct uvp_error *err,
		   const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (lexer->no_lines)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %s", lexer->name, text);
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s:%d: %s", lexer->name, line, text);
}

const char *xlcfg_lex_shown(const struct xlcfg_lexer *lexer, char *buf, size_t size)
{
	switch (lexer->token) {
	case TOK_END:
		return lexer->no_lines ? "the end" : "the end of the file";
	case TOK_NEWLINE:
		return "the end of the line";
	case TOK_ASSIGN:
		return "'='";
	case TOK_ADD:
		return "'+='";
	case TOK_COMMA:
		return "','";
	case TOK_SEMICOLON:
		return "';'";
	case TOK_OPEN:
		return "'['";
	case TOK_CLOSE:
		return "']'";
	case TOK_WORD:
	case TOK_NUMBER:
		snprintf(buf, size, "'%.40s'", lexer->text);
		return buf;
	case TOK_STRING:
		snprintf(buf, size, "the string \"%.40s\"", lexer->text);
		return buf;
	}
	return "";
}

static bool is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* A byte that cannot stand there: told by its sign if it has one. */
static int bad_byte(const struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	unsigned char c = (unsigned char)*lexer->pos;

	if (c == 0)
		return xlcfg_lex_fail(lexer, lexer->line, err,
				      "a NUL byte: this is not a text file");
	if (c >= 0x80 || iscntrl(c))
		return xlcfg_lex_fail(
			lexer, lexer->line, err,
			"byte 0x%02x cannot stand here: expected a key, a value or a comment", c);
	if (strchr("+-.():", c))
		xlcfg_lex_fail(lexer, lexer->line, err,
			       "'%c' cannot stand here; values are numbers, strings in quotes or "
			       "lists in [ ]",
			       c);
	else
		xlcfg_lex_fail(lexer, lexer->line, err, "'%c' cannot stand here", c);
	if (strchr("+-.():", c))
		uvpi_hint(err, "put the value in quotes; Python code in xl.cfg files is not "
			       "supported, as in xl");
	return -UVP_E_INVALID;
}

static int skip_comment(struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	while (lexer->pos < lexer->end && *lexer->pos != '\n') {
		size_t n = uvpi_utf8_xml_char(lexer->pos, lexer->end);

		if (!n || !*lexer->pos)
			return bad_byte(lexer, err);
		lexer->pos += n;
	}
	return 0;
}

/* Blanks, comments, and a backslash at the end of a line. */
static int skip_blank(struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	while (lexer->pos < lexer->end) {
		size_t left = (size_t)(lexer->end - lexer->pos);

		if (*lexer->pos == ' ' || *lexer->pos == '\t') {
			lexer->pos++;
		} else if (*lexer->pos == '\r' && (left == 1 || lexer->pos[1] == '\n')) {
			lexer->pos++;
		} else if (*lexer->pos == '#') {
			int rc = skip_comment(lexer, err);

			if (rc < 0)
				return rc;
		} else if (left >= 2 && !memcmp(lexer->pos, "\\\n", 2)) {
			lexer->pos += 2;
			lexer->line++;
		} else if (left >= 3 && !memcmp(lexer->pos, "\\\r\n", 3)) {
			lexer->pos += 3;
			lexer->line++;
		} else {
			break;
		}
	}
	return 0;
}

static int lex_run(struct xlcfg_lexer *lexer, enum xlcfg_token token, const char *end,
		   struct uvp_error *err)
{
	lexer->token = token;
	lexer->text = strndup(lexer->pos, (size_t)(end - lexer->pos));
	if (!lexer->text)
		return uvpi_no_memory(err);
	lexer->pos = end;
	return 0;
}

static int lex_word(struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	const char *end = lexer->pos;

	while (end < lexer->end && is_word_char(*end))
		end++;
	return lex_run(lexer, TOK_WORD, end, err);
}

static int lex_number(struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	const char *end = lexer->pos;

	while (end < lexer->end && (isxdigit((unsigned char)*end) || *end == 'x' || *end == 'X'))
		end++;
	return lex_run(lexer, TOK_NUMBER, end, err);
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* The number of an escape \xHH or \ooo; pos stands on its first digit. */
static int escaped_number(struct xlcfg_lexer *lexer, int base, int digits, char *ret_char,
			  struct uvp_error *err)
{
	int value = 0, n = 0;

	for (; n < digits && lexer->pos < lexer->end; n++, lexer->pos++) {
		int digit = hex_digit(*lexer->pos);

		if (digit < 0 || digit >= base)
			break;
		value = value * base + digit;
	}
	if (n == 0 || (base == 16 && n != 2))
		return xlcfg_lex_fail(lexer, lexer->line, err,
				      "'\\x' in a string needs two hexadecimal digits");
	if (value == 0 || value > 0x7f)
		return xlcfg_lex_fail(
			lexer, lexer->line, err,
			"an escape for character %d in a string: only 1 to 127 can be written so",
			value);
	*ret_char = (char)value;
	return 0;
}

static int lex_escape(struct xlcfg_lexer *lexer, char *ret_char, struct uvp_error *err)
{
	static const char from[] = "abfnrtv\"'\\", to[] = "\a\b\f\n\r\t\v\"'\\";
	const char *found;
	char c;

	lexer->pos++; /* the backslash */
	if (lexer->pos == lexer->end || *lexer->pos == '\n')
		return xlcfg_lex_fail(lexer, lexer->line, err,
				      "a string ends in the middle of an escape");
	c = *lexer->pos;
	if (c >= '0' && c <= '7')
		return escaped_number(lexer, 8, 3, ret_char, err);
	lexer->pos++;
	if (c == 'x')
		return escaped_number(lexer, 16, 2, ret_char, err);
	found = c ? strchr(from, c) : NULL;
	if (!found)
		return xlcfg_lex_fail(
			lexer, lexer->line, err,
			"unknown escape '\\%c' in a string; write '\\\\' for a backslash",
			isprint((unsigned char)c) ? c : '?');
	*ret_char = to[found - from];
	return 0;
}

/* How many bytes the string may have at most: up to its quote, its line's end or the text's. */
static size_t string_bound(const struct xlcfg_lexer *lexer, char quote)
{
	const char *p = lexer->pos;

	while (p < lexer->end && *p != quote && *p != '\n')
		p += *p == '\\' && lexer->end - p > 1 ? 2 : 1;
	return (size_t)(p - lexer->pos);
}

static int lex_string(struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	char quote = *lexer->pos++;
	size_t len = 0;

	lexer->token = TOK_STRING;
	lexer->text = malloc(string_bound(lexer, quote) + 1);
	if (!lexer->text)
		return uvpi_no_memory(err);
	for (;;) {
		size_t n;

		if (lexer->pos == lexer->end || *lexer->pos == '\n')
			return xlcfg_lex_fail(
				lexer, lexer->line, err,
				"a string begins with %c and does not end on the same line", quote);
		if (*lexer->pos == quote)
			break;
		if (*lexer->pos == '\\') {
			int rc = lex_escape(lexer, &lexer->text[len], err);

			if (rc < 0)
				return rc;
			n = 1;
		} else {
			n = uvpi_utf8_xml_char(lexer->pos, lexer->end);
			if (!n || !*lexer->pos)
				return xlcfg_lex_fail(
					lexer, lexer->line, err,
					"byte 0x%02x in a string: only UTF-8 text is accepted",
					(unsigned char)*lexer->pos);
			memcpy(&lexer->text[len], lexer->pos, n);
			lexer->pos += n;
		}
		/* XML has no way to write these, and no key has a use for them. */
		if (iscntrl((unsigned char)lexer->text[len]) && !strchr("\t\n\r", lexer->text[len]))
			return xlcfg_lex_fail(lexer, lexer->line, err,
					      "control character 0x%02x in a string",
					      lexer->text[len]);
		len += n;
	}
	lexer->pos++;
	lexer->text[len] = '\0';
	return 0;
}

static enum xlcfg_token sign_token(char c)
{
	switch (c) {
	case '=':
		return TOK_ASSIGN;
	case ',':
		return TOK_COMMA;
	case ';':
		return TOK_SEMICOLON;
	case '[':
		return TOK_OPEN;
	case ']':
		return TOK_CLOSE;
	case '\n':
		return TOK_NEWLINE;
	default:
		return TOK_END;
	}
}

int xlcfg_lex_next(struct xlcfg_lexer *lexer, struct uvp_error *err)
{
	int rc = skip_blank(lexer, err);

	if (rc < 0)
		return rc;
	xlcfg_lex_done(lexer);
	lexer->token_line = lexer->line;
	lexer->token = TOK_END;
	if (lexer->pos == lexer->end)
		return 0;
	if (is_word_start(*lexer->pos))
		return lex_word(lexer, err);
	if (isdigit((unsigned char)*lexer->pos))
		return lex_number(lexer, err);
	if (*lexer->pos == '"' || *lexer->pos == '\'')
		return lex_string(lexer, err);
	if (*lexer->pos == '+' && lexer->end - lexer->pos > 1 && lexer->pos[1] == '=') {
		lexer->token = TOK_ADD;
		lexer->pos += 2;
		return 0;
	}
	lexer->token = sign_token(*lexer->pos);
	if (lexer->token == TOK_END)
		return bad_byte(lexer, err);
	if (lexer->token == TOK_NEWLINE)
		lexer->line++;
	lexer->pos++;
	return 0;
}
