/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a console client that others need. */
#ifndef UVPI_CONSOLE_H
#define UVPI_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvp/console.h>

#include "core/cleanup.h"

UVPI_DEFINE_CLEANUP(struct uvp_console *, uvp_console_close);
#define _cleanup_console_ UVPI_CLEANUP(uvp_console_close)

/* The seat at a domain's console: an exclusive flock on the file that xl's client locks as well. With
 * UVP_CONSOLE_STEAL a console client that holds it is ended first; any other holder is BUSY. */
int uvpi_console_lock(uint32_t domid, uint32_t flags, int *ret_fd, struct uvp_error *err);
/* Remove the file and let go of it. */
void uvpi_console_unlock(uint32_t domid, int fd);

/* The process at a domain's console and its program's name; 0 when there is none. */
pid_t uvpi_console_holder(uint32_t domid, char *ret_command, size_t size);

/* Is the text, which a guest may have written, the name of a pseudo terminal and of nothing else. */
bool uvpi_console_is_pty_path(const char *path);

#endif
