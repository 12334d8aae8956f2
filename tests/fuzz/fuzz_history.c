/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of samples. The input is a frame, of both kinds, without its first twelve bytes, which are put right here: otherwise the
 * checksum would keep everything out. The last two bytes tell how long a second one before them is, for what lies between two. */
#include <endian.h>
#include <string.h>
#include <zlib.h>

#include "history/rates.h"
#include "tests/fuzz/fuzz.h"
#include "xlx/top/past.h"

#define OLD 0x50565548
#define NEW 0x50565549

static uint32_t little(uint32_t value)
{
	return htole32(value);
}

static bool decode(uint32_t magic, const uint8_t *data, size_t size, struct uvpi_history_frame *ret_frame)
{
	const uint32_t head[3] = { little(magic), little((uint32_t)size + 12), little((uint32_t)crc32(0, data, (uInt)size)) };
	uint8_t *bytes = malloc(size + 12);
	size_t len;
	bool whole;

	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + 12, data, size);
	len = uvpi_history_look(bytes, size + 12);
	FUZZ_CHECK(len == 0 || len == size + 12);
	whole = len && uvpi_history_decode(bytes, len, ret_frame);
	free(bytes);
	return whole;
}

static void try_one(uint32_t magic, const uint8_t *data, size_t size)
{
	struct uvpi_history_frame frame;
	struct uvpi_history history = { 1, &frame };
	struct uvpi_history_row *rows = NULL;
	struct uvpi_history_who who;
	uint8_t *again = NULL;
	size_t n, len;

	if (!decode(magic, data, size, &frame))
		return;
	/* what is accepted comes out again as it was */
	FUZZ_CHECK(uvpi_history_encode(&frame, &again, &len, NULL) == 0);
	FUZZ_CHECK(magic != NEW || len <= size + 12);
	FUZZ_CHECK(uvpi_history_rows(&history, NULL, 60, &rows, &n, NULL) == 0 && n == 0);
	uvpi_history_find(&history, "7", &who);
	free(rows);
	free(again);
	uvpi_history_frame_done(&frame);
}

/* As xlx sar and xlx top show them. */
static void between(struct uvpi_history_frame frames[2])
{
	struct uvpi_history history = { 2, frames };
	struct top_model *model = top_model_new();
	struct uvpi_history_who who = { 0 };

	for (size_t i = 0; i < 4; i++) {
		struct uvpi_history_row *rows = NULL;
		size_t n;

		/* each way in which one is meant, and the host */
		who.by = (int)i % 3;
		who.domain = frames[1].n_domains ? frames[1].domains : NULL;
		FUZZ_CHECK(uvpi_history_rows(&history, i < 3 && who.domain ? &who : NULL, 60, &rows, &n, NULL) == 0 && n == 1);
		FUZZ_CHECK(rows[0].covered_s >= 0 && !(rows[0].idle < 0) && !(rows[0].xen < 0) && !(rows[0].guests < 0));
		free(rows);
	}
	for (size_t i = 0; i < 2; i++) {
		struct uvp_stats *stats = top_past_stats(&frames[i]);

		FUZZ_CHECK(model && stats && stats->n_cpus == frames[i].cpus);
		FUZZ_CHECK(top_model_add(model, stats) == 0);
	}
	top_model_free(model);
}

static void try_two(uint32_t first, const uint8_t *data, size_t size)
{
	size_t second = size < 2 ? 0 : data[size - 2] + 256u * data[size - 1];
	struct uvpi_history_frame frames[2];

	if (size < 2 || second > size - 2 || !decode(first, data, size - 2 - second, &frames[0]))
		return;
	if (decode(NEW, data + size - 2 - second, second, &frames[1])) {
		between(frames);
		uvpi_history_frame_done(&frames[1]);
	}
	uvpi_history_frame_done(&frames[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_one(OLD, data, size);
	try_one(NEW, data, size);
	try_two(OLD, data, size);
	try_two(NEW, data, size);
	return 0;
}
