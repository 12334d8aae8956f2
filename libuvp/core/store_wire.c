/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/store_wire.h"

#include <errno.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "core/cleanup.h"
#include "core/error.h"

int uvpi_wire_next(const void *buf, size_t have, struct uvpi_wire_msg *ret_msg, struct uvp_error *err)
{
	struct xsd_sockmsg header;

	if (have < sizeof(header))
		return 0;
	memcpy(&header, buf, sizeof(header));
	if (header.len > UVPI_WIRE_PAYLOAD)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0,
				 "xenstored sent a message of %u bytes, its protocol allows %d", header.len,
				 UVPI_WIRE_PAYLOAD);
	if (have - sizeof(header) < header.len)
		return 0;
	*ret_msg = (struct uvpi_wire_msg){ .type = header.type,
					   .req_id = header.req_id,
					   .tx_id = header.tx_id,
					   .len = header.len,
					   .body = (const char *)buf + sizeof(header) };
	return (int)(sizeof(header) + header.len);
}

int uvpi_wire_errno(const struct uvpi_wire_msg *msg)
{
	/* With or without its NUL: both are seen. */
	size_t len = strnlen(msg->body, msg->len);

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(xsd_errors); i++)
		if (strlen(xsd_errors[i].errstring) == len && !memcmp(xsd_errors[i].errstring, msg->body, len))
			return xsd_errors[i].errnum;
	return 0;
}

int uvpi_wire_event(const struct uvpi_wire_msg *msg, const char **ret_path, const char **ret_token,
		    struct uvp_error *err)
{
	size_t path_len = strnlen(msg->body, msg->len);
	size_t rest = msg->len - path_len;

	if (!rest || !memchr(msg->body + path_len + 1, '\0', rest - 1))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "xenstored sent a watch event without %s",
				 rest ? "a whole token" : "a whole path");
	*ret_path = msg->body;
	*ret_token = msg->body + path_len + 1;
	return 0;
}

/* Decimal digits up to the NUL; false for anything else. */
static int digits(const char *text, size_t len, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!len || len > 20)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_value = value;
	return 1;
}

int uvpi_wire_part(const struct uvpi_wire_msg *msg, struct uvpi_wire_part *ret_part, struct uvp_error *err)
{
	size_t gen_len = strnlen(msg->body, msg->len);
	struct uvpi_wire_part part = { 0 };

	if (gen_len == msg->len || !digits(msg->body, gen_len, &part.generation))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "xenstored sent part of a folder without its generation");
	part.names = msg->body + gen_len + 1;
	part.len = msg->len - (uint32_t)gen_len - 1;
	if (part.len && part.names[part.len - 1])
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "xenstored cut a name in a folder's list");
	/* An empty name ends the folder. An empty folder is that empty name alone. */
	if (part.len && (part.len == 1 || !part.names[part.len - 2])) {
		part.last = 1;
		part.len--;
	} else if (!part.len) {
		part.last = 1;
	}
	*ret_part = part;
	return 0;
}

void uvpi_wire_header(void *buf, uint32_t type, uint32_t req_id, uint32_t tx_id, uint32_t len)
{
	struct xsd_sockmsg header = { .type = type, .req_id = req_id, .tx_id = tx_id, .len = len };

	_Static_assert(sizeof(header) == UVPI_WIRE_HEADER, "the protocol's header has 16 bytes");
	memcpy(buf, &header, sizeof(header));
}

uint32_t uvpi_wire_transaction(const struct uvpi_wire_msg *msg)
{
	uint64_t id;

	if (!digits(msg->body, strnlen(msg->body, msg->len), &id) || id > UINT32_MAX)
		return 0;
	return (uint32_t)id;
}
