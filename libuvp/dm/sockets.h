/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For qemu.c and qemu_end.c: the sockets of uvpi_qemu_listen() and its kin. */
#ifndef UVPI_DM_SOCKETS_H
#define UVPI_DM_SOCKETS_H

#include "dm/qemu.h"

/* Its folder is there, and it does not run yet. */
int uvpi_qemu_make_sockets(const struct uvpi_qemu *qemu, struct uvp_error *err);
/* It has ended; whose folder this is. */
void uvpi_qemu_remove_sockets(const char *dir);

#endif
