/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sparse piece, before it is compressed, is a count of runs (4 bytes), for each run how many zeros come and how many other
 * bytes follow them (4 and 4), and then those other bytes of all runs. */
#include "stream/codec.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "core/bytes.h"
#include "core/error.h"

/* zstd's --fast=10, --fast=5 and so on: of an idle Linux guest's memory the first takes two thirds of the time of the second, and leaves
 * 18 % more; that takes two thirds of level 1, and leaves 42 % more. */
static const int levels[UVPI_CODEC_STEPS] = { -10, -5, 1, 3, 6 };

/* Zeros are looked for in steps of this: an empty page is found wherever it begins, and what is between two runs pays for the
 * 8 bytes that it costs. */
#define CELL 256
#define RUNS_MAX (UVPI_STREAM_BATCH / CELL / 2 + 1)
#define SPARSE_MAX (4 + 8 * (RUNS_MAX + 1) + UVPI_STREAM_BATCH)

void uvpi_codec_done(struct uvpi_codec *codec)
{
	ZSTD_freeCCtx(codec->pack);
	ZSTD_freeDCtx(codec->unpack);
	free(codec->sparse);
	free(codec->spans);
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

struct runs {
	uint32_t n, zeros; /* zeros: of all together */
	struct {
		uint32_t zeros, others;
	} run[RUNS_MAX + 1]; /* and one for a head */
};

/* The guest may write what is looked at, so each cell is looked at once: that bounds how many runs there are. What is left behind
 * the last cell counts as not empty. */
static void find_runs(struct runs *runs, const uint8_t *raw, uint32_t len)
{
	uint32_t zeros = 0, others = 0, at = 0;

	for (; len - at >= CELL; at += CELL) {
		bool empty = is_empty(raw + at);

		if (empty && others) {
			runs->run[runs->n].zeros = zeros;
			runs->run[runs->n++].others = others;
			zeros = others = 0;
		}
		if (empty) {
			zeros += CELL;
			runs->zeros += CELL;
		} else {
			others += CELL;
		}
	}
	others += len - at;
	if (!zeros && !others)
		return;
	runs->run[runs->n].zeros = zeros;
	runs->run[runs->n++].others = others;
}

/* Returns how long it became; what the runs of `head` and `raw` are made of goes behind them. */
static uint32_t put_runs(const struct runs *runs, const uint8_t *head, uint32_t head_len, const uint8_t *raw, uint8_t *sparse)
{
	uint32_t out = 4 + 8 * runs->n, at = 0;

	uvpi_put_le32(sparse, runs->n);
	for (uint32_t i = 0; i < runs->n; i++) {
		bool is_head = head_len && !i;

		uvpi_put_le32(sparse + 4 + 8 * i, runs->run[i].zeros);
		uvpi_put_le32(sparse + 8 + 8 * i, runs->run[i].others);
		at += is_head ? 0 : runs->run[i].zeros;
		memcpy(sparse + out, is_head ? head : raw + at, runs->run[i].others);
		at += is_head ? 0 : runs->run[i].others;
		out += runs->run[i].others;
	}
	return out;
}

static bool get_ready(struct uvpi_codec *codec)
{
	if (!codec->pack)
		codec->pack = ZSTD_createCCtx();
	if (!codec->sparse)
		codec->sparse = malloc(SPARSE_MAX);
	return codec->pack && codec->sparse;
}

uint32_t uvpi_codec_pack(struct uvpi_codec *codec, const uint8_t *raw, uint32_t len, uint8_t *buf, uint32_t *ret_type)
{
	struct runs runs = { .n = 0 };
	bool ready = get_ready(codec);
	size_t n = len;

	if (ready)
		find_runs(&runs, raw, len);
	if (runs.zeros)
		n = ZSTD_compressCCtx(codec->pack, buf, UVPI_STREAM_BODY_MAX, codec->sparse, put_runs(&runs, NULL, 0, raw, codec->sparse), levels[codec->step]);
	else if (ready)
		n = ZSTD_compressCCtx(codec->pack, buf, UVPI_STREAM_BODY_MAX, raw, len, levels[codec->step]);
	*ret_type = runs.zeros ? UVPI_STREAM_MEMORY_SPARSE : UVPI_STREAM_MEMORY_ZSTD;
	if (!ZSTD_isError(n) && n < len)
		return (uint32_t)n;
	memcpy(buf, raw, len);
	*ret_type = UVPI_STREAM_MEMORY;
	return len;
}

uint32_t uvpi_codec_pack_pages(struct uvpi_codec *codec, const uint8_t *head, uint32_t head_len, const uint8_t *pages, uint32_t len,
			       uint8_t *buf, uint32_t *ret_type)
{
	struct runs runs = { .n = 1, .run[0] = { 0, head_len } };
	size_t n = 0;

	if (get_ready(codec)) {
		find_runs(&runs, pages, len);
		n = ZSTD_compressCCtx(codec->pack, buf, UVPI_STREAM_BODY_MAX, codec->sparse,
				      put_runs(&runs, head, head_len, pages, codec->sparse), levels[codec->step]);
	}
	*ret_type = UVPI_STREAM_MEMORY_SPARSE;
	if (n && !ZSTD_isError(n) && n < head_len + len)
		return (uint32_t)n;
	memcpy(buf, head, head_len);
	memcpy(buf + head_len, pages, len);
	*ret_type = UVPI_STREAM_MEMORY;
	return head_len + len;
}

/* ---- unpacking ---- */

static int damaged(struct uvp_error *err, const char *what)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: a piece of the memory %s", what);
}

