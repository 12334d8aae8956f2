/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What two hosts say to each other about a domain that moves, uvp-stream(5): messages as bytes. Pure functions; whatever
 * comes in is checked before it is used, as the bytes of a stranger. */
#ifndef UVPI_MIGRATE_WIRE_H
#define UVPI_MIGRATE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/migrate.h>

#include "stream/frame.h"
#include "stream/merge.h"

#define UVPI_WIRE_VERSION 3 /* spoken, */
#define UVPI_WIRE_OLDEST 1  /* and the oldest that is understood */
#define UVPI_WIRE_READY_SINCE 2 /* that has READY, and RUNNING with how long it has run */
#define UVPI_WIRE_JOIN_SINCE 3  /* several connections */
#define UVPI_WIRE_PREAMBLE 8
#define UVPI_WIRE_HEAD UVPI_STREAM_RECORD
#define UVPI_WIRE_BODY_MAX (4u << 20)
#define UVPI_WIRE_DISKS 256
#define UVPI_WIRE_TOKEN 16
#define UVPI_WIRE_SECRET 16
#define UVPI_WIRE_CONNECTIONS UVPI_MERGE_MAX /* of one domain, at most */

enum uvpi_wire_type {
	UVPI_WIRE_HELLO = 0x101, /* both: who I am */
	UVPI_WIRE_OFFER,   /* sender: the domain, and what it needs */
	UVPI_WIRE_VERDICT, /* receiver: it can come, or all that is in its way */
	UVPI_WIRE_BUILT,   /* receiver: all of it is there, and waits */
	UVPI_WIRE_GO,      /* sender: it is yours */
	UVPI_WIRE_RUNNING, /* receiver: it runs */
	UVPI_WIRE_DONE,    /* sender: here it is gone, nobody will ask any more; receiver, after RUNNING: then I forget it */
	UVPI_WIRE_ABORT,   /* either: I give up, and why */
	UVPI_WIRE_ASK,     /* sender, on a new connection: what became of it? */
	UVPI_WIRE_ANSWER,  /* receiver: that */
	UVPI_WIRE_KEEP,    /* sender, instead of OFFER: a definition of a domain that does not run */
	UVPI_WIRE_READY, /* receiver: once for each time that parameters of the guest have come while it still runs there: all before them is
			  * in its place, and what the guest needs here is made */
	UVPI_WIRE_JOIN,   /* sender, on another connection, instead of OFFER: it is one more for that domain */
	UVPI_WIRE_JOINED, /* receiver: it is, and nothing but records comes over it */
	UVPI_WIRE_TYPES
};

enum uvpi_wire_state {
	UVPI_WIRE_UNSET = 0,
	UVPI_WIRE_TAKEN = 1, /* the receiver has it, and nobody else may run it */
	UVPI_WIRE_OFF = 2,   /* it never will */
};

#define UVPI_WIRE_DEFINED 1u /* flag of ANSWER: the UUID that was asked about is defined there */

/* What a disk's image looks like, for whoever has a path of that name, too. */
struct uvpi_wire_disk {
	uint64_t size, inode;
	uint32_t kind; /* 0: none or not known, 1 a file, 2 a block device */
};

/* Any of them; a type says which members it has. Strings and token lie in what was decoded. */
struct uvpi_wire_message {
	uint32_t type;
	uint32_t version, oldest, flags, state, ran_ms;
	uint32_t connections; /* OFFER: wanted, VERDICT: granted; 0: one. JOIN: which of them, from 1; the one of OFFER is 0 */
	const char *program, *host, *config, *policy;
	const uint8_t *token; /* UVPI_WIRE_TOKEN bytes: which migration; a secret of the two */
	const uint8_t *secret; /* UVPI_WIRE_SECRET bytes: by which a connection joins; NULL: none does */
	const char *definition; /* NULL: it is not defined */
	bool autostart;
	uint32_t order, delay_ms;
	bool has_uuid;
	uint8_t uuid[16];
	bool has_domain;
	struct uvpi_stream_domain domain;
	int n_disks;
	struct uvpi_wire_disk disks[UVPI_WIRE_DISKS];
	int n_refusals; /* ABORT has exactly one: why */
	struct uvp_error refusals[UVP_MIGRATE_REFUSALS];
	int n_warnings;
	char warnings[UVP_MIGRATE_REFUSALS][256];
};

extern const uint8_t uvpi_wire_preamble[UVPI_WIRE_PREAMBLE];

struct uvpi_wire_head {
	uint32_t type, len, crc;
};
/* PROTOCOL when it is damaged, not the one that is due, or no message. */
int uvpi_wire_get_head(const uint8_t buf[UVPI_WIRE_HEAD], uint32_t sequence, struct uvpi_wire_head *ret_head,
		       struct uvp_error *err);
/* The body of that type; its texts are made harmless in place. */
int uvpi_wire_decode(uint32_t type, uint8_t *body, uint32_t len, struct uvpi_wire_message *ret_message, struct uvp_error *err);
/* Head and body, the caller's to free. */
int uvpi_wire_encode(const struct uvpi_wire_message *message, uint32_t sequence, uint8_t **ret_buf, size_t *ret_len,
		     struct uvp_error *err);

#endif
