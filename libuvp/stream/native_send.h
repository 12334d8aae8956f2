/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What native.c and native_live.c share: pages of a guest on their way into the stream. */
#ifndef UVPI_STREAM_NATIVE_SEND_H
#define UVPI_STREAM_NATIVE_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/codec.h"
#include "stream/native.h"
#include "stream/xenformat.h"

/* One record with so many pages is one piece. */
#define UVPI_NATIVE_PAGES ((UVPI_CODEC_HEAD_MAX - UVPI_XEN_RECORD - 8) / 8)

/* One for each place before `end`. */
struct uvpi_native_bits {
	uint64_t *words, end;
};

static inline uint64_t uvpi_native_words(uint64_t end)
{
	return end / 64 + (end % 64 != 0);
}

/* False: it is not before the end, and nothing was done. */
static inline bool uvpi_native_set(struct uvpi_native_bits *bits, uint64_t i)
{
	if (!bits->words || i >= bits->end)
		return false;
	bits->words[i / 64] |= UINT64_C(1) << i % 64;
	return true;
}

static inline bool uvpi_native_has(const struct uvpi_native_bits *bits, uint64_t i)
{
	return bits->words && i < bits->end && bits->words[i / 64] >> i % 64 & 1;
}

struct uvpi_native_send {
	struct uvpi_packer *packer;
	struct uvpi_stream_pipe *p;
	const struct uvp_op *op;
	uvpi_packer_write *write;
	void *data;
	uint64_t top;  /* one behind the last place where it has had a page: more as long as it runs */
	uint64_t end;  /* where the reader wants none any more, which does not change */
	uint64_t last; /* the smaller one of the two */
	uint64_t found, pages; /* so far; all that it has */
	/* Of one that runs: those that have been sent; those that could not be read, and are looked at again. Without words: it does not
	 * run (any more). */
	struct uvpi_native_bits sent, again;
	bool running; /* what it has changes while it is looked for: a count does not tell that all was found */
	bool fewer; /* and has become less */
	bool only_count; /* nothing is sent */
	bool only_new; /* those that have been sent are passed over, */
	bool exact; /* but only if they are still there */
	unsigned long gfns[UVPI_NATIVE_PAGES];
	uint32_t n;
};

/* How much it has, and where. */
int uvpi_native_look(struct uvpi_native_send *s, struct uvp_error *err);
/* Those of the candidates, at most 1024, that are pages of the guest's own; what is written may lag behind. */
int uvpi_native_add(struct uvpi_native_send *s, const unsigned long *gfns, uint32_t n, struct uvp_error *err);
/* All pages that it has, but of one that runs some may have moved on the way. */
int uvpi_native_all(struct uvpi_native_send *s, struct uvp_error *err);
/* The same of one that does not run, written as uvpi_native_flush() does. UNSUPPORTED when there are some behind the end. */
int uvpi_native_stopped(struct uvpi_native_send *s, struct uvp_error *err);
int uvpi_native_flush(struct uvpi_native_send *s, struct uvp_error *err);
/* Until everything has been written. */
int uvpi_native_drain(struct uvpi_native_send *s, struct uvp_error *err);
/* Frees data. */
int uvpi_native_bytes(struct uvpi_native_send *s, uint8_t *data, uint32_t len, struct uvp_error *err);

/* native_live.c: all pages while it runs, in rounds, and then, suspended, those that have changed since. */
int uvpi_native_live(struct uvpi_native_send *s, struct uvp_error *err);

#endif
