/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of libxenguest's stream as bodies of records, and back: zeros are taken out, the rest is compressed. Pure but for the
 * memory that is kept from one piece to the next. */
#ifndef UVPI_STREAM_CODEC_H
#define UVPI_STREAM_CODEC_H

#include <stdint.h>

#include <uvp/error.h>

#include "stream/frame.h"

/* Bytes, or (data is NULL) so many zeros. */
struct uvpi_span {
	const uint8_t *data;
	uint32_t len;
};

#define UVPI_CODEC_STEPS 5
struct uvpi_codec {
	unsigned int step; /* before UVPI_CODEC_STEPS: the larger, the fewer bytes, and the more time they take; what it begins with
			    * is faster than any connection */
	struct ZSTD_CCtx_s *pack;
	struct ZSTD_DCtx_s *unpack;
	uint8_t *sparse;
	struct uvpi_span *spans;
};
/* Starts as { 0 }. */
void uvpi_codec_done(struct uvpi_codec *codec);

/* raw has 1 to UVPI_STREAM_BATCH bytes, buf room for UVPI_STREAM_BODY_MAX. Returns the length of the body; *ret_type says which
 * kind of memory it is, the smallest one. Cannot fail: what it has no memory to compress stays as it is. */
uint32_t uvpi_codec_pack(struct uvpi_codec *codec, const uint8_t *raw, uint32_t len, uint8_t *buf, uint32_t *ret_type);
/* The same of a record PAGE_DATA of libxc's stream whose pages lie elsewhere: the head, of which there may be 2 KiB, and the bytes
 * behind it are one piece. */
#define UVPI_CODEC_HEAD_MAX 2048u
uint32_t uvpi_codec_pack_pages(struct uvpi_codec *codec, const uint8_t *head, uint32_t head_len, const uint8_t *pages, uint32_t len,
			       uint8_t *buf, uint32_t *ret_type);
/* And back: what it is, zeros not written out, until the next call. Returns how many bytes that is, at most UVPI_STREAM_BATCH. body is
 * lent, too. */
int uvpi_codec_unpack(struct uvpi_codec *codec, uint32_t type, const uint8_t *body, uint32_t len, const struct uvpi_span **ret_spans,
		      uint32_t *ret_n, struct uvp_error *err);

#endif
