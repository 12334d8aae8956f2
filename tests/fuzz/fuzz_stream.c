/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains. The first byte says what the others are: a whole file, or one part of one. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "stream/file.h"
#include "stream/xenparse.h"
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

#define GFNS 0x100400u

struct seen {
	uint64_t bytes, told;
};

static int see_pages(void *data, const uint64_t *gfns, uint32_t n, struct uvp_error *err)
{
	struct seen *seen = data;

	FUZZ_CHECK(n && n <= UVPI_XENPARSE_PAGES && seen->bytes == seen->told);
	for (uint32_t i = 0; i < n; i++)
		FUZZ_CHECK(gfns[i] < GFNS);
	seen->told += (uint64_t)n * 4096;
	return 0;
}

static int see_part(void *data, const struct uvpi_xenparse_part *part, struct uvp_error *err)
{
	const struct uvpi_span *span = part->spans;
	uint32_t at = part->from, left = part->len, sum = 0;
	struct seen *seen = data;

	FUZZ_CHECK(part->n && part->len && part->skip < 4096 && part->skip + part->len <= part->n * 4096);
	FUZZ_CHECK(part->skip + part->len > (part->n - 1) * 4096 && part->gfns[part->n - 1] < GFNS);
	while (left) {
		uint32_t n = span->len - at < left ? span->len - at : left;

		for (uint32_t i = 0; span->data && i < n; i++)
			sum += span->data[at + i];
		left -= n;
		at = 0;
		span++;
	}
	seen->bytes += part->len + (sum & 0);
	FUZZ_CHECK(seen->bytes <= seen->told);
	return 0;
}

static int see_record(void *data, uint32_t type, const uint8_t *body, uint32_t len, struct uvp_error *err)
{
	struct seen *seen = data;
	uint32_t sum = 0;

	FUZZ_CHECK(seen->bytes == seen->told);
	for (uint32_t i = 0; i < len; i++)
		sum += body[i];
	return sum == UINT32_MAX ? -UVP_E_INVALID : 0;
}

/* The first byte says how the stream is cut; in each piece, what follows a byte of 0xfe is so many zeros. */
static void memory(const uint8_t *data, size_t size)
{
	static const struct uvpi_xenparse_ops ops = { see_pages, see_part, see_record };
	struct uvp_error err = UVP_ERROR_INIT;
	uint32_t cut = size ? 1 + data[0] * 16u : 1;
	struct uvpi_xenparse parse;
	struct seen seen = { 0 };
	int r = 0;

	uvpi_xenparse_init(&parse, &ops, &seen, GFNS);
	for (size_t at = 1; at < size && r == 0; at += cut) {
		struct uvpi_span spans[2] = { { data + at, (uint32_t)(size - at < cut ? size - at : cut) } };
		uint32_t n = 1;

		if (spans[0].len > 3 && data[at + spans[0].len - 1] == 0xfe) {
			spans[0].len -= 3;
			spans[1].len = data[at + spans[0].len] * 256u + 1;
			n = 2;
		}
		r = uvpi_xenparse_feed(&parse, spans, n, &err);
	}
	FUZZ_CHECK(r >= 0 || *err.message);
	uvpi_xenparse_done(&parse);
}

static void parts(uint8_t what, const uint8_t *data, size_t size)
{
	struct uvpi_stream_record record;
	struct uvpi_stream_domain domain;
	uint8_t again[UVPI_STREAM_DOMAIN_LEN];

	if (what == 1 || what == 4) {
		struct uvpi_codec codec = { 0 };
		const struct uvpi_span *spans;
		uint32_t count, all = 0;
		int n = uvpi_codec_unpack(&codec, what == 1 ? UVPI_STREAM_MEMORY_ZSTD : UVPI_STREAM_MEMORY_SPARSE, data,
					  (uint32_t)size, &spans, &count, NULL);

		FUZZ_CHECK(n <= (int)UVPI_STREAM_BATCH && n != 0);
		for (uint32_t i = 0; n > 0 && i < count; i++)
			all += spans[i].len;
		FUZZ_CHECK(n < 0 || all == (uint32_t)n);
		uvpi_codec_done(&codec);
	} else if (what == 2 && size >= UVPI_STREAM_RECORD) {
		if (uvpi_stream_get_record(data, 0, &record, NULL) == 0)
			FUZZ_CHECK(record.len <= UVPI_STREAM_BODY_MAX);
	} else if (what == 6) {
		memory(data, size);
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
