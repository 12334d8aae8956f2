/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/nbd_hello.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "core/error.h"

#define OPTION_GO 7u
#define OPTION_REPLY 0x0003e889045565a9ull
#define REPLY_ACK 1u
#define REPLY_INFO 3u
#define REPLY_ERROR (1u << 31)
#define INFO_EXPORT 0u
#define FIXED_NEWSTYLE 1u
#define NO_ZEROES 2u
#define REPLIES_MAX 16
#define GREETING_LEN 18u /* two magic words, flags */
#define REPLY_LEN 20u	 /* magic word, option, type, length */

static uint64_t be64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return be64toh(value);
}

static uint32_t be32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return be32toh(value);
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

size_t uvpi_nbd_hello_wants(const struct uvpi_nbd_hello *hello)
{
	switch (hello->state) {
	case UVPI_NBD_GREETING:
		return GREETING_LEN;
	case UVPI_NBD_REPLY:
		return REPLY_LEN;
	case UVPI_NBD_DATA:
		return hello->length;
	case UVPI_NBD_READY:
		break;
	}
	return 0;
}

static size_t put32(uint8_t *out, size_t at, uint32_t value)
{
	value = htobe32(value);
	memcpy(out + at, &value, sizeof(value));
	return at + sizeof(value);
}

/* Ask for the export. */
static int greeting(struct uvpi_nbd_hello *hello, const uint8_t *data, uint8_t *out, size_t *ret_len, struct uvp_error *err)
{
	uint32_t name_len = (uint32_t)strnlen(hello->name, UVPI_NBD_NAME_MAX), flags;
	size_t at;

	if (memcmp(data, "NBDMAGICIHAVEOPT", 16) != 0)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server does not speak the NBD protocol");
	flags = be16(data + 16);
	if (!(flags & FIXED_NEWSTYLE))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server speaks an old form of the NBD protocol");
	at = put32(out, 0, FIXED_NEWSTYLE | (flags & NO_ZEROES));
	memcpy(out + at, "IHAVEOPT", 8);
	at = put32(out, at + 8, OPTION_GO);
	at = put32(out, at, 4 + name_len + 2);
	at = put32(out, at, name_len);
	memcpy(out + at, hello->name, name_len);
	at += name_len;
	memset(out + at, 0, 2); /* no particular information is asked for */
	*ret_len = at + 2;
	hello->state = UVPI_NBD_REPLY;
	return 0;
}

static int end_reply(struct uvpi_nbd_hello *hello, const uint8_t *data, struct uvp_error *err)
{
	hello->state = UVPI_NBD_REPLY;
	if (hello->type & REPLY_ERROR)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server refuses the export '%.40s' (error %" PRIu32 ")",
				 hello->name, hello->type & ~REPLY_ERROR);
	if (hello->type == REPLY_ACK) {
		if (!hello->size)
			return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server does not say how large the disk is");
		hello->state = UVPI_NBD_READY;
		return 0;
	}
	if (hello->type != REPLY_INFO || hello->length < 2)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server answers with something else (%" PRIu32 ")",
				 hello->type);
	if (be16(data) != INFO_EXPORT)
		return 0;
	if (hello->length != 12)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server describes the disk in %" PRIu32 " bytes, not 12",
				 hello->length);
	hello->size = be64(data + 2);
	hello->flags = be16(data + 10);
	return 0;
}

static int reply(struct uvpi_nbd_hello *hello, const uint8_t *data, struct uvp_error *err)
{
	hello->type = be32(data + 12);
	hello->length = be32(data + 16);
	if (be64(data) != OPTION_REPLY || be32(data + 8) != OPTION_GO || ++hello->replies > REPLIES_MAX ||
	    hello->length > UVPI_NBD_REPLY_MAX)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the disk server's answer is none of the NBD protocol");
	if (!hello->length)
		return end_reply(hello, data, err);
	hello->state = UVPI_NBD_DATA;
	return 0;
}

int uvpi_nbd_hello_feed(struct uvpi_nbd_hello *hello, const uint8_t *data, uint8_t out[256], size_t *ret_out_len,
			struct uvp_error *err)
{
	*ret_out_len = 0;
	switch (hello->state) {
	case UVPI_NBD_GREETING:
		return greeting(hello, data, out, ret_out_len, err);
	case UVPI_NBD_REPLY:
		return reply(hello, data, err);
	case UVPI_NBD_DATA:
		return end_reply(hello, data, err);
	case UVPI_NBD_READY:
		break;
	}
	return 0;
}
