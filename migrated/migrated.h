/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uvp-migrated: lets known hosts bring domains. It reads nothing from the network itself: each connection goes to a confined
 * uvp-tls, and what that has decrypted to an 'xlx migrate-receive', as soon as the host at the other end is known. */
#ifndef MIGRATED_H
#define MIGRATED_H

#include <stdint.h>
#include <sys/socket.h>

#include <uvp/error.h>

#include "daemon/loop.h"
#include "tls/word.h"

#define MIGRATED_CONNECTIONS 64 /* at a time */
#define MIGRATED_STRANGERS 16   /* of them, not known yet */
#define MIGRATED_PER_ADDRESS 4  /* of those, from one address; of IPv6, from one network of 64 bits */

struct migrated_connection;

struct migrated {
	sd_event *event;
	struct migrated_connection *connections;
	unsigned int n_connections, n_strangers;
	unsigned int untold; /* refusals since the last one that was logged */
	uint64_t told_at;
};

/* Serve what connects to the listening socket, which becomes the loop's. */
int migrated_listen(struct migrated *migrated, int fd, struct uvp_error *err);
/* A new connection, which becomes ours. */
void migrated_connect(struct migrated *migrated, int fd, const struct sockaddr_storage *from);
void migrated_done(struct migrated *migrated);

#endif
