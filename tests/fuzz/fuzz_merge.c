/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records over several connections. The first byte is how many there are; then come pieces: which connection (1), how many bytes (2), and
 * the bytes. */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "stream/merge.h"
#include "tests/fuzz/fuzz.h"

/* As much of the piece as there is room for, as from a socket: what is not taken waits for what is due, and is lost here. */
static int feed(struct uvpi_merge *merge, int lane, const uint8_t *data, uint32_t len, uint32_t due)
{
	while (len) {
		uint8_t *to = NULL;
		uint32_t room = uvpi_merge_room(merge, lane, &to), n = room < len ? room : len;

		if (!room)
			return 0;
		FUZZ_CHECK(room <= UVPI_STREAM_BODY_MAX);
		memcpy(to, data, n);
		if (uvpi_merge_came(merge, lane, n, due, NULL) < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvpi_stream_record record;
	struct uvpi_merge *merge;
	uint8_t *body = malloc(UVPI_STREAM_BODY_MAX);
	uint32_t due = 0;
	int r = 0;

	FUZZ_CHECK(body);
	if (size < 1 || uvpi_merge_new(1 + data[0] % UVPI_MERGE_MAX, &merge, NULL) < 0) {
		free(body);
		return 0;
	}
	for (size_t at = 1; r >= 0 && size - at >= 3;) {
		uint32_t len = data[at + 1] | (uint32_t)data[at + 2] << 8;
		int lane = data[at] % merge->n;

		at += 3;
		len = len < size - at ? len : (uint32_t)(size - at);
		r = feed(merge, lane, data + at, len, due);
		at += len;
		while (r >= 0 && (r = uvpi_merge_take(merge, due, &record, &body, NULL)) > 0) {
			FUZZ_CHECK(record.sequence == due && record.len <= UVPI_STREAM_BODY_MAX);
			uvpi_stream_check_body(&record, body, NULL);
			due++;
		}
	}
	uvpi_merge_free(merge);
	free(body);
	return 0;
}
