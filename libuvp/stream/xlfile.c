/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/xlfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/model.h"
#include "core/bytes.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "stream/file.h"

/* The file: mark, byte order, flags, length of what follows them; in that, a length and the JSON. */
#define HEADER 48
#define FLAG_JSON 1u
#define FLAG_STREAM2 2u
#define JSON_MAX (1u << 20)
static const char magic[32] = "Xen saved domain, xl format\n \0 \r";

/* libxl's stream: its header's numbers are big endian, the records' are not. */
#define LIBXL_HEADER 16
enum { LIBXL_END = 0, LIBXL_LIBXC = 1, LIBXL_XENSTORE = 2, LIBXL_EMULATOR = 3 };
#define LIBXL_RECORD_MAX (64u << 20)

/* libxenguest's. */
#define IMAGE_HEADER 24
#define DOMAIN_HEADER 16
#define RECORD_HEADER 8
#define RECORD_MAX (128u << 20)
#define XENGUEST_END 0u

static int damaged(struct uvp_error *err, const char *what)
{
	int r = uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: %s", what);

	uvpi_hint(err, "nothing can be restored from it; take another copy");
	return r;
}

bool uvpi_xl_is(const uint8_t *header, size_t len)
{
	return len >= 16 && !memcmp(header, magic, 16);
}

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- up to libxenguest's stream ---- */

static int check_header(const uint8_t *header, uint32_t *ret_len, struct uvp_error *err)
{
	uint32_t flags = uvpi_get_le32(header + 36);

	if (memcmp(header, magic, sizeof(magic)))
		return damaged(err, "its mark has changed");
	if (uvpi_get_le32(header + 32) != 0x01020304)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it was written on a machine of another kind");
	if (flags != (FLAG_JSON | FLAG_STREAM2)) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it was written by an xl with other features (0x%x) than those of Xen 4.6 and later", flags);
		uvpi_hint(err, "restore it with that xl, and save it again");
		return -UVP_E_UNSUPPORTED;
	}
	*ret_len = uvpi_get_le32(header + 44);
	return *ret_len < 6 || *ret_len > JSON_MAX ? damaged(err, "its configuration has a wrong length") : 0;
}

static int read_config(struct uvpi_stream_reader *reader, uint32_t len, struct uvp_error *err)
{
	_cleanup_free_ char *text = malloc(len + 1);
	int r;

	if (!text)
		return uvpi_no_memory(err);
	r = uvpi_stream_read(reader, text, len, err);
	if (r < 0)
		return r;
	text[len] = '\0';
	if (uvpi_get_le32((const uint8_t *)text) != len - 4 || strlen(text + 4) + 1 != len - 4)
		return damaged(err, "its configuration has a wrong length");
	return uvpi_xl_config(text + 4, &reader->config, err);
}

static int read_libxl_header(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	uint8_t header[LIBXL_HEADER + RECORD_HEADER];
	int r = uvpi_stream_read(reader, header, sizeof(header), err);

	if (r < 0)
		return r;
	if (memcmp(header, "LibxlFmt", 8))
		return damaged(err, "libxl's part of it has no mark");
	if (get_be32(header + 8) != 2 || get_be32(header + 12) & ~2u)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its stream has version %u and features 0x%x, and this release reads version 2 without any",
				 get_be32(header + 8), get_be32(header + 12));
	if (uvpi_get_le32(header + 16) != LIBXL_LIBXC || uvpi_get_le32(header + 20))
		return damaged(err, "its memory is missing");
	return 0;
}

/* Both headers of libxenguest's; they are handed to it as they are. */
static int read_image_header(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	uint8_t *p = reader->raw;
	uint32_t type;
	int r = uvpi_stream_read(reader, p, IMAGE_HEADER + DOMAIN_HEADER, err);

	if (r < 0)
		return r;
	for (int i = 0; i < 8; i++)
		if (p[i] != 0xff)
			return damaged(err, "its memory has no mark");
	if (get_be32(p + 8) != 0x58454e46 || get_be32(p + 12) < 2 || get_be32(p + 12) > 3 || p[16] || p[17])
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its memory has version %u of the format, and this release reads 2 and 3",
				 get_be32(p + 12));
	type = uvpi_get_le32(p + IMAGE_HEADER);
	if (type != (reader->config->type == UVPI_TYPE_PV ? 1 : 2))
		return damaged(err, "its memory is not that of the domain in its configuration");
	reader->domain.xen_major = uvpi_get_le32(p + IMAGE_HEADER + 8);
	reader->domain.xen_minor = uvpi_get_le32(p + IMAGE_HEADER + 12);
	reader->raw_len = IMAGE_HEADER + DOMAIN_HEADER;
	reader->order.raw = reader->raw_len;
	return 0;
}

