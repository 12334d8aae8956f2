/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The receiver's several connections for one domain. Each comes to a process of its own, which passes it to the one that has the first
 * connection, and stays as long as that needs it. */
#ifndef UVPI_MIGRATE_JOIN_H
#define UVPI_MIGRATE_JOIN_H

#include <stdint.h>

#include <uvp/progress.h>

#include "migrate/link.h"
#include "stream/many.h"

struct uvpi_join {
	int n;        /* connections, with the first; 1: there is no other */
	int listener; /* for those processes; -1: nobody is waited for */
	uint8_t secret[UVPI_WIRE_SECRET];
	int fds[UVPI_WIRE_CONNECTIONS], keepers[UVPI_WIRE_CONNECTIONS]; /* a connection, and the socket to its process; -1: none */
};

void uvpi_join_init(struct uvpi_join *join);
/* How many of those there will be; 0: it is not to be said. */
uint32_t uvpi_join_granted(uint32_t wanted);
/* Be ready for them, and put it into the verdict. */
int uvpi_join_listen(struct uvpi_join *join, const uint8_t *token, uint32_t wanted, struct uvpi_wire_message *verdict, struct uvp_error *err);
/* Until all are there. Fails when the sender gives up on the first. */
int uvpi_join_gather(struct uvpi_join *join, struct uvpi_link *first, const struct uvp_op *op, struct uvp_error *err);
/* For reading from them: the descriptors are lent. */
int uvpi_join_read(struct uvpi_join *join, int first, struct uvpi_stream_many *many, struct uvp_error *err);
void uvpi_join_close(struct uvpi_join *join);

/* In the process of another connection, whose first message is in the link: pass it on, and wait until it is done with. DENIED when nobody
 * waits for it, or the secret is wrong. */
int uvpi_join_serve(struct uvpi_link *link, const struct uvp_op *op, struct uvp_error *err);

#endif
