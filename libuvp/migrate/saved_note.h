/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The note beside a file of a saved domain that was handed over to another host. */
#ifndef UVPI_MIGRATE_SAVED_NOTE_H
#define UVPI_MIGRATE_SAVED_NOTE_H

#include <uvp/error.h>

#include "migrate/leaving.h"

/* The file, to be moved: BUSY when somebody else moves or restores it. */
int uvpi_saved_open_to_move(const char *path, int *ret_fd, struct uvp_error *err);
/* path is a full one, and mark that of leaving.h. */
int uvpi_saved_note(const char *path, const char *mark, const struct uvpi_handover *handover, struct uvp_error *err);
/* 1 and what it says, or 0 when there is none about this file. */
int uvpi_saved_noted(const char *path, int fd, struct uvpi_leaving *ret_leaving, struct uvp_error *err);
int uvpi_saved_take_back(const char *path, struct uvp_error *err);
/* It is the other host's, and goes; not what was put in its place. 1 when it is there still under another name that nobody knows. */
int uvpi_saved_remove(const char *path, int fd, const char *mark, struct uvp_error *err);

#endif
