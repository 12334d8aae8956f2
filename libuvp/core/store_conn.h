/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the xenstore client: the connection that store.c, store_batch.c and store_watch.c share. */
#ifndef UVPI_STORE_CONN_H
#define UVPI_STORE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/store.h"
#include "core/store_wire.h"

/* How long xenstored may take for everything that one call asks of it. A healthy one takes milliseconds even for
 * thousands of requests; only one that hangs reaches this. */

struct uvpi_watch {
	struct uvpi_watch *next;
	bool overflow; /* events were dropped: one for the watch itself is still to be delivered */
	char *token;   /* behind path, in the same allocation */
	char path[];
};

struct uvpi_queued {
	struct uvpi_queued *next;
	char *token;
	char path[];
};

struct uvpi_store {
	int fd;
	bool device;        /* the kernel's /dev/xen/xenbus, not a socket */
	bool broken;        /* what comes next cannot be matched any more: why is in reason */
	uint32_t next_id;
	int patience_ms;
	char where[108];    /* what it is connected to, for messages */
	struct uvp_error reason;
	struct uvpi_watch *watches;
	struct uvpi_queued *events, **events_tail;
	int n_events;
	size_t have;        /* bytes in buf: always less than one message when no call is running */
	char buf[65536];
};

/* Requests on their way: n whole messages, one behind the other, with consecutive ids from first_id on. */
struct uvpi_exchange {
	const char *out;
	size_t out_len;
	size_t sent;
	int pushed; /* writes so far: through the device, messages */
	uint32_t first_id;
	int n, answered;
	/* Called for each answer; a negative result ends the connection. */
	int (*answer)(void *data, int index, const struct uvpi_wire_msg *msg, struct uvp_error *err);
	void *data;
};

/* Send all and wait for all answers; watch events that come in between are queued. */
int uvpi_store_exchange(struct uvpi_store *store, struct uvpi_exchange *exchange, int64_t deadline_ms,
			struct uvp_error *err);

/* Handle every whole message that is in the buffer. exchange may be NULL: then only events are expected. */
int uvpi_store_dispatch(struct uvpi_store *store, struct uvpi_exchange *exchange, struct uvp_error *err);
/* Read what is there without waiting: bytes, 0 when there is nothing now. */
int uvpi_store_fill(struct uvpi_store *store, struct uvp_error *err);
/* The connection is of no use any more; every later call gets the same error. */
int uvpi_store_break(struct uvpi_store *store, const struct uvp_error *reason, struct uvp_error *err);
int uvpi_store_check(const struct uvpi_store *store, struct uvp_error *err);

/* Add an event that came in (store_watch.c). Cannot fail: what does not fit marks its watch. */
void uvpi_store_queue_event(struct uvpi_store *store, const char *path, const char *token);
void uvpi_store_drop_watches(struct uvpi_store *store);

/* A request that has only one way to be written: type, and the body's bytes (store_batch.c). */
int uvpi_batch_raw(struct uvpi_batch *batch, uint32_t type, const void *body, size_t len);

#endif
