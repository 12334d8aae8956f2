/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of samples. The input is a frame, of both kinds, without its first twelve bytes, which are put right here: otherwise the
 * checksum would keep everything out. */
#include <endian.h>
#include <string.h>
#include <zlib.h>

#include "history/rates.h"
#include "tests/fuzz/fuzz.h"

#define NEW 0x50565549

static uint32_t little(uint32_t value)
{
	return htole32(value);
}

static void try(uint32_t magic, const uint8_t *data, size_t size)
{
	const uint32_t head[3] = { little(magic), little((uint32_t)size + 12), little((uint32_t)crc32(0, data, (uInt)size)) };
	uint8_t *bytes = malloc(size + 12), *again = NULL;
	struct uvpi_history_frame frame;
	size_t len;

	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + 12, data, size);
	len = uvpi_history_look(bytes, size + 12);
	FUZZ_CHECK(len == 0 || len == size + 12);
	if (len && uvpi_history_decode(bytes, len, &frame)) {
		struct uvpi_history history = { 1, &frame };
		struct uvpi_history_row *rows = NULL;
		size_t n;

		/* what is accepted comes out again as it was */
		FUZZ_CHECK(uvpi_history_encode(&frame, &again, &len, NULL) == 0);
		FUZZ_CHECK(magic != NEW || len <= size + 12);
		FUZZ_CHECK(uvpi_history_rows(&history, NULL, 60, &rows, &n, NULL) == 0 && n == 0);
		uvpi_history_find(&history, "7");
		free(rows);
		uvpi_history_frame_done(&frame);
	}
	free(again);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try(0x50565548, data, size);
	try(NEW, data, size);
	return 0;
}
