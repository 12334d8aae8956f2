/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The beginning of a conversation in the NBD protocol, after which the kernel takes the connection over: which export,
 * how large, what it can. A state machine without any input or output of its own. */
#ifndef UVPI_DEVICE_NBD_HELLO_H
#define UVPI_DEVICE_NBD_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#define UVPI_NBD_NAME_MAX 64
#define UVPI_NBD_REPLY_MAX 4096u

struct uvpi_nbd_hello {
	const char *name; /* of the export; lent */
	enum { UVPI_NBD_GREETING, UVPI_NBD_REPLY, UVPI_NBD_DATA, UVPI_NBD_READY } state;
	uint32_t type, length; /* of the reply whose data comes next */
	int replies;
	/* the outcome */
	uint64_t size;
	uint16_t flags; /* NBD_FLAG_* */
};

/* How many bytes the next step takes; 0 when all is said. */
size_t uvpi_nbd_hello_wants(const struct uvpi_nbd_hello *hello);
/* Exactly that many. What is to be sent next goes to out (256 bytes hold all of it), its length to *ret_out_len. */
int uvpi_nbd_hello_feed(struct uvpi_nbd_hello *hello, const uint8_t *data, uint8_t out[256], size_t *ret_out_len,
			struct uvp_error *err);

#endif
