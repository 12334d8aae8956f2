/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxc's stream of a PVH or HVM guest, as it comes in pieces: pure but for the memory that it keeps between them. Whatever comes
 * is checked as the bytes of a stranger. */
#ifndef UVPI_STREAM_XENPARSE_H
#define UVPI_STREAM_XENPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "stream/codec.h"

#define UVPI_XENPARSE_PAGES 8192u /* in one record */

/* A part of the guest's memory, as far as one piece has it: n pages from gfns on; the first `skip` bytes of the first one are not
 * in it, and `len` are. They are what the spans have, beginning `from` bytes into the first of them. */
struct uvpi_xenparse_part {
	const uint64_t *gfns;
	uint32_t n, skip, len;
	const struct uvpi_span *spans;
	uint32_t from;
};

struct uvpi_xenparse_ops {
	/* All pages of one record, before their content comes. */
	int (*pages)(void *data, const uint64_t *gfns, uint32_t n, struct uvp_error *err);
	int (*part)(void *data, const struct uvpi_xenparse_part *part, struct uvp_error *err);
	/* Any record that is not of pages; the end is one, too. */
	int (*record)(void *data, uint32_t type, const uint8_t *body, uint32_t len, struct uvp_error *err);
};

struct uvpi_xenparse {
	const struct uvpi_xenparse_ops *ops;
	void *data;
	uint64_t gfn_end; /* no page has this number, or a larger one */
	bool ended;
	/* its own */
	int state;
	uint32_t type, left, padding; /* of the record's body what has not come; behind it */
	uint8_t *buf;
	uint32_t have, need;
	uint64_t *gfns;
	uint32_t n_gfns, at; /* at: bytes of their content that have come */
};

void uvpi_xenparse_init(struct uvpi_xenparse *parse, const struct uvpi_xenparse_ops *ops, void *data, uint64_t gfn_end);
void uvpi_xenparse_done(struct uvpi_xenparse *parse);
int uvpi_xenparse_feed(struct uvpi_xenparse *parse, const struct uvpi_span *spans, uint32_t n, struct uvp_error *err);

#endif
