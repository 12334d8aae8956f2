/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes in xenstore about domains that are between two lives, so that whoever runs next can finish what was begun:
 *   /uvp/restart/UUID/name      of the domain
 *   /uvp/restart/UUID/what      "destroy", "restart" or "rename-restart"
 *   /uvp/restart/UUID/old       domain id of the life that has ended
 *   /uvp/restart/UUID/kept      with rename-restart: the UUID that the old life gets
 *   /uvp/restart/UUID/config/N  the configuration as XML, in pieces
 *   /uvp/restart/UUID/restarts  what the next life has behind it
 *   /uvp/restart/UUID/tries     how often making it has failed
 *   /uvp/restart/UUID/creating  present once making it has begun
 * A note is written whole, before anything is changed, and removed when nothing is left to do. */
#ifndef HOSTD_NOTE_H
#define HOSTD_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"
#include "core/store.h"
#include "hostd/decide.h"

struct hostd_note {
	uint8_t uuid[16];
	char name[256];
	enum hostd_do what;
	uint32_t old_domid;
	uint8_t kept[16];
	struct hostd_restarts restarts;
	uint32_t tries;
	bool creating;
	char *config; /* XML text; freed with the note */
};

void hostd_note_free(struct hostd_note *note);
UVPI_DEFINE_CLEANUP(struct hostd_note *, hostd_note_free);
#define _cleanup_note_ UVPI_CLEANUP(hostd_note_free)

int hostd_note_write(struct uvpi_store *store, const struct hostd_note *note, struct uvp_error *err);
/* 1 and the note, 0 if there is none. A note that cannot be understood is PROTOCOL. */
int hostd_note_read(struct uvpi_store *store, const uint8_t uuid[16], struct hostd_note **ret_note,
		    struct uvp_error *err);
int hostd_note_set_tries(struct uvpi_store *store, const uint8_t uuid[16], uint32_t tries, struct uvp_error *err);
int hostd_note_set_creating(struct uvpi_store *store, const uint8_t uuid[16], struct uvp_error *err);
int hostd_note_remove(struct uvpi_store *store, const uint8_t uuid[16], struct uvp_error *err);
/* Those that have notes: at most max UUIDs, one after the other. Returns the number. */
int hostd_note_list(struct uvpi_store *store, uint8_t (*ret_uuids)[16], int max, struct uvp_error *err);

#endif
