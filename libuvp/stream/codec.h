/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of libxenguest's stream as bodies of records, and back: zeros are taken out, the rest is compressed. Pure but for the
 * memory that is kept from one piece to the next. */
#ifndef UVPI_STREAM_CODEC_H
#define UVPI_STREAM_CODEC_H

#include <stdint.h>

#include <uvp/error.h>

#include "stream/frame.h"

struct uvpi_codec {
	struct ZSTD_CCtx_s *pack;
	struct ZSTD_DCtx_s *unpack;
	uint8_t *sparse;
};
/* Starts as { 0 }. */
void uvpi_codec_done(struct uvpi_codec *codec);

/* raw has 1 to UVPI_STREAM_BATCH bytes, buf room for UVPI_STREAM_BODY_MAX. Returns the length of the body; *ret_type says which
 * kind of memory it is, the smallest one. Cannot fail: what it has no memory to compress stays as it is. */
uint32_t uvpi_codec_pack(struct uvpi_codec *codec, const uint8_t *raw, uint32_t len, uint8_t *buf, uint32_t *ret_type);
/* And back, into UVPI_STREAM_BATCH bytes. Returns how many there are. */
int uvpi_codec_unpack(struct uvpi_codec *codec, uint32_t type, const uint8_t *body, uint32_t len, uint8_t *raw,
		      struct uvp_error *err);

#endif
