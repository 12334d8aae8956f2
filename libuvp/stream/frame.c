/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains: headers, records and their bodies. All numbers are little endian. */
#include "stream/frame.h"

#include <string.h>

#include "core/bytes.h"
#include "core/cleanup.h"
#include "core/error.h"

/* No text file begins so, and a transfer that changes line ends is found at once. */
static const uint8_t magic[8] = { 0x8e, 'U', 'V', 'P', 'S', '\r', '\n', 0x1a };

static int damaged(struct uvp_error *err, const char *what)
{
	int r = uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: %s", what);

	uvpi_hint(err, "nothing can be restored from it; take another copy");
	return r;
}

/* ---- the header ---- */

void uvpi_stream_put_header(uint8_t buf[UVPI_STREAM_HEADER])
{
	memcpy(buf, magic, sizeof(magic));
	uvpi_put_le32(buf + 8, UVPI_STREAM_VERSION);
	uvpi_put_le32(buf + 12, 0);
	uvpi_put_le32(buf + 16, 0);
	uvpi_put_le32(buf + 20, uvpi_stream_crc(buf, 20));
}

int uvpi_stream_get_header(const uint8_t *buf, size_t len, struct uvp_error *err)
{
	int r;

	if (len < UVPI_STREAM_HEADER || memcmp(buf, magic, sizeof(magic)))
		return uvpi_fail(err, UVP_E_INVALID, 0, "it is no file of a saved domain");
	if (uvpi_get_le32(buf + 20) != uvpi_stream_crc(buf, 20))
		return damaged(err, "its header has changed");
	if (uvpi_get_le32(buf + 8) != UVPI_STREAM_VERSION || uvpi_get_le32(buf + 12)) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			      "it has version %u and features 0x%x of the format, and this release reads version %u without any",
			      uvpi_get_le32(buf + 8), uvpi_get_le32(buf + 12), UVPI_STREAM_VERSION);
		uvpi_hint(err, "restore it with the release that wrote it");
		return r;
	}
	return 0;
}

/* ---- records ---- */

void uvpi_stream_put_record(uint8_t buf[UVPI_STREAM_RECORD], uint32_t type, uint32_t sequence, const void *body, uint32_t len)
{
	uvpi_put_le32(buf, type);
	uvpi_put_le32(buf + 4, type == UVPI_STREAM_LEVEL ? UVPI_STREAM_OPTIONAL : 0);
	uvpi_put_le32(buf + 8, len);
	uvpi_put_le32(buf + 12, uvpi_stream_crc(body, len));
	uvpi_put_le32(buf + 16, sequence);
	uvpi_put_le32(buf + 20, uvpi_stream_crc(buf, 20));
}

int uvpi_stream_get_record(const uint8_t buf[UVPI_STREAM_RECORD], uint32_t sequence, struct uvpi_stream_record *ret_record,
			   struct uvp_error *err)
{
	struct uvpi_stream_record record = { uvpi_get_le32(buf), uvpi_get_le32(buf + 4), uvpi_get_le32(buf + 8), uvpi_get_le32(buf + 12), uvpi_get_le32(buf + 16) };
	int r;

	if (uvpi_get_le32(buf + 20) != uvpi_stream_crc(buf, 20))
		return damaged(err, "the header of a record has changed");
	if (record.sequence != sequence)
		return damaged(err, "a record is missing or out of its place");
	if (record.len > UVPI_STREAM_BODY_MAX)
		return damaged(err, "a record is larger than any can be");
	if (record.type > UVPI_STREAM_LEVEL && !(record.flags & UVPI_STREAM_OPTIONAL)) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it has a record of type %u, which this release does not know and must", record.type);
		uvpi_hint(err, "restore it with the release that wrote it");
		return r;
	}
	*ret_record = record;
	return 0;
}

int uvpi_stream_check_body(const struct uvpi_stream_record *record, const void *body, struct uvp_error *err)
{
	if (uvpi_stream_crc(body, record->len) != record->crc)
		return damaged(err, "the content of a record has changed");
	return 0;
}

