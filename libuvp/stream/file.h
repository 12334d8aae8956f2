/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading files of saved domains from the front, one record after the other. */
#ifndef UVPI_STREAM_FILE_H
#define UVPI_STREAM_FILE_H

#include <stdint.h>

#include <uvp/error.h>

#include "stream/codec.h"
#include "stream/frame.h"
#include "stream/xlfile.h"

struct uvp_config;
struct uvp_cpu_policy;
struct uvp_op;
struct uvpi_stream_many;

struct uvpi_stream_reader {
	int fd;
	struct uvpi_stream_order order;
	struct uvpi_stream_record record; /* the current one */
	uint8_t *body; /* its content */
	struct uvpi_codec codec;
	const struct uvpi_span *spans; /* MEMORY: what it is of libxc's stream */
	uint32_t n_spans, raw_len;
	uint8_t *raw; /* of a file of 'xl save': that, in one span */
	struct uvpi_span raw_span;
	struct uvpi_stream_domain domain; /* once it has come */
	struct uvp_config *config;
	struct uvp_cpu_policy *cpu; /* what it read of CPUID; NULL: not known */
	char cpu_pool[64], cpu_level[256]; /* by which that was made; empty: by none */
	uint8_t *machine; /* the body of MACHINE; NULL: none has come */
	uint32_t machine_len;
	uint64_t bytes; /* read so far */
	struct uvpi_xl xl; /* it is a file of 'xl save' */
	bool connection; /* it is none that ends behind the last record */
	struct uvpi_stream_many *many; /* of several connections: where records come from; NULL: fd */
	const struct uvp_op *op; /* of a connection: who waits for it may be told to stop */
	const char *incoming; /* of a domain that moves: what marks it, migrate/handover.h */
	/* and whom to tell that all that has come of it is in its place, and it can be connected here; with ready_data */
	int (*ready)(void *data, struct uvp_error *err);
	void *ready_data;
};

/* Takes fd, also when it fails, and reads up to the first record of memory, so that the domain and the configuration are known. */
int uvpi_stream_open(struct uvpi_stream_reader *reader, int fd, struct uvp_error *err);
/* The same for a connection: whatever reads from it fails with TIMEOUT when nothing comes for 300 s, and with CANCELLED when op
 * says so. many: the records come over several connections, of which fd is the first; NULL: over that one. It and op, which may be NULL,
 * are lent until the reader is closed. */
int uvpi_stream_open_connection(struct uvpi_stream_reader *reader, int fd, struct uvpi_stream_many *many, const struct uvp_op *op,
				struct uvp_error *err);
void uvpi_stream_close(struct uvpi_stream_reader *reader);
/* The next piece of libxc's stream, in spans and raw_len, the first one included: 1, or 0 behind the last one, when the whole of
 * the file has been found in order. */
int uvpi_stream_next(struct uvpi_stream_reader *reader, struct uvp_error *err);

/* For xlfile.c. The first fails when there is less before the file's end, the second when that has not come. */
int uvpi_stream_read(struct uvpi_stream_reader *reader, void *buf, size_t len, struct uvp_error *err);
int uvpi_stream_check_over(struct uvpi_stream_reader *reader, struct uvp_error *err);

/* What DOMAIN calls the configuration's type. */
uint32_t uvpi_stream_type_of(const struct uvp_config *config);
/* Can the two be of one domain? */
int uvpi_stream_check_config(const struct uvp_config *config, const struct uvpi_stream_domain *domain, struct uvp_error *err);
/* restore.c: the configuration becomes what the domain was, where that can change while it runs; name is another one, or
 * NULL. */
int uvpi_stream_as_saved(struct uvp_config *config, const struct uvpi_stream_domain *domain, const char *name,
			 struct uvp_error *err);
/* A domain of its own, beside the saved one and others of the same file: of what only one can have it must have nothing. */
int uvpi_stream_as_new(struct uvp_config *config, struct uvp_error *err);

#endif
