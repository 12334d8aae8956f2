/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `xlx sar` shows of the kept samples, as table, CSV, JSON or plot: one description of the columns for all. */
#ifndef XLX_SAR_H
#define XLX_SAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "history/rates.h"

enum sar_unit { SAR_PERCENT, SAR_BYTES, SAR_BYTE_RATE, SAR_RATE, SAR_COUNT, SAR_N_UNITS };

struct sar_series {
	const char *name;  /* in JSON and CSV */
	const char *title; /* of the table's column */
	enum sar_unit unit;
	size_t offset;     /* of a double in struct uvpi_history_row */
	bool by_sample;    /* 0 in some samples, of older ones, means that nobody knows */
	uint32_t node;     /* of memory, from 1 on: it is in the sample, not the row; 0: of none */
	bool free;         /* of that node; else used */
};

/* What the host's memory is described with: as many nodes as the samples have. */
#define SAR_NODE_SERIES (8 + 2 * UVPI_HISTORY_NODES)
struct sar_nodes {
	struct sar_series series[SAR_NODE_SERIES];
	char names[SAR_NODE_SERIES][24], titles[SAR_NODE_SERIES][24];
};

struct sar_view {
	const char *name;               /* "cpu" */
	const struct sar_series *host;  /* end without a name */
	const struct sar_series *domain;
	bool nodes;                     /* the host's go behind */
};

struct sar_report {
	const struct sar_series *series;
	const struct uvpi_history_row *rows;
	size_t n;
	const char *domain; /* name for headings; NULL: the host */
};

/* NULL: there is none of that name. */
const struct sar_view *sar_view_find(const char *name);

/* All return an exit status. */
int sar_print_table(const struct sar_report *report);
int sar_print_csv(const struct sar_report *report);
int sar_print_json(const struct sar_report *report);
/* A file is written beside and renamed: it is whole or as before. What is there and is no file, like a device or a pipe, is written
 * to, and "-" is standard output. */
int sar_write_svg(const struct sar_report *report, const char *path);

/* The series, and those of the nodes that any of the rows has behind them. */
const struct sar_series *sar_add_nodes(const struct sar_series *series, const struct uvpi_history_row *rows, size_t n, struct sar_nodes *nodes);

/* Is that known about that step? */
bool sar_known(const struct sar_report *report, const struct uvpi_history_row *row, const struct sar_series *series);
double sar_value(const struct uvpi_history_row *row, const struct sar_series *series);
void sar_format(double value, enum sar_unit unit, char *buf, int len);

#endif
