/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From text to the tokens of the xl.cfg language. */
#ifndef UVPI_CONFIG_XLCFG_LEX_H
#define UVPI_CONFIG_XLCFG_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include <uvp/error.h>

enum xlcfg_token {
	TOK_END,
	TOK_NEWLINE,
	TOK_WORD,
	TOK_NUMBER,
	TOK_STRING,
	TOK_ASSIGN,
	TOK_ADD,
	TOK_COMMA,
	TOK_SEMICOLON,
	TOK_OPEN,
	TOK_CLOSE
};

struct xlcfg_lexer {
	const char *name; /* for messages */
	bool no_lines;
	const char *pos, *end;
	int line; /* of pos */

	/* the current token */
	enum xlcfg_token token;
	int token_line;
	char *text; /* of words, numbers and strings; the lexer's own until it is stolen */
};

void xlcfg_lex_init(struct xlcfg_lexer *lexer, const char *name, bool no_lines, int first_line,
		    const char *text, size_t len);
void xlcfg_lex_done(struct xlcfg_lexer *lexer);
/* Go to the next token. */
int xlcfg_lex_next(struct xlcfg_lexer *lexer, struct uvp_error *err);
/* The current token in words, for messages: "'memory'", "the end of the line". */
const char *xlcfg_lex_shown(const struct xlcfg_lexer *lexer, char *buf, size_t size);
/* Fail with "name:line: message". */
int xlcfg_lex_fail(const struct xlcfg_lexer *lexer, int line, struct uvp_error *err,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
