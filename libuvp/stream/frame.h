/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of files of saved domains, uvp-stream(5): pure functions over buffers. Whatever comes in is checked before it is
 * used, as the bytes of a stranger. */
#ifndef UVPI_STREAM_FRAME_H
#define UVPI_STREAM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#define UVPI_STREAM_VERSION 1
#define UVPI_STREAM_HEADER 24
#define UVPI_STREAM_RECORD 24
#define UVPI_STREAM_BODY_MAX (4u << 20) /* of any record */
#define UVPI_STREAM_BATCH (1u << 20)    /* bytes of libxc's stream in one record, at most */

enum uvpi_stream_type {
	UVPI_STREAM_END = 0,
	UVPI_STREAM_CONFIG = 1,
	UVPI_STREAM_DOMAIN = 2,
	UVPI_STREAM_MEMORY = 3,      /* a piece of libxc's stream as it is */
	UVPI_STREAM_MEMORY_ZSTD = 4, /* the same, compressed */
	UVPI_STREAM_MEMORY_SPARSE = 5, /* without its zeros, and compressed */
	UVPI_STREAM_CPU = 6, /* a policy file */
	UVPI_STREAM_MACHINE = 7, /* what its device model knows */
	UVPI_STREAM_LEVEL = 8, /* optional: the pool and the level by which its CPU was made */
};
#define UVPI_STREAM_OPTIONAL 1u /* flag: a reader that does not know the type passes it over */

struct uvpi_stream_record {
	uint32_t type, flags, len, crc, sequence;
};

struct uvpi_stream_domain {
	uint8_t uuid[16];
	uint32_t type; /* 1 PV, 2 PVH, 3 HVM */
	uint32_t vcpus; /* online */
	uint64_t memory_kib, saved_at; /* what it was to have; seconds since 1970 */
	uint32_t xen_major, xen_minor;
};
#define UVPI_STREAM_DOMAIN_LEN 48

struct uvpi_stream_machine {
	char version[32]; /* of QEMU */
	uint32_t flags;
	const uint8_t *state; /* QEMU's own, behind the head */
	uint32_t len;
};
#define UVPI_STREAM_MACHINE_LEN 64 /* the head */
#define UVPI_STREAM_FW_CFG 1u      /* the machine has this device */

struct uvpi_stream_end {
	uint64_t raw; /* bytes of libxc's stream */
	uint32_t records; /* before this one */
};
#define UVPI_STREAM_END_LEN 12

/* A piece of memory, in whatever form. */
static inline bool uvpi_stream_is_memory(uint32_t type)
{
	return type == UVPI_STREAM_MEMORY || type == UVPI_STREAM_MEMORY_ZSTD || type == UVPI_STREAM_MEMORY_SPARSE;
}

uint32_t uvpi_stream_crc(const void *data, size_t len);

void uvpi_stream_put_header(uint8_t buf[UVPI_STREAM_HEADER]);
/* INVALID for what is no such file, with its kind where that is known; UNSUPPORTED for what a newer release wrote. */
int uvpi_stream_get_header(const uint8_t *buf, size_t len, struct uvp_error *err);

/* The checksum of the body is worked out; the type says whether it is optional. */
void uvpi_stream_put_record(uint8_t buf[UVPI_STREAM_RECORD], uint32_t type, uint32_t sequence, const void *body, uint32_t len);
/* INVALID when it is damaged or not the one that is due, UNSUPPORTED when it must be understood, and is not. */
int uvpi_stream_get_record(const uint8_t buf[UVPI_STREAM_RECORD], uint32_t sequence, struct uvpi_stream_record *ret_record,
			   struct uvp_error *err);
int uvpi_stream_check_body(const struct uvpi_stream_record *record, const void *body, struct uvp_error *err);

void uvpi_stream_put_domain(uint8_t buf[UVPI_STREAM_DOMAIN_LEN], const struct uvpi_stream_domain *domain);
int uvpi_stream_get_domain(const void *body, size_t len, struct uvpi_stream_domain *ret_domain, struct uvp_error *err);
void uvpi_stream_put_machine(uint8_t buf[UVPI_STREAM_MACHINE_LEN], const struct uvpi_stream_machine *machine);
/* ret_machine->state points into body. */
int uvpi_stream_get_machine(const void *body, size_t len, struct uvpi_stream_machine *ret_machine, struct uvp_error *err);
void uvpi_stream_put_end(uint8_t buf[UVPI_STREAM_END_LEN], const struct uvpi_stream_end *end);
int uvpi_stream_get_end(const void *body, size_t len, struct uvpi_stream_end *ret_end, struct uvp_error *err);

/* Where a reader is: what may come next. */
struct uvpi_stream_order {
	uint32_t sequence;
	bool config, domain, cpu, level, memory, machine, end;
	bool started; /* the first piece of memory was handed out */
	uint64_t raw;
};
/* The record may come here: CONFIG, DOMAIN and perhaps CPU and LEVEL once and first, then MEMORY, then perhaps MACHINE, then END. */
int uvpi_stream_check_order(struct uvpi_stream_order *order, const struct uvpi_stream_record *record, struct uvp_error *err);

#endif