int uvpi_stream_check_order(struct uvpi_stream_order *order, const struct uvpi_stream_record *record, struct uvp_error *err)
{
	bool ok = !order->end, memory = false;

	switch (record->type) {
	case UVPI_STREAM_CONFIG:
		ok = ok && !order->config && !order->memory;
		order->config = true;
		break;
	case UVPI_STREAM_DOMAIN:
		ok = ok && !order->domain && !order->memory;
		order->domain = true;
		break;
	case UVPI_STREAM_CPU:
		ok = ok && !order->cpu && !order->memory;
		order->cpu = true;
		break;
	case UVPI_STREAM_LEVEL:
		ok = ok && !order->level && !order->memory;
		order->level = true;
		break;
	case UVPI_STREAM_MEMORY:
	case UVPI_STREAM_MEMORY_ZSTD:
	case UVPI_STREAM_MEMORY_SPARSE:
		memory = true;
		ok = ok && order->config && order->domain && !order->machine;
		break;
	case UVPI_STREAM_MACHINE:
		ok = ok && order->memory && !order->machine;
		order->machine = true;
		break;
	case UVPI_STREAM_END:
		ok = ok && order->memory;
		order->end = true;
		break;
	default:
		break;
	}
	order->memory |= memory;
	order->sequence++;
	return ok ? 0 : damaged(err, "its records are not in their order");
}

/* ---- bodies ---- */

void uvpi_stream_put_domain(uint8_t buf[UVPI_STREAM_DOMAIN_LEN], const struct uvpi_stream_domain *domain)
{
	memcpy(buf, domain->uuid, 16);
	uvpi_put_le32(buf + 16, domain->type);
	uvpi_put_le32(buf + 20, domain->vcpus);
	uvpi_put_le64(buf + 24, domain->memory_kib);
	uvpi_put_le64(buf + 32, domain->saved_at);
	uvpi_put_le32(buf + 40, domain->xen_major);
	uvpi_put_le32(buf + 44, domain->xen_minor);
}

int uvpi_stream_get_domain(const void *body, size_t len, struct uvpi_stream_domain *ret_domain, struct uvp_error *err)
{
	const uint8_t *p = body;
	struct uvpi_stream_domain d;

	if (len != UVPI_STREAM_DOMAIN_LEN)
		return damaged(err, "what it says of the domain has a wrong length");
	memcpy(d.uuid, p, 16);
	d.type = uvpi_get_le32(p + 16);
	d.vcpus = uvpi_get_le32(p + 20);
	d.memory_kib = uvpi_get_le64(p + 24);
	d.saved_at = uvpi_get_le64(p + 32);
	d.xen_major = uvpi_get_le32(p + 40);
	d.xen_minor = uvpi_get_le32(p + 44);
	if (d.type < 1 || d.type > 3)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is of a domain of type %u, and this release restores PV, PVH and HVM guests",
				 d.type);
	if (!d.vcpus || d.vcpus > 8192 || !d.memory_kib || d.memory_kib > UINT64_C(1) << 40)
		return damaged(err, "what it says of the domain cannot be");
	*ret_domain = d;
	return 0;
}

void uvpi_stream_put_machine(uint8_t buf[UVPI_STREAM_MACHINE_LEN], const struct uvpi_stream_machine *machine)
{
	memset(buf, 0, UVPI_STREAM_MACHINE_LEN);
	memcpy(buf, machine->version, strnlen(machine->version, sizeof(machine->version) - 1));
	uvpi_put_le32(buf + 32, machine->flags);
}

int uvpi_stream_get_machine(const void *body, size_t len, struct uvpi_stream_machine *ret_machine, struct uvp_error *err)
{
	struct uvpi_stream_machine machine = { .flags = 0 };
	const uint8_t *p = body;

	if (len <= UVPI_STREAM_MACHINE_LEN)
		return damaged(err, "what it says of the device model is too short");
	memcpy(machine.version, p, sizeof(machine.version));
	for (size_t i = 0; i < sizeof(machine.version) && machine.version[i]; i++)
		if (machine.version[i] < ' ' || machine.version[i] > '~' || i == sizeof(machine.version) - 1)
			return damaged(err, "the version of its device model is none");
	machine.flags = uvpi_get_le32(p + 32);
	if (machine.flags & ~UVPI_STREAM_FW_CFG)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its device model has features 0x%x, of which this release knows 0x%x",
				 machine.flags, UVPI_STREAM_FW_CFG);
	machine.state = p + UVPI_STREAM_MACHINE_LEN;
	machine.len = (uint32_t)(len - UVPI_STREAM_MACHINE_LEN);
	*ret_machine = machine;
	return 0;
}

void uvpi_stream_put_end(uint8_t buf[UVPI_STREAM_END_LEN], const struct uvpi_stream_end *end)
{
	uvpi_put_le64(buf, end->raw);
	uvpi_put_le32(buf + 8, end->records);
}

int uvpi_stream_get_end(const void *body, size_t len, struct uvpi_stream_end *ret_end, struct uvp_error *err)
{
	if (len != UVPI_STREAM_END_LEN)
		return damaged(err, "its last record has a wrong length");
	ret_end->raw = uvpi_get_le64(body);
	ret_end->records = uvpi_get_le32((const uint8_t *)body + 8);
	return 0;
}
