/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading files of saved domains from the front, one record after the other. */
#ifndef UVPI_STREAM_FILE_H
#define UVPI_STREAM_FILE_H

#include <stdint.h>

#include <uvp/error.h>

#include "stream/frame.h"

struct uvp_config;

struct uvpi_stream_reader {
	int fd;
	struct uvpi_stream_order order;
	struct uvpi_stream_record record; /* the current one */
	uint8_t *body; /* its content */
	uint8_t *raw;  /* MEMORY: what it is of libxc's stream */
	uint32_t raw_len;
	struct uvpi_stream_domain domain; /* once it has come */
	struct uvp_config *config;
	uint64_t bytes; /* read so far */
};

/* Takes fd, also when it fails, and reads up to the first record of memory, so that the domain and the configuration are known. */
int uvpi_stream_open(struct uvpi_stream_reader *reader, int fd, struct uvp_error *err);
void uvpi_stream_close(struct uvpi_stream_reader *reader);
/* The next piece of libxc's stream, in raw and raw_len, the first one included: 1, or 0 behind the last one, when the whole of
 * the file has been found in order. */
int uvpi_stream_next(struct uvpi_stream_reader *reader, struct uvp_error *err);

#endif
