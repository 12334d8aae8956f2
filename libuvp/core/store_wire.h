/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of xenstore's protocol (xen/io/xs_wire.h): pure functions over buffers. What comes in is trusted no
 * more than a network peer's bytes. */
#ifndef UVPI_STORE_WIRE_H
#define UVPI_STORE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#define UVPI_WIRE_HEADER 16
#define UVPI_WIRE_PAYLOAD 4096
#define UVPI_WIRE_PATH 3071 /* longest path without its NUL */

struct uvpi_wire_msg {
	uint32_t type, req_id, tx_id, len;
	const char *body; /* len bytes inside the buffer, not NUL-terminated by any promise */
};

/* Take one message from the front of a buffer. Returns the bytes it occupies, 0 when it is not complete yet, PROTOCOL
 * when no bytes that follow could make it one. */
int uvpi_wire_next(const void *buf, size_t have, struct uvpi_wire_msg *ret_msg, struct uvp_error *err);

/* The errno that an XS_ERROR message names; 0 when it names none that exists. */
int uvpi_wire_errno(const struct uvpi_wire_msg *msg);

/* Path and token of a watch event, both NUL-terminated inside the message. */
int uvpi_wire_event(const struct uvpi_wire_msg *msg, const char **ret_path, const char **ret_token,
		    struct uvp_error *err);

/* One answer of XS_DIRECTORY_PART: the folder's generation, then names, then an empty name if that was the last part. */
struct uvpi_wire_part {
	uint64_t generation;
	const char *names; /* a run of NUL-terminated names */
	uint32_t len;
	int last;
};
int uvpi_wire_part(const struct uvpi_wire_msg *msg, struct uvpi_wire_part *ret_part, struct uvp_error *err);

/* Write a header to the 16 bytes at buf. */
void uvpi_wire_header(void *buf, uint32_t type, uint32_t req_id, uint32_t tx_id, uint32_t len);

/* The transaction id that an answer to XS_TRANSACTION_START names; 0 for rubbish. */
uint32_t uvpi_wire_transaction(const struct uvpi_wire_msg *msg);

#endif
