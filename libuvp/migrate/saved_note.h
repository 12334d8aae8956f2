/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The note beside a file of a saved domain that was handed over to another host. */
#ifndef UVPI_MIGRATE_SAVED_NOTE_H
#define UVPI_MIGRATE_SAVED_NOTE_H

#include <uvp/error.h>

#include "migrate/handover.h"

/* The file, to be moved: BUSY when somebody else moves or restores it. */
int uvpi_saved_open_to_move(const char *path, int *ret_fd, struct uvp_error *err);
/* path is a full one, and fd that file. */
int uvpi_saved_note(const char *path, int fd, const struct uvpi_handover *handover, struct uvp_error *err);
/* 1 and what it says, or 0 when there is none about this file. */
int uvpi_saved_noted(const char *path, int fd, struct uvpi_handover *ret_handover, struct uvp_error *err);
int uvpi_saved_take_back(const char *path, struct uvp_error *err);
/* It is the other host's: file and note go. */
int uvpi_saved_remove(const char *path, struct uvp_error *err);

#endif
