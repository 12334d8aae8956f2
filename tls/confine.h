/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TLS_CONFINE_H
#define TLS_CONFINE_H

#include <uvp/error.h>

/* From here on this process has only the descriptors that it has: another user without capabilities, no core dumps, nobody may
 * trace it, and no system call that opens, connects, starts or signals anything. */
int tls_confine(struct uvp_error *err);

#endif
