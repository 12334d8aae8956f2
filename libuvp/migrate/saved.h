/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains that move. */
#ifndef UVPI_MIGRATE_SAVED_H
#define UVPI_MIGRATE_SAVED_H

#include <uvp/error.h>

/* Beside a file that was handed over: PATH.outgoing, a line of which file it is, and the lines of a domain's note, handover.h. */
#define UVPI_SAVED_OUTGOING ".outgoing"

/* Open it for somebody who lets the domain in it run: until *ret_fd is closed nobody moves it. BUSY when it moves, or was handed over
 * and may run elsewhere. */
int uvpi_saved_open(const char *path, int *ret_fd, struct uvp_error *err);

#endif
