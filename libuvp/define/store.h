/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of definitions:
 *   /var/lib/uvp/domains/UUID/domain.xml    the configuration, as uvp_config_write_xml() makes it
 *   /var/lib/uvp/domains/UUID/history/N.xml what it was in revision N
 *   /var/lib/uvp/domains/UUID/autostart     present when it starts at boot: "order N" and "delay MS" lines
 *   /var/lib/uvp/domains/names/NAME         link to the UUID, so that a name costs no search
 *   /var/lib/uvp/domains/clones/UUID        the images that a clone is about to get, one path a line
 *   /var/lib/uvp/domains/lock               held by who changes any of it
 * domain.xml is the truth. A link whose definition has another name, or is not there, is left from somebody who was
 * killed, and means nothing; the link to a damaged one keeps its name. */
#ifndef UVPI_DEFINE_STORE_H
#define UVPI_DEFINE_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/define.h>

#include "config/devspec.h"
#include "config/model.h"

#define UVPI_REVISIONS_MAX 50

/* A definition's folder, before the UUID, on the way in and out. */
#define UVPI_DEF_NEW ".new-"
#define UVPI_DEF_REMOVED ".removed-"

/* ---- files (store.c) ---- */
/* "/var/lib/uvp", or what UVP_STATE_DIR in the environment says. */
const char *uvpi_state_dir(void);
/* Path of what is below the folder of definitions. -1 with errno when that is too long. */
int uvpi_def_path(char path[PATH_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The path of a definition's folder, or of something in it with leaf. */
int uvpi_def_uuid_path(char path[PATH_MAX], const uint8_t uuid[16], const char *leaf);
/* The only one that changes definitions until the fd is closed; BUSY when another does and is not done within 10 s. Makes
 * the folders, and clears away what those who were killed left. */
int uvpi_def_lock(int *ret_fd, struct uvp_error *err);
/* Replace a file as a whole. */
int uvpi_def_write(const char *path, const char *text, size_t len, struct uvp_error *err);
/* Make what was done in the folder last. */
int uvpi_def_sync(const char *folder, struct uvp_error *err);
/* At most max bytes; *ret_text has a NUL behind them. -NOT_FOUND when there is none. */
int uvpi_def_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct uvp_error *err);
/* Remove a folder with the files in it, and in the folder `below` of it (may be NULL). Absent is fine. */
void uvpi_def_remove_folder(const char *path, const char *below);

/* ---- names (index.c) ---- */
/* 1 and the UUID, or 0. The link may be left over. */
int uvpi_def_name_get(const char *name, uint8_t ret_uuid[16]);
int uvpi_def_name_set(const char *name, const uint8_t uuid[16], struct uvp_error *err);
/* Remove the link if it is that definition's. */
void uvpi_def_name_drop(const char *name, const uint8_t uuid[16]);
/* EXISTS when a definition with another UUID has the name. One look at a link that is mostly not there. */
int uvpi_def_name_check(const char *name, const uint8_t uuid[16], struct uvp_error *err);

/* ---- definitions (load.c) ---- */
bool uvpi_def_exists(const uint8_t uuid[16]);
/* NOT_FOUND when there is none. With a damaged one ret_definition->error is set, and *ret_config NULL. ret_config may be
 * NULL. */
int uvpi_def_load(const uint8_t uuid[16], struct uvp_definition *ret_definition, struct uvp_config **ret_config,
		  struct uvp_error *err);
/* By its name's link, at the same cost however many there are. A bare -NOT_FOUND, without an error, when that leads nowhere. */
int uvpi_def_find_linked(const char *name, struct uvp_definition *ret_definition, struct uvp_error *err);
/* The first of its interfaces whose address one of another definition has on the same network: 1, 0 when there is none. One
 * look at each definition. */
int uvpi_def_find_mac(const struct uvp_config *config, const uint8_t uuid[16], char ret_mac[UVPI_MAC_TEXT], char ret_name[256]);
/* A copy of the configuration. */
int uvpi_def_copy(const struct uvp_config *config, struct uvp_config **ret_config, struct uvp_error *err);

/* ---- "order N\ndelay MS\n" (autostart.c) ---- */
struct uvpi_autostart {
	uint32_t order, delay_ms;
};
#define UVPI_ORDER_MAX 1000000
#define UVPI_DELAY_MAX_MS 86400000
#define UVPI_AUTOSTART_BYTES 256
int uvpi_autostart_parse(const char *text, struct uvpi_autostart *ret_autostart, struct uvp_error *err);
/* 1, or 0 when it does not start at boot. */
int uvpi_autostart_get(const uint8_t uuid[16], struct uvpi_autostart *ret_autostart, struct uvp_error *err);

/* ---- saving (save.c) ---- */
/* The domain with this UUID: 1, or 0 when none runs. With host NULL none does. */
int uvpi_def_running(struct uvp_host *host, const uint8_t uuid[16], struct uvp_domain **ret_domain,
		     struct uvp_error *err);
/* Under the lock: the definition, of which nothing may be there, and its link. */
int uvpi_def_write_new(const struct uvp_config *config, struct uvp_error *err);
/* Keep the name from everybody until uvpi_name_release(): EXISTS when a definition or a domain has it. */
int uvpi_def_claim(struct uvp_host *host, const char *name, const uint8_t uuid[16], struct uvp_error *err);
/* Give a defined domain another name, and the one that runs, too. */
int uvpi_def_rename(struct uvp_host *host, const uint8_t uuid[16], const char *name, struct uvp_error *err);

/* ---- changes (change.c) ---- */
/* The configuration with other settings: "key=value" lines as uvp_definition_modify() has them. */
int uvpi_def_set(const struct uvp_config *config, const char *const *settings, int n, struct uvp_config **ret_config,
		 struct uvp_error *err);
/* The same with what uvp_config_compare() found. */
int uvpi_def_apply(const struct uvp_config *config, const struct uvp_change_list *changes,
		   struct uvp_config **ret_config, struct uvp_error *err);
/* Let the running domain boot next with these changes. UNSUPPORTED when another tool made it. (live.c) */
int uvpi_def_record(struct uvp_domain *domain, const struct uvp_change_list *changes, struct uvp_error *err);

/* ---- boot order (boot.c) ---- */
/* The definition of this domain, if there is one, forgets its order for one boot. */
int uvpi_boot_once_used(const uint8_t uuid[16], struct uvp_error *err);

/* ---- images (clone.c, copy.c, journal.c) ---- */
struct uvpi_copy {
	const struct uvp_op *op;
	uint64_t done, total; /* bytes, of all images together */
};
/* Copy an image into an empty file: shared blocks where possible, holes stay holes. */
int uvpi_copy_image(struct uvpi_copy *copy, int from, int to, const char *path, struct uvp_error *err);

#define UVPI_JOURNAL_BYTES 65536
/* The next path of a journal of len bytes, from *at on: 1 and the path, 0 at the end or at the first line that is no
 * absolute path. */
int uvpi_journal_next(const char *text, size_t len, size_t *at, char path[PATH_MAX]);
/* The name that an image has until its clone is defined: in the folder of its last place, after the clone's UUID. */
int uvpi_journal_temporary(const char *path, const char *uuid, int index, char temporary[PATH_MAX]);
/* Under the lock: undo or finish clones whose process is gone. */
void uvpi_journal_recover(void);

static inline void uvpi_cleanup_changes(struct uvp_change_list *changes)
{
	uvp_change_list_free(changes);
}
#define _cleanup_changes_ __attribute__((cleanup(uvpi_cleanup_changes)))

#endif
