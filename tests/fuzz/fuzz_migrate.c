/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What another host says about a domain that moves. The first byte is the message's type, from 1; 0 stands for a head. */
#include <stdlib.h>
#include <string.h>

#include "migrate/wire.h"
#include "tests/fuzz/fuzz.h"

static void check_texts(const struct uvpi_wire_message *m)
{
	for (int i = 0; i < m->n_refusals; i++)
		for (const char *p = m->refusals[i].message; *p; p++)
			FUZZ_CHECK(*p >= ' ' && *p <= '~');
	for (int i = 0; i < m->n_warnings; i++)
		FUZZ_CHECK(memchr(m->warnings[i], 0, sizeof(m->warnings[i])));
	FUZZ_CHECK(m->n_disks <= UVPI_WIRE_DISKS && m->n_refusals <= UVP_MIGRATE_REFUSALS);
}

/* What was read is written and read again as the same. */
static void again(const struct uvpi_wire_message *m)
{
	static struct uvpi_wire_message back;
	uint8_t *buf;
	size_t len;

	FUZZ_CHECK(uvpi_wire_encode(m, 0, &buf, &len, NULL) == 0);
	FUZZ_CHECK(uvpi_wire_decode(m->type, buf + UVPI_WIRE_HEAD, (uint32_t)(len - UVPI_WIRE_HEAD), &back, NULL) == 0);
	FUZZ_CHECK(back.n_disks == m->n_disks && back.n_refusals == m->n_refusals && back.flags == m->flags && back.state == m->state && back.ran_ms == m->ran_ms);
	FUZZ_CHECK(back.connections == m->connections && !back.secret == !m->secret);
	FUZZ_CHECK(!m->config || !strcmp(back.config, m->config));
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct uvpi_wire_message m;
	struct uvpi_wire_head head;
	uint8_t *body;

	if (size < 1)
		return 0;
	if (!data[0]) {
		if (size > UVPI_WIRE_HEAD && uvpi_wire_get_head(data + 1, 0, &head, NULL) == 0)
			FUZZ_CHECK(head.len <= UVPI_WIRE_BODY_MAX && head.type < UVPI_WIRE_TYPES);
		return 0;
	}
	body = malloc(size);
	FUZZ_CHECK(body);
	memcpy(body, data + 1, size - 1);
	if (uvpi_wire_decode(UVPI_WIRE_HELLO + data[0] - 1u, body, (uint32_t)size - 1, &m, NULL) == 0) {
		check_texts(&m);
		again(&m);
	}
	free(body);
	return 0;
}
