/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xenstored sends: a run of messages, each decoded in every way in which one could be. */
#include <string.h>

#include "core/store_wire.h"
#include "tests/fuzz/fuzz.h"

static void decode(const struct uvpi_wire_msg *msg)
{
	const char *path, *token, *end = msg->body + msg->len;
	struct uvpi_wire_part part;

	(void)uvpi_wire_errno(msg);
	(void)uvpi_wire_transaction(msg);
	if (uvpi_wire_event(msg, &path, &token, NULL) == 0)
		FUZZ_CHECK(path + strlen(path) < token && token + strlen(token) < end);
	if (uvpi_wire_part(msg, &part, NULL) == 0) {
		FUZZ_CHECK(part.names + part.len <= end);
		FUZZ_CHECK(!part.len || !part.names[part.len - 1]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;

	for (;;) {
		struct uvpi_wire_msg msg;
		int len = uvpi_wire_next(data + at, size - at, &msg, NULL);

		if (len <= 0)
			return 0;
		FUZZ_CHECK((size_t)len <= size - at && msg.len + UVPI_WIRE_HEADER == (size_t)len);
		decode(&msg);
		at += (size_t)len;
	}
}
