/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Confirmation of destructive commands. */
#ifndef XLX_ASK_H
#define XLX_ASK_H

#include <stdbool.h>

/* 0 when the operator agreed on the terminal or `yes` is set; otherwise an exit status, after saying that nothing was
 * changed (without a terminal: that --yes is needed). */
int xlx_ask(bool yes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
