/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard as it runs: samples, keys, and the commands it starts. */
#ifndef XLX_TOP_LOOP_H
#define XLX_TOP_LOOP_H

#include <stdbool.h>

struct top_model;
struct top_past;
struct top_source;
struct top_ui;

/* The screen, until the operator quits. Returns an exit status. */
int top_loop(struct top_source *source, struct top_model *model, struct top_ui *ui, struct top_past *past, bool colour);

#endif