static int find_spans(const uint8_t *sparse, size_t size, struct uvpi_span *spans, uint32_t *ret_n, struct uvp_error *err)
{
	uint32_t n = size >= 4 ? uvpi_get_le32(sparse) : 0, at = 0, out = 0;
	size_t in;

	if (!n || n > RUNS_MAX || size < 4 + 8 * (size_t)n)
		return damaged(err, "has a wrong number of runs");
	in = 4 + 8 * (size_t)n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t zeros = uvpi_get_le32(sparse + 4 + 8 * i), others = uvpi_get_le32(sparse + 8 + 8 * i);

		if (zeros > UVPI_STREAM_BATCH - at || others > UVPI_STREAM_BATCH - at - zeros || others > size - in)
			return damaged(err, "has runs that are too long");
		if (zeros)
			spans[out++] = (struct uvpi_span){ NULL, zeros };
		if (others)
			spans[out++] = (struct uvpi_span){ sparse + in, others };
		at += zeros + others;
		in += others;
	}
	*ret_n = out;
	return in == size && at ? (int)at : damaged(err, "has more than its runs");
}

static bool get_unpack_ready(struct uvpi_codec *codec)
{
	if (!codec->unpack)
		codec->unpack = ZSTD_createDCtx();
	if (!codec->sparse)
		codec->sparse = malloc(SPARSE_MAX);
	if (!codec->spans)
		codec->spans = calloc(2 * RUNS_MAX, sizeof(*codec->spans));
	return codec->unpack && codec->sparse && codec->spans;
}

int uvpi_codec_unpack(struct uvpi_codec *codec, uint32_t type, const uint8_t *body, uint32_t len, const struct uvpi_span **ret_spans,
		      uint32_t *ret_n, struct uvp_error *err)
{
	bool sparse = type == UVPI_STREAM_MEMORY_SPARSE;
	size_t n;

	if (!get_unpack_ready(codec))
		return uvpi_no_memory(err);
	*ret_spans = codec->spans;
	*ret_n = 1;
	if (type == UVPI_STREAM_MEMORY) {
		if (!len || len > UVPI_STREAM_BATCH)
			return damaged(err, "has a wrong length");
		codec->spans[0] = (struct uvpi_span){ body, len };
		return (int)len;
	}
	n = ZSTD_decompressDCtx(codec->unpack, codec->sparse, sparse ? SPARSE_MAX : UVPI_STREAM_BATCH, body, len);
	if (ZSTD_isError(n) || !n)
		return damaged(err, "cannot be decompressed");
	if (sparse)
		return find_spans(codec->sparse, n, codec->spans, ret_n, err);
	codec->spans[0] = (struct uvpi_span){ codec->sparse, (uint32_t)n };
	return (int)n;
}
