/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the worker that speaks TLS with a stranger tells the listener: one line, "yes NAME" or "no REASON". The worker may have
 * been taken over by the stranger, so the line is read as his. Pure functions. */
#ifndef TLS_WORD_H
#define TLS_WORD_H

#include <stdbool.h>
#include <stddef.h>

#define TLS_NAME 64      /* of a host that may connect, with the NUL */
#define TLS_WORD_MAX 128 /* bytes of the line */

enum tls_verdict {
	TLS_YES = 0,
	TLS_UNKNOWN, /* the certificate is nobody's that this host knows */
	TLS_EXPIRED,
	TLS_TOO_EARLY,
	TLS_NONE,    /* there was no certificate */
	TLS_SLOW,    /* the greeting was not over in time */
	TLS_BROKEN,  /* no TLS 1.3, or the connection ended */
	TLS_OURS,    /* this host's own key or list of hosts cannot be read */
	TLS_RIGHTS,  /* this host's worker could not be confined, or not begin */
	TLS_VERDICTS
};

/* The line, with its end; returns its length. */
size_t tls_word_write(enum tls_verdict verdict, const char *name, char buf[TLS_WORD_MAX]);
/* 1 when the bytes are a whole line, 0 when more must come, -1 when they can never be one. */
int tls_word_read(const char *bytes, size_t len, enum tls_verdict *ret_verdict, char ret_name[TLS_NAME]);
/* What to tell an operator of a host that was not let in. */
const char *tls_verdict_text(enum tls_verdict verdict);

#endif
