/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What moving a saved domain, saved.c, and settling one, saved_settle.c, share. */
#ifndef UVPI_MIGRATE_SAVED_MOVE_H
#define UVPI_MIGRATE_SAVED_MOVE_H

#include <limits.h>

#include <uvp/migrate.h>

#include "migrate/defined.h"
#include "migrate/leaving.h"
#include "migrate/link.h"
#include "stream/file.h"

struct uvpi_saved_move {
	const char *path;
	const struct uvp_migrate *how;
	struct uvp_op op; /* until it is handed over */
	struct uvp_migrate_report *report;
	struct uvpi_link link;
	struct uvpi_stream_reader reader; /* up to the first of the memory */
	uint8_t uuid[16];
	int lock; /* on it; -1: not yet */
	struct uvpi_leaving leaving; /* what is written down, or will be */
	struct uvpi_handover *handover; /* in it */
	struct uvpi_defined defined;
	char *config; /* as it is in the file */
	int fd; /* -1: it is gone */
	uint64_t size;
};

/* Its folder is what is written to disk, too. */
int uvpi_saved_begin(const char *path, const struct uvp_migrate *how, char ret_path[PATH_MAX], struct uvpi_saved_move **ret_s,
		     struct uvp_error *err);
void uvpi_saved_done(struct uvpi_saved_move *s);
int uvpi_saved_read_head(struct uvpi_saved_move *s, struct uvp_error *err);
/* The only one who moves it; and nobody makes it meanwhile. */
int uvpi_saved_take_lock(struct uvpi_saved_move *s, struct uvp_error *err);

/* It runs there: each step can be done again. */
int uvpi_saved_end_here(struct uvpi_saved_move *s, bool defined_there, struct uvp_error *err);
int uvpi_saved_forget(struct uvpi_saved_move *s, struct uvp_error *err);
/* *ret_end is what holds now; when it is known, and could not be done, too. */
int uvpi_saved_ask(struct uvpi_saved_move *s, const struct uvp_op *op, enum uvp_migrate_end *ret_end, struct uvp_error *err);

#endif
