/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Saved domains that leave this host out of their files. What is decided must hold for every way in which such a domain could be
 * made again here: out of that file by any name, out of a copy, or from its definition. So it is kept by its UUID:
 *
 *   /run/uvp/saving-UUID       locked, for UVPI_SAVING_FILE: it is on its way
 *   /var/lib/uvp/leaving/UUID  it was handed over: "asked", "there", or "there-defined", and which file it is (inode, bytes, time);
 *                              the file's full path; and the lines of a domain's note, handover.h. "asked": only the other host
 *                              knows who has it. "there": it does, and what is here has to go; -defined: its definition, too.
 *
 * Whoever moves one has the lock before he looks whether it runs, and writes the note before he looks again; whoever makes one looks
 * at both when Xen has the domain. */
#ifndef UVPI_MIGRATE_LEAVING_H
#define UVPI_MIGRATE_LEAVING_H

#include <limits.h>

#include "migrate/handover.h"

#define UVPI_MARK 80
enum uvpi_leaving_state { UVPI_LEAVING_ASKED, UVPI_LEAVING_THERE, UVPI_LEAVING_THERE_DEFINED };
struct uvpi_leaving {
	enum uvpi_leaving_state state;
	char mark[UVPI_MARK]; /* of the file */
	char path[PATH_MAX];
	struct uvpi_handover handover;
};

/* Which file it is. */
int uvpi_leaving_mark(int fd, char ret_mark[UVPI_MARK], struct uvp_error *err);
/* Is it the same file, whether or not somebody has written to it since? */
bool uvpi_leaving_same(const char *mark, const char *other);

int uvpi_leaving_note(const uint8_t uuid[16], const struct uvpi_leaving *leaving, struct uvp_error *err);
/* 1 and what it says, or 0 when there is none. */
int uvpi_leaving_noted(const uint8_t uuid[16], struct uvpi_leaving *ret_leaving, struct uvp_error *err);
/* The first one that was about the file at this path, or is about the file with this mark (either may be NULL). */
int uvpi_leaving_find(const char *path, const char *mark, uint8_t ret_uuid[16], struct uvpi_leaving *ret_leaving,
		      struct uvp_error *err);
int uvpi_leaving_forget(const uint8_t uuid[16], struct uvp_error *err);
int uvpi_leaving_fail(const struct uvpi_leaving *leaving, struct uvp_error *err);
/* For whoever makes a domain: BUSY when that one leaves, or has left. */
int uvpi_leaving_check(const uint8_t uuid[16], struct uvp_error *err);

#endif
