/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hosts that are known for moving domains over TLS, and this host's own key: the folder /etc/uvp/tls, or what UVP_TLS_DIR in the
 * environment says. All that must understand keys is done by the program uvp-tls. */
#ifndef UVPI_MIGRATE_KNOWN_H
#define UVPI_MIGRATE_KNOWN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <uvp/error.h>
#include <uvp/migrate.h>

#define UVPI_TLS_PORT "16660"
#define UVPI_TLS_PROGRAM UVP_LIBEXECDIR "/uvp-tls"

/* "tls://NAME:PORT", where the prefix and the port may be missing; "ssh://NAME" and names with a blank or '@' are not. False
 * when it cannot be that. */
struct uvpi_tls_host {
	char name[64], port[8];
};
bool uvpi_tls_host_parse(const char *text, struct uvpi_tls_host *ret_host);
/* Letters, digits, '.', '_', ':' and '-', and not '.' or '-' first: harmless as a file's name and in a message. */
bool uvpi_known_name_is_good(const char *name);

/* -1 when it is too long; peer: a name in the folder `leaf`. */
int uvpi_known_path(char path[PATH_MAX], const char *leaf, const char *peer);
/* Aside, fsync, rename; for root only. Makes the folders. */
int uvpi_known_write(const char *path, const char *text, size_t len, struct uvp_error *err);
/* Nobody else makes a key of this host until the file is closed. Blocks for 30 s at most. */
int uvpi_known_lock(int *ret_fd, struct uvp_error *err);
/* Do we know the host of that name? */
bool uvpi_known_has(const char *name);
/* Do we know any but that one? */
bool uvpi_known_others(const char *name);

/* What uvp-tls says of a certificate. */
struct uvpi_known {
	char sha256[65], until[11];
	char *pem; /* the caller's to free */
	bool made; /* just now */
};
/* This host's own; made when there is none. */
int uvpi_known_own(const char *name, bool anew, struct uvpi_known *ret_own, struct uvp_error *err);
/* Check that the text holds a certificate, and keep that as the peer's. */
int uvpi_known_add(const char *name, const char *text, size_t len, struct uvpi_known *ret_peer, struct uvp_error *err);
/* NOT_FOUND when it is not known, INVALID when no host can have that name. */
int uvpi_known_remove(const char *name, struct uvp_error *err);

#endif
