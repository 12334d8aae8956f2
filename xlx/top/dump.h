/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard's figures without its screen. Each returns an exit status. */
#ifndef XLX_TOP_DUMP_H
#define XLX_TOP_DUMP_H

struct top_frame;
struct top_model;
struct top_ui;

int top_dump_frame(const struct top_frame *frame);
/* dump_json.c: one object, with all that any view shows. */
int top_dump_json(const struct top_model *model, const struct top_ui *ui);
/* A sentence for each thing, for those who hear it read. */
int top_dump_plain(const struct top_model *model, const struct top_ui *ui);

#endif