static void lend_raw(struct uvpi_stream_reader *reader)
{
	reader->raw_span = (struct uvpi_span){ reader->raw, reader->raw_len };
	reader->spans = &reader->raw_span;
	reader->n_spans = 1;
}

int uvpi_xl_open(struct uvpi_stream_reader *reader, const uint8_t *first, size_t len, struct uvp_error *err)
{
	uint8_t header[HEADER];
	struct stat st;
	uint32_t json = 0;
	int r;

	reader->raw = malloc(UVPI_STREAM_BATCH);
	if (!reader->raw)
		return uvpi_no_memory(err);
	memcpy(header, first, len);
	r = uvpi_stream_read(reader, header + len, HEADER - len, err);
	if (r >= 0)
		r = check_header(header, &json, err);
	if (r >= 0)
		r = read_config(reader, json, err);
	if (r >= 0)
		r = read_libxl_header(reader, err);
	if (r >= 0)
		r = read_image_header(reader, err);
	if (r < 0)
		return r;
	reader->xl.on = true;
	lend_raw(reader);
	memcpy(reader->domain.uuid, reader->config->uuid, sizeof(reader->domain.uuid));
	reader->domain.type = uvpi_stream_type_of(reader->config);
	reader->domain.vcpus = reader->config->vcpus;
	reader->domain.memory_kib = reader->config->memory_kib;
	reader->domain.saved_at = fstat(reader->fd, &st) == 0 ? (uint64_t)st.st_mtime : 0;
	return 0;
}

/* ---- the stream ---- */

static int next_record(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	uint8_t *header = reader->raw + reader->raw_len;
	uint32_t type, len;
	int r = uvpi_stream_read(reader, header, RECORD_HEADER, err);

	if (r < 0)
		return r;
	reader->raw_len += RECORD_HEADER;
	type = uvpi_get_le32(header);
	len = uvpi_get_le32(header + 4);
	if (len > RECORD_MAX)
		return damaged(err, "a record of its memory is larger than any can be");
	reader->xl.left = ((uint64_t)len + 7) & ~UINT64_C(7);
	reader->xl.end = type == XENGUEST_END;
	return 0;
}

/* As much as fits; a record's header is never cut in two. */
static int fill(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	struct uvpi_xl *xl = &reader->xl;
	int r = 0;

	while (r >= 0) {
		uint32_t room = UVPI_STREAM_BATCH - reader->raw_len, n = xl->left < room ? (uint32_t)xl->left : room;

		if (n) {
			r = uvpi_stream_read(reader, reader->raw + reader->raw_len, n, err);
			reader->raw_len += n;
			xl->left -= n;
		} else if (xl->left || xl->end || room < RECORD_HEADER) {
			return 0;
		} else {
			r = next_record(reader, err);
		}
	}
	return r;
}

/* What libxl has behind it: of guests without a device model nothing that matters. */
static int read_tail(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	for (;;) {
		uint8_t header[RECORD_HEADER];
		int r = uvpi_stream_read(reader, header, sizeof(header), err);
		uint32_t type = uvpi_get_le32(header), len = uvpi_get_le32(header + 4), n;

		if (r < 0)
			return r;
		if (type == LIBXL_END && !len) {
			reader->order.end = true;
			return uvpi_stream_check_over(reader, err);
		}
		if ((type != LIBXL_XENSTORE && type != LIBXL_EMULATOR) || len > LIBXL_RECORD_MAX)
			return damaged(err, "it has a record of libxl's that cannot be there");
		for (len = (len + 7) & ~7u; len; len -= n) {
			n = len < UVPI_STREAM_BATCH ? len : UVPI_STREAM_BATCH;
			r = uvpi_stream_read(reader, reader->raw, n, err);
			if (r < 0)
				return r;
		}
	}
}

int uvpi_xl_next(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	int r;

	reader->raw_len = 0;
	if (reader->xl.end && !reader->xl.left) {
		r = read_tail(reader, err);
		return r < 0 ? r : 0;
	}
	r = fill(reader, err);
	reader->order.raw += reader->raw_len;
	lend_raw(reader);
	return r < 0 ? r : 1;
}
