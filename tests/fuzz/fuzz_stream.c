/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains. The first byte says what the others are: a whole file, or one part of one. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "stream/file.h"
#include "tests/fuzz/fuzz.h"

static void whole_file(const uint8_t *data, size_t size)
{
	struct uvpi_stream_reader reader;
	struct uvp_error err = UVP_ERROR_INIT;
	int fd = memfd_create("fuzz", MFD_CLOEXEC), r;

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	r = uvpi_stream_open(&reader, fd, &err);
	for (int i = 0; r == 0 || i; i++) {
		r = uvpi_stream_next(&reader, &err);
		if (r <= 0)
			break;
		FUZZ_CHECK(reader.raw_len && reader.raw_len <= UVPI_STREAM_BATCH);
	}
	FUZZ_CHECK(r >= 0 || *err.message);
	FUZZ_CHECK(r < 0 || (reader.order.end && reader.config));
	uvpi_stream_close(&reader);
}

static void parts(uint8_t what, const uint8_t *data, size_t size)
{
	static uint8_t raw[UVPI_STREAM_BATCH];
	struct uvpi_stream_record record;
	struct uvpi_stream_domain domain;
	uint8_t again[UVPI_STREAM_DOMAIN_LEN];

	if (what == 1 || what == 4) {
		struct uvpi_codec codec = { 0 };
		int n = uvpi_codec_unpack(&codec, what == 1 ? UVPI_STREAM_MEMORY_ZSTD : UVPI_STREAM_MEMORY_SPARSE, data,
					  (uint32_t)size, raw, NULL);

		FUZZ_CHECK(n <= (int)sizeof(raw) && n != 0);
		uvpi_codec_done(&codec);
	} else if (what == 2 && size >= UVPI_STREAM_RECORD) {
		if (uvpi_stream_get_record(data, 0, &record, NULL) == 0)
			FUZZ_CHECK(record.len <= UVPI_STREAM_BODY_MAX);
	} else if (what == 5) {
		struct uvpi_stream_machine machine;

		if (uvpi_stream_get_machine(data, size, &machine, NULL) == 0)
			FUZZ_CHECK(machine.state + machine.len == data + size && strlen(machine.version) < sizeof(machine.version));
	} else if (what == 3 && uvpi_stream_get_domain(data, size, &domain, NULL) == 0) {
		uvpi_stream_put_domain(again, &domain);
		FUZZ_CHECK(memcmp(again, data, sizeof(again)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] == '{') {
		_cleanup_free_ char *text = strndup((const char *)data, size);
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvp_config *config = NULL;

		FUZZ_CHECK(text && (uvpi_xl_config(text, &config, &err) == 0 ? config && config->has_uuid : *err.message));
		uvp_config_free(config);
	} else if (data[0] == 0x8e || data[0] == 'X')
		whole_file(data, size);
	else
		parts(data[0], data + 1, size - 1);
	return 0;
}
