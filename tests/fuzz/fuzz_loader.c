/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a boot loader says, which reads a guest's disk: whatever it is, names are plain ones, and texts end. */
#include <string.h>

#include "build/bootloader.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char out[] = "/run/uvp/loader/1-1/out";
	struct uvpi_loader_result result;

	memset(&result, 'x', sizeof(result));
	if (uvpi_loader_decode((const char *)data, size, out, &result, NULL) < 0)
		return 0;
	FUZZ_CHECK(*result.kernel && *result.kernel != '.' && !strchr(result.kernel, '/'));
	FUZZ_CHECK(*result.ramdisk != '.' && !strchr(result.ramdisk, '/'));
	FUZZ_CHECK(memchr(result.kernel, 0, sizeof(result.kernel)) && memchr(result.ramdisk, 0, sizeof(result.ramdisk)));
	FUZZ_CHECK(memchr(result.args, 0, sizeof(result.args)));
	return 0;
}
