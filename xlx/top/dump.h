/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard's figures without its screen. Each returns an exit status. */
#ifndef XLX_TOP_DUMP_H
#define XLX_TOP_DUMP_H

#include <stdbool.h>

#include "xlx/top/ui.h"

struct top_frame;

int top_dump_frame(const struct top_frame *frame);
/* dump_json.c: one object, with all that any view shows. */
int top_dump_json(const struct top_model *model, const struct top_ui *ui);
/* plain.c: a sentence for each thing of the view, for those who hear it read. */
int top_dump_plain(const struct top_model *model, const struct top_ui *ui);
bool top_plain_has(enum top_view view); /* the others are for choosing, and for keys */

#endif
