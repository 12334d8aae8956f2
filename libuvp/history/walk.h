/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Through a history file, frame by frame, in a memory that does not grow with it. The layout: title, and frames at multiples of ALIGN
 * one after the other; one that does not fit before the end goes to the beginning again. Where the newest frame ends, the rest of an
 * older one may follow: every multiple of ALIGN is tried, and the checksum decides. The order is that of seq. */
#ifndef UVPI_HISTORY_WALK_H
#define UVPI_HISTORY_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"
#include "history/frame.h"

#define UVPI_HISTORY_START 64u
#define UVPI_HISTORY_ALIGN 64u

/* The first kind has frames without nodes: it is read, and a writer makes it the second, whose frames may be of both kinds. */
#define UVPI_HISTORY_TITLE "uvp history 2\n"

struct uvpi_history_walk {
	int fd;          /* the caller's */
	uint64_t size;   /* of the file, when it was opened */
	uint8_t *bytes;  /* a piece of it */
	uint64_t begin;  /* where that is */
	size_t len, at;  /* of the piece; where the next frame is looked for */
	uint64_t fruitless; /* bytes of what looked like a frame and was none */
	bool any;        /* is not all zeros, as far as it was read */
	int failed;      /* errno: it could not be read */
};

/* INVALID: what is no history. Until it is closed, fd stays open. */
int uvpi_history_walk_open(const char *path, int fd, struct uvpi_history_walk *ret_walk, struct uvp_error *err);
/* The next whole frame; false at the end, or when the file cannot be read. */
bool uvpi_history_walk_next(struct uvpi_history_walk *walk, struct uvpi_history_frame *ret_frame);
/* Where in the file the next one is looked for: behind the last one. */
uint64_t uvpi_history_walk_at(const struct uvpi_history_walk *walk);
/* 0, or the error for which it ended early. */
int uvpi_history_walk_close(struct uvpi_history_walk *walk, const char *path, struct uvp_error *err);

static inline uint64_t uvpi_history_padded(uint64_t len)
{
	return (len + UVPI_HISTORY_ALIGN - 1) / UVPI_HISTORY_ALIGN * UVPI_HISTORY_ALIGN;
}

#endif
