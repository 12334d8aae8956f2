/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables, sizes, times, and making guests' bytes harmless. */
#include "xlx/out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/utf8.h"
#include "xlx/cmd.h"

struct column {
	const char *title;
	enum out_align align;
	int width; /* of its widest cell */
};

struct out_table {
	int n_columns;
	struct column *columns;
	/* Cells one after the other, each with its NUL. */
	char *text;
	size_t len, size;
	size_t n_cells;
	bool failed; /* out of memory */
};

/* Control characters, and those that change the direction of the text around them. */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void out_sanitize(const char *text, char *buf, int len)
{
	const char *end = text + strlen(text);
	int used = 0;

	if (len <= 0)
		return;
	for (size_t n; text < end; text += n ? n : 1) {
		uint32_t code = 0;
		bool bad;
		int need;

		n = uvpi_utf8_decode(text, end, &code);
		bad = !n || is_harmful(code);
		need = bad ? 1 : (int)n;

		if (used + need >= len)
			break;
		if (bad)
			buf[used] = '?';
		else
			memcpy(buf + used, text, n);
		used += need;
	}
	buf[used] = '\0';
}

void out_csv_text(const char *text)
{
	char clean[256];

	out_sanitize(text, clean, sizeof(clean));
	putchar('"');
	for (const char *c = clean; *c; c++) {
		if (*c == '"')
			putchar('"');
		putchar(*c);
	}
	putchar('"');
}

void out_format_size(uint64_t bytes, char *buf, int len)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	int unit = 0;
	double value = (double)bytes;

	/* 1023.95 would be printed as 1024.0 of the smaller unit. */
	for (; unit < 6 && value >= 1023.95; unit++)
		value /= 1024;
	if (unit == 0)
		snprintf(buf, (size_t)len, "%" PRIu64 " B", bytes);
	else if ((uint64_t)(value * 10 + 0.5) % 10 == 0)
		snprintf(buf, (size_t)len, "%.0f %s", value, units[unit]);
	else
		snprintf(buf, (size_t)len, "%.1f %s", value, units[unit]);
}

void out_format_time(uint64_t seconds, char *buf, int len)
{
	uint64_t days = seconds / 86400;
	unsigned int rest = (unsigned int)(seconds % 86400);

	if (days)
		snprintf(buf, (size_t)len, "%" PRIu64 "d %02u:%02u:%02u", days, rest / 3600, rest / 60 % 60,
			 rest % 60);
	else
		snprintf(buf, (size_t)len, "%u:%02u:%02u", rest / 3600, rest / 60 % 60, rest % 60);
}

struct out_table *out_table_new(void)
{
	return calloc(1, sizeof(struct out_table));
}

void out_table_column(struct out_table *table, const char *title, enum out_align align)
{
	struct column *more;

	if (!table || table->failed)
		return;
	more = reallocarray(table->columns, (size_t)table->n_columns + 1, sizeof(*more));
	if (!more) {
		table->failed = true;
		return;
	}
	table->columns = more;
	table->columns[table->n_columns++] = (struct column){ title, align, 0 };
}

void out_table_text(struct out_table *table, const char *text)
{
	size_t need = strlen(text) + 1;

	if (!table || table->failed)
		return;
	if (table->size - table->len < need) {
		size_t size = table->size * 2 + need + 4096;
		char *bigger = realloc(table->text, size);

		if (!bigger) {
			table->failed = true;
			return;
		}
		table->text = bigger;
		table->size = size;
	}
	out_sanitize(text, table->text + table->len, (int)need);
	table->len += strlen(table->text + table->len) + 1;
	table->n_cells++;
}

void out_table_fmt(struct out_table *table, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_table_text(table, text);
}

/* Characters, not bytes; a sanitised text has no broken sequences. */
static int text_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(const struct out_table *table, int column, const char *text)
{
	int blanks = table->columns[column].width - text_width(text);
	bool last = column == table->n_columns - 1;

	if (table->columns[column].align == OUT_RIGHT)
		printf("%*s%s", blanks, "", text);
	else
		printf("%s%*s", text, last ? 0 : blanks, "");
	fputs(last ? "\n" : "  ", stdout);
}

static void print_table(struct out_table *table, bool no_header)
{
	size_t n = (size_t)table->n_columns;
	const char *p = table->text;

	for (size_t i = 0; i < n; i++)
		table->columns[i].width = no_header ? 0 : text_width(table->columns[i].title);
	for (size_t i = 0; i < table->n_cells; i++, p += strlen(p) + 1) {
		int width = text_width(p);

		if (width > table->columns[i % n].width)
			table->columns[i % n].width = width;
	}
	for (int i = 0; i < table->n_columns && !no_header; i++)
		print_cell(table, i, table->columns[i].title);
	p = table->text;
	for (size_t i = 0; i < table->n_cells; i++, p += strlen(p) + 1)
		print_cell(table, (int)(i % n), p);
}

void out_table_free(struct out_table *table)
{
	if (table) {
		free(table->columns);
		free(table->text);
	}
	free(table);
}

int out_table_print(struct out_table *table, bool no_header)
{
	struct uvp_error err = UVP_ERROR_INIT;
	bool failed = !table || table->failed;

	if (!failed && table->n_columns)
		print_table(table, no_header);
	out_table_free(table);
	if (!failed)
		return XLX_EXIT_OK;
	uvpi_no_memory(&err);
	return xlx_fail(&err);
}
