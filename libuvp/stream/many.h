/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a stream that comes over several connections. */
#ifndef UVPI_STREAM_MANY_H
#define UVPI_STREAM_MANY_H

#include <stdint.h>

#include <uvp/error.h>

#include "stream/merge.h"

struct uvp_op;

struct uvpi_stream_many {
	struct uvpi_merge *merge;
	int fds[UVPI_MERGE_MAX]; /* lent */
	uint64_t bytes; /* read so far */
};

/* The record that is due; its body and *body change places. IO when a connection ends before, TIMEOUT when nothing comes over any of them
 * for silent_ms, CANCELLED when op says so. */
int uvpi_stream_many_next(struct uvpi_stream_many *many, uint32_t due, int silent_ms, const struct uvp_op *op,
			  struct uvpi_stream_record *ret_record, uint8_t **body, struct uvp_error *err);

#endif
