/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection to another host's 'xlx migrate-receive', and messages on it. Between messages a stream as uvp-stream(5) has it
 * in files goes over the same descriptors. */
#ifndef UVPI_MIGRATE_LINK_H
#define UVPI_MIGRATE_LINK_H

#include <sys/types.h>

#include <uvp/progress.h>

#include "core/cleanup.h"
#include "migrate/wire.h"

struct uvpi_link {
	int in, out; /* the same one, when it is ours */
	bool ours;   /* the other end is a process of ours */
	bool tls;    /* that is uvp-tls */
	pid_t pid;
	int said;    /* a file of what that said on its standard error */
	bool greeted, aborted; /* aborted: the other end said why it gave up */
	bool broken;
	uint32_t version; /* that both understand, once they have greeted */
	uint32_t sent, received; /* messages */
	uint64_t bytes; /* sent */
	char peer[128]; /* what messages call the other end */
	uint8_t *body;  /* of the message that came last */
	struct uvpi_wire_message message;
};

#define UVPI_LINK_INIT { .in = -1, .out = -1, .said = -1, .pid = -1 } /* none */

/* Both ends: exchange the first messages. Whatever happens, uvpi_link_close() is called. */
int uvpi_link_open(struct uvpi_link *link, const struct uvp_migrate *how, const struct uvp_op *op, struct uvp_error *err);
/* One besides another one to the same host, which shares nothing with that. */
int uvpi_link_open_more(struct uvpi_link *link, const struct uvp_migrate *how, const struct uvp_op *op, struct uvp_error *err);
int uvpi_link_accept(struct uvpi_link *link, int in, int out, const struct uvp_op *op, struct uvp_error *err);
/* The other end sees it end; it is closed all the same. */
void uvpi_link_hang_up(struct uvpi_link *link);
/* Waits, at most some seconds, for the other process to end. Does nothing the second time. */
void uvpi_link_close(struct uvpi_link *link);
/* The same for one of several that end together, until they have had UVPI_LINK_END_MS. */
void uvpi_link_close_by(struct uvpi_link *link, int64_t deadline_ms);
#define UVPI_LINK_END_MS 5000

/* A connection that takes nothing for so long is broken. */
#define UVPI_LINK_SEND_MS 120000

/* Has the other end closed it? For one of which nothing more is to be read. */
bool uvpi_link_ended(struct uvpi_link *link);

/* CANCELLED when the op is cancelled first. IO with what is known of why when the connection has broken. */
int uvpi_link_write(struct uvpi_link *link, const void *data, size_t len, const struct uvp_op *op, struct uvp_error *err);
/* What it takes at once of len bytes: how many, 0 when it takes none now. */
int uvpi_link_try(struct uvpi_link *link, const void *data, size_t len, struct uvp_error *err);
int uvpi_link_send(struct uvpi_link *link, const struct uvpi_wire_message *message, const struct uvp_op *op,
		   struct uvp_error *err);
/* The next message, which must be `type`, in link->message. ABORT becomes an error that says so. */
int uvpi_link_receive(struct uvpi_link *link, uint32_t type, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err);
/* The same for any type but ABORT. */
int uvpi_link_receive_any(struct uvpi_link *link, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err);
/* Messages without items. */
int uvpi_link_tell(struct uvpi_link *link, uint32_t type, struct uvp_error *err);
/* ABORT with that error; a failure to send it is none. */
void uvpi_link_abort(struct uvpi_link *link, const struct uvp_error *why);

#endif
