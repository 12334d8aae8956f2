/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of the xl.cfg language (atoms and nested lists), the assignments of a file, and the parser
 * that makes them. */
#ifndef UVPI_CONFIG_XLCFG_VALUE_H
#define UVPI_CONFIG_XLCFG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include <uvp/error.h>

#include "config/xlcfg_quote.h"
#include "core/cleanup.h"

/* Bounds of what is read; each is told to the user when it is met. */
#define XLCFG_MAX_BYTES (1u << 20)
#define XLCFG_MAX_DEPTH 8
#define XLCFG_MAX_VALUES 16384

enum xlcfg_kind { XLCFG_STRING, XLCFG_NUMBER, XLCFG_LIST };

struct xlcfg_value {
	enum xlcfg_kind kind;
	int line, column; /* column 0: not known */
	char *text;	  /* atoms: without quotes and escapes; numbers as written */
	struct xlcfg_value *items;
	int n_items;
};

struct xlcfg_setting {
	char *key;
	int line;
	struct xlcfg_value value;
};

struct xlcfg_doc {
	struct xlcfg_setting *settings; /* in the file's order; each key once */
	int n;
};

/* A key was given twice, with "=": the later one counts, as in xl. */
typedef void xlcfg_twice(void *data, const char *key, int line, int earlier_line);

/* Read assignments. name is for messages; with no_lines the text is a command line argument, whose
 * messages need no line. */
int xlcfg_parse(const char *name, bool no_lines, const char *text, size_t len, xlcfg_twice *twice,
		void *twice_data, struct xlcfg_doc *ret_doc, struct uvp_error *err);
/* Read one value; its lines count from first_line on. */
int xlcfg_parse_value(const char *name, int first_line, const char *text, size_t len,
		      struct xlcfg_value *ret_value, struct uvp_error *err);
void xlcfg_doc_done(struct xlcfg_doc *doc);
void xlcfg_value_done(struct xlcfg_value *value);

/* The value in xl.cfg syntax on one line, strings in "", lists as [ a, b ]; the caller frees it.
 * NULL: no memory. */
char *xlcfg_value_text(const struct xlcfg_value *value);

static inline void xlcfg_cleanup_doc(struct xlcfg_doc *doc)
{
	xlcfg_doc_done(doc);
}
static inline void xlcfg_cleanup_value(struct xlcfg_value *value)
{
	xlcfg_value_done(value);
}
#define _cleanup_doc_ __attribute__((cleanup(xlcfg_cleanup_doc)))
#define _cleanup_value_ __attribute__((cleanup(xlcfg_cleanup_value)))

#endif
