/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a server of the NBD protocol says at the beginning. */
#include <string.h>

#include "device/nbd_hello.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvpi_nbd_hello hello = { .name = "disk" };
	uint8_t in[UVPI_NBD_REPLY_MAX], out[256];
	size_t want, len;

	while ((want = uvpi_nbd_hello_wants(&hello)) > 0) {
		FUZZ_CHECK(want <= sizeof(in));
		if (want > size)
			return 0;
		memcpy(in, data, want);
		data += want;
		size -= want;
		if (uvpi_nbd_hello_feed(&hello, in, out, &len, NULL) < 0)
			return 0;
		FUZZ_CHECK(len <= sizeof(out));
	}
	FUZZ_CHECK(hello.size > 0);
	return 0;
}
