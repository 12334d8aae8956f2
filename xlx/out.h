/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output of commands: one description of the columns gives the table for people and the JSON for programs. */
#ifndef XLX_OUT_H
#define XLX_OUT_H

#include <stdbool.h>
#include <stdint.h>

/* ---- tables ---- */
struct out_table;
enum out_align { OUT_LEFT, OUT_RIGHT };
struct out_table *out_table_new(void); /* NULL when out of memory; every call below accepts NULL then */
void out_table_column(struct out_table *table, const char *title, enum out_align align);
/* Cells of the current row, left to right; the row ends by itself when every column has its cell. */
void out_table_text(struct out_table *table, const char *text); /* guests' bytes are made harmless */
void out_table_fmt(struct out_table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Print with columns as wide as needed; no_header leaves the titles out. Frees the table. 0 or an exit status. */
int out_table_print(struct out_table *table, bool no_header);
/* Instead of printing. */
void out_table_free(struct out_table *table);

/* ---- CSV ---- */
/* Print a field in quotes, guests' bytes made harmless. */
void out_csv_text(const char *text);

/* ---- JSON, through json-c in libuvp/core/json.h ---- */
struct uvpi_json;
/* Print to stdout, indented on a terminal, one line otherwise, and free. Returns an exit status. */
int out_json(struct uvpi_json *value);

/* "1.5 GiB"; "2d 03:04:05" */
void out_format_size(uint64_t bytes, char *buf, int len);
void out_format_time(uint64_t seconds, char *buf, int len);
/* Control characters and broken UTF-8 replaced by '?'. */
void out_sanitize(const char *text, char *buf, int len);

#endif
