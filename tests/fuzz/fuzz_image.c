/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of disk images: the first byte says as what they are read, the last 512 are the end of the file as well. */
#include <string.h>

#include "device/image.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvpi_image image;
	struct uvp_error err = UVP_ERROR_INIT;
	size_t tail;

	if (!size)
		return 0;
	tail = size - 1 < UVPI_IMAGE_TAIL ? size - 1 : UVPI_IMAGE_TAIL;
	if (uvpi_image_parse((enum uvpi_disk_format)(data[0] % (UVPI_DISK_EMPTY + 1)), data + 1, size - 1,
			     data + size - tail, tail, &image, &err) < 0) {
		FUZZ_CHECK(*err.message);
		return 0;
	}
	FUZZ_CHECK(memchr(image.backing, 0, sizeof(image.backing)) != NULL);
	for (const char *p = image.backing; *p; p++)
		FUZZ_CHECK((unsigned char)*p >= ' ');
	FUZZ_CHECK(*uvpi_image_driver(image.backing_format));
	return 0;
}
