/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of libxenguest's stream are packed by as many threads as there are CPUs, and come out in the order in which they went
 * in. With one CPU there is no thread. */
#ifndef UVPI_STREAM_PACKER_H
#define UVPI_STREAM_PACKER_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"

struct uvpi_packer;
struct uvpi_packed {
	uint32_t type; /* of record */
	uint32_t len;
	const uint8_t *body; /* until the next call of uvpi_packer_take() */
	uint32_t raw; /* how long it was */
};

int uvpi_packer_new(struct uvpi_packer **ret_packer, struct uvp_error *err);
/* Waits for its threads; pieces that were not taken are dropped. */
void uvpi_packer_free(struct uvpi_packer *packer);
UVPI_DEFINE_CLEANUP(struct uvpi_packer *, uvpi_packer_free);
#define _cleanup_packer_ UVPI_CLEANUP(uvpi_packer_free)

/* UVPI_STREAM_BATCH bytes for the next piece; NULL when all buffers are in use, so that one must be taken first. */
uint8_t *uvpi_packer_buffer(struct uvpi_packer *packer);
/* The buffer has that many bytes, at least one. */
void uvpi_packer_put(struct uvpi_packer *packer, uint32_t len);
/* The buffer's first bytes are the head of pages that lie in a mapping of their own, which is unmapped when they are packed, or the
 * packer is freed. */
void uvpi_packer_put_pages(struct uvpi_packer *packer, uint32_t head_len, uint8_t *pages, uint32_t pages_len);
/* The oldest piece, once it is packed: 1, or 0 when there is none, or (without wait) it is not ready. */
int uvpi_packer_take(struct uvpi_packer *packer, bool wait, struct uvpi_packed *ret_packed);

/* The piece that was taken last has been written, which took so long: when there is time while it is written, those to come are packed
 * into less. */
void uvpi_packer_wrote(struct uvpi_packer *packer, int64_t us);

/* All that comes out of the pipe (of a PVH or HVM guest: all that there is of it, stream/native.h) goes, packed, to write(), which is called in this thread, until the pipe's end. CANCELLED when
 * op is. */
struct uvp_op;
struct uvpi_stream_pipe;
typedef int uvpi_packer_write(void *data, const struct uvpi_packed *piece, struct uvp_error *err);
int uvpi_packer_pump(struct uvpi_packer *packer, struct uvpi_stream_pipe *pipe, const struct uvp_op *op,
		     uvpi_packer_write *write, void *data, struct uvp_error *err);

#endif
