/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an operator chose to keep: columns and tree, in $XDG_CONFIG_HOME/xlx/top or ~/.config/xlx/top. */
#ifndef XLX_TOP_KEEP_H
#define XLX_TOP_KEEP_H

#include <uvp/error.h>

struct top_ui;

/* No file is fine. What is wrong in it is an error, and nothing of it holds then. */
int top_keep_load(struct top_ui *ui, struct uvp_error *err);
int top_keep_save(const struct top_ui *ui, struct uvp_error *err);

#endif
