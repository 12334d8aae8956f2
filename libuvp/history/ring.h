/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of fixed size with the last samples. One process writes, any number read, none waits for another; a writer that
 * is killed, or a host that loses its power, costs the samples that were being written and no more. */
#ifndef UVPI_HISTORY_RING_H
#define UVPI_HISTORY_RING_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"
#include "history/frame.h"

#define UVPI_HISTORY_DIR "/var/lib/uvp/history"
#define UVPI_HISTORY_MIN (64u << 10)
#define UVPI_HISTORY_MAX (2u << 30)

/* Of the writer. */
struct uvpi_history_ring {
	int fd;
	uint64_t size, at; /* of the file; where the next frame goes */
	uint64_t seq;      /* of the next frame */
};

#define UVPI_HISTORY_RING_INIT { .fd = -1 }

/* Open to write, make it when it is not there. One of another size begins anew. What is no file of ours is refused. */
int uvpi_history_open(const char *path, uint64_t size, struct uvpi_history_ring *ret_ring, struct uvp_error *err);
void uvpi_history_close(struct uvpi_history_ring *ring);
/* The frame gets its seq. */
int uvpi_history_append(struct uvpi_history_ring *ring, struct uvpi_history_frame *frame, struct uvp_error *err);
/* What was appended outlives the power. Blocks. */
int uvpi_history_sync(const struct uvpi_history_ring *ring, struct uvp_error *err);

struct uvpi_history {
	size_t n;
	struct uvpi_history_frame *frames; /* in the order in which they were taken, whatever the clock said */
};

/* All frames from since to until (nanoseconds since 1970) and the one that was taken before the first of them; when there are none, the
 * last one before since. A file that is not there is NOT_FOUND. */
int uvpi_history_read(const char *path, int64_t since_ns, int64_t until_ns, struct uvpi_history *history, struct uvp_error *err);
void uvpi_history_done(struct uvpi_history *history);

#endif
