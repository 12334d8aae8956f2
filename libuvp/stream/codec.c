/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sparse piece, before it is compressed, is a count of runs (4 bytes), for each run how many zeros come and how many other
 * bytes follow them (4 and 4), and then those other bytes of all runs. */
#include "stream/codec.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "core/bytes.h"
#include "core/error.h"

/* zstd's --fast=5: of a Linux guest's memory it takes half the time of level 1, and leaves a third more. */
#define LEVEL (-5)

/* Zeros are looked for in steps of this: an empty page is found wherever it begins, and what is between two runs pays for the
 * 8 bytes that it costs. */
#define CELL 256
#define RUNS_MAX (UVPI_STREAM_BATCH / CELL / 2 + 1)
#define SPARSE_MAX (4 + 8 * RUNS_MAX + UVPI_STREAM_BATCH)

void uvpi_codec_done(struct uvpi_codec *codec)
{
	ZSTD_freeCCtx(codec->pack);
	ZSTD_freeDCtx(codec->unpack);
	free(codec->sparse);
	memset(codec, 0, sizeof(*codec));
}

/* ---- packing ---- */

static bool is_empty(const uint8_t *cell)
{
	/* As wide as every CPU of this kind has it. */
	typedef uint64_t wide __attribute__((vector_size(16)));

	for (int i = 0; i < CELL; i += 64) {
		wide v[4], any;

		memcpy(v, cell + i, sizeof(v));
		any = v[0] | v[1] | v[2] | v[3];
		if (any[0] | any[1])
			return false;
	}
	return true;
}

/* How many bytes from `at` are cells that are empty, or not. What is left at the end is never empty. */
static uint32_t run(const uint8_t *raw, uint32_t at, uint32_t len, bool empty)
{
	uint32_t end = at;

	while (len - end >= CELL && is_empty(raw + end) == empty)
		end += CELL;
	return !empty && len - end < CELL ? len - at : end - at;
}

/* Returns how long it became, or 0 when there is nothing to take out. */
static uint32_t make_sparse(const uint8_t *raw, uint32_t len, uint8_t *sparse)
{
	struct {
		uint32_t zeros, others;
	} runs[RUNS_MAX];
	uint32_t n = 0, at = 0, all = 0, out;

	while (at < len) {
		runs[n].zeros = run(raw, at, len, true);
		at += runs[n].zeros;
		runs[n].others = run(raw, at, len, false);
		at += runs[n].others;
		all += runs[n++].zeros;
	}
	if (!all)
		return 0;
	uvpi_put_le32(sparse, n);
	out = 4 + 8 * n;
	at = 0;
	for (uint32_t i = 0; i < n; i++) {
		uvpi_put_le32(sparse + 4 + 8 * i, runs[i].zeros);
		uvpi_put_le32(sparse + 8 + 8 * i, runs[i].others);
		at += runs[i].zeros;
		memcpy(sparse + out, raw + at, runs[i].others);
		at += runs[i].others;
		out += runs[i].others;
	}
	return out;
}

uint32_t uvpi_codec_pack(struct uvpi_codec *codec, const uint8_t *raw, uint32_t len, uint8_t *buf, uint32_t *ret_type)
{
	uint32_t sparse = 0;
	size_t n = len;

	if (!codec->pack)
		codec->pack = ZSTD_createCCtx();
	if (!codec->sparse)
		codec->sparse = malloc(SPARSE_MAX);
	if (codec->pack && codec->sparse)
		sparse = make_sparse(raw, len, codec->sparse);
	if (sparse)
		n = ZSTD_compressCCtx(codec->pack, buf, UVPI_STREAM_BODY_MAX, codec->sparse, sparse, LEVEL);
	else if (codec->pack)
		n = ZSTD_compressCCtx(codec->pack, buf, UVPI_STREAM_BODY_MAX, raw, len, LEVEL);
	*ret_type = sparse ? UVPI_STREAM_MEMORY_SPARSE : UVPI_STREAM_MEMORY_ZSTD;
	if (!ZSTD_isError(n) && n < len)
		return (uint32_t)n;
	memcpy(buf, raw, len);
	*ret_type = UVPI_STREAM_MEMORY;
	return len;
}

/* ---- unpacking ---- */

static int damaged(struct uvp_error *err, const char *what)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: a piece of the memory %s", what);
}

static int fill(const uint8_t *sparse, size_t size, uint8_t *raw, struct uvp_error *err)
{
	uint32_t n = size >= 4 ? uvpi_get_le32(sparse) : 0, at = 0;
	size_t in;

	if (!n || n > RUNS_MAX || size < 4 + 8 * (size_t)n)
		return damaged(err, "has a wrong number of runs");
	in = 4 + 8 * (size_t)n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t zeros = uvpi_get_le32(sparse + 4 + 8 * i), others = uvpi_get_le32(sparse + 8 + 8 * i);

		if (zeros > UVPI_STREAM_BATCH - at || others > UVPI_STREAM_BATCH - at - zeros || others > size - in)
			return damaged(err, "has runs that are too long");
		memset(raw + at, 0, zeros);
		memcpy(raw + at + zeros, sparse + in, others);
		at += zeros + others;
		in += others;
	}
	return in == size && at ? (int)at : damaged(err, "has more than its runs");
}

int uvpi_codec_unpack(struct uvpi_codec *codec, uint32_t type, const uint8_t *body, uint32_t len, uint8_t *raw,
		      struct uvp_error *err)
{
	bool sparse = type == UVPI_STREAM_MEMORY_SPARSE;
	size_t n;

	if (type == UVPI_STREAM_MEMORY) {
		if (!len || len > UVPI_STREAM_BATCH)
			return damaged(err, "has a wrong length");
		memcpy(raw, body, len);
		return (int)len;
	}
	if (!codec->unpack)
		codec->unpack = ZSTD_createDCtx();
	if (sparse && !codec->sparse)
		codec->sparse = malloc(SPARSE_MAX);
	if (!codec->unpack || (sparse && !codec->sparse))
		return uvpi_no_memory(err);
	n = ZSTD_decompressDCtx(codec->unpack, sparse ? codec->sparse : raw, sparse ? SPARSE_MAX : UVPI_STREAM_BATCH, body, len);
	if (ZSTD_isError(n) || !n)
		return damaged(err, "cannot be decompressed");
	return sparse ? fill(codec->sparse, n, raw, err) : (int)n;
}
