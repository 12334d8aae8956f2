/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains, read with every check that there is. */
#include "stream/file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uvp/config.h>
#include <uvp/cpu.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "stream/many.h"

/* Longer than a guest may take to suspend itself, while which its host says nothing. */
#define SILENT_MS 300000

/* A file has always something, or its end; whoever is at the other end of a connection may be gone without a word. */
static int wait_for_more(const struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	struct pollfd p[] = { { reader->fd, POLLIN, 0 }, { -1, 0, 0 } };
	int r = reader->connection ? uvpi_op_poll(p, 1, uvpi_now_ms() + SILENT_MS, reader->op, err) : 1;

	if (r)
		return r < 0 ? r : 0;
	return uvpi_fail(err, UVP_E_TIMEOUT, 0, "nothing has come from the other host for %d s", SILENT_MS / 1000);
}

/* Less than len only at the end. */
static int read_some(struct uvpi_stream_reader *reader, void *buf, size_t len, size_t *ret_have, struct uvp_error *err)
{
	size_t have = 0;

	while (have < len) {
		int r = wait_for_more(reader, err);
		ssize_t n = r < 0 ? 0 : read(reader->fd, (char *)buf + have, len - have);

		if (r < 0)
			return r;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot read it");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	reader->bytes += have;
	*ret_have = have;
	return 0;
}

int uvpi_stream_read(struct uvpi_stream_reader *reader, void *buf, size_t len, struct uvp_error *err)
{
	size_t have;
	int r = read_some(reader, buf, len, &have, err);

	if (r < 0)
		return r;
	if (have == len)
		return 1;
	uvpi_fail(err, UVP_E_INVALID, 0, "the file is not complete: it ends after %llu bytes, within what it should hold",
		  (unsigned long long)reader->bytes);
	uvpi_hint(err, "nothing can be restored from it; take another copy");
	return -UVP_E_INVALID;
}

static int take_config(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	return uvp_config_parse("its configuration", (const char *)reader->body, reader->record.len, NULL, 0, NULL, NULL,
				&reader->config, err);
}

static int take_cpu(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	_cleanup_free_ char *text = strndup((const char *)reader->body, reader->record.len);

	if (!text)
		return uvpi_no_memory(err);
	if (strlen(text) < reader->record.len)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: what it says of the CPU is no text");
	return uvp_cpu_policy_parse("its CPU", text, &reader->cpu, err);
}

/* Two texts, each with its end. */
static int take_level(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	const char *text = (const char *)reader->body;
	size_t len = reader->record.len, first = strnlen(text, len), second = first < len ? strnlen(text + first + 1, len - first - 1) : 0;

	if (!first || first >= sizeof(reader->cpu_pool) || !second || second >= sizeof(reader->cpu_level) || len != first + second + 2)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: what it says of its CPU's level has a wrong length");
	for (size_t i = 0; i < len; i++)
		if (text[i] && (text[i] < ' ' || text[i] > '~'))
			return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: what it says of its CPU's level is no text");
	memcpy(reader->cpu_pool, text, first + 1);
	memcpy(reader->cpu_level, text + first + 1, second + 1);
	return 0;
}

static int take_machine(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	struct uvpi_stream_machine machine;
	int r = uvpi_stream_get_machine(reader->body, reader->record.len, &machine, err);

	if (r < 0)
		return r;
	reader->machine = malloc(reader->record.len);
	if (!reader->machine)
		return uvpi_no_memory(err);
	memcpy(reader->machine, reader->body, reader->record.len);
	reader->machine_len = reader->record.len;
	return 0;
}

int uvpi_stream_check_over(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	char more;
	ssize_t n;

	do {
		n = read(reader->fd, &more, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return uvpi_fail_errno(err, errno, "cannot read what follows its end");
	return n > 0 ? uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: something follows its end") : 0;
}

static int check_end(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	struct uvpi_stream_end end;
	int r = uvpi_stream_get_end(reader->body, reader->record.len, &end, err);

	if (r < 0)
		return r;
	if (end.raw != reader->order.raw || end.records != reader->record.sequence)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: it has not as much as its end says");
	if ((reader->domain.type == 3) != (reader->machine != NULL))
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: it has %s",
				 reader->machine ? "a device model that its domain has not" : "not the state of its domain's device model");
	return reader->connection ? 0 : uvpi_stream_check_over(reader, err);
}

/* The bytes of the next one. */
static int fetch_record(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_RECORD];
	int r;

	if (reader->many)
		return uvpi_stream_many_next(reader->many, reader->order.sequence, SILENT_MS, reader->op, &reader->record, &reader->body, err);
	r = uvpi_stream_read(reader, header, sizeof(header), err);
	if (r >= 0)
		r = uvpi_stream_get_record(header, reader->order.sequence, &reader->record, err);
	return r < 0 ? r : uvpi_stream_read(reader, reader->body, reader->record.len, err);
}

/* One record, whatever it is. */
static int read_record(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	int r = fetch_record(reader, err);

	if (r >= 0)
		r = uvpi_stream_check_body(&reader->record, reader->body, err);
	if (r >= 0)
		r = uvpi_stream_check_order(&reader->order, &reader->record, err);
	if (r < 0)
		return r;
	switch (reader->record.type) {
	case UVPI_STREAM_CONFIG:
		return take_config(reader, err);
	case UVPI_STREAM_CPU:
		return take_cpu(reader, err);
	case UVPI_STREAM_LEVEL:
		return take_level(reader, err);
	case UVPI_STREAM_MACHINE:
		return take_machine(reader, err);
	case UVPI_STREAM_DOMAIN:
		return uvpi_stream_get_domain(reader->body, reader->record.len, &reader->domain, err);
	case UVPI_STREAM_MEMORY:
	case UVPI_STREAM_MEMORY_ZSTD:
	case UVPI_STREAM_MEMORY_SPARSE:
		r = uvpi_codec_unpack(&reader->codec, reader->record.type, reader->body, reader->record.len, &reader->spans, &reader->n_spans, err);
		if (r < 0)
			return r;
		reader->raw_len = (uint32_t)r;
		reader->order.raw += reader->raw_len;
		return 0;
	case UVPI_STREAM_END:
		return check_end(reader, err);
	default:
		return 0;
	}
}

/* Until there is memory, or the end. */
static int read_to_memory(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	int r;

	reader->raw_len = 0;
	do {
		r = read_record(reader, err);
	} while (r == 0 && !reader->raw_len && !reader->order.end);
	return r;
}

uint32_t uvpi_stream_type_of(const struct uvp_config *config)
{
	return config->type == UVPI_TYPE_PV ? 1 : config->type == UVPI_TYPE_PVH ? 2 : 3;
}

int uvpi_stream_check_config(const struct uvp_config *config, const struct uvpi_stream_domain *domain, struct uvp_error *err)
{
	if (uvpi_stream_type_of(config) != domain->type ||
	    domain->vcpus > config->maxvcpus || domain->memory_kib > config->maxmem_kib)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: its configuration is not that of the domain in it");
	return 0;
}

static int open_stream(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_HEADER];
	size_t n;
	int r;

	reader->body = malloc(UVPI_STREAM_BODY_MAX);
	if (!reader->body)
		return uvpi_no_memory(err);
	r = read_some(reader, header, sizeof(header), &n, err);
	if (r < 0)
		return r;
	if (uvpi_xl_is(header, n)) {
		r = uvpi_xl_open(reader, header, n, err);
	} else {
		r = uvpi_stream_get_header(header, n, err);
		if (r == 0)
			r = read_to_memory(reader, err);
	}
	if (r < 0)
		return r;
	return uvpi_stream_check_config(reader->config, &reader->domain, err);
}

int uvpi_stream_open(struct uvpi_stream_reader *reader, int fd, struct uvp_error *err)
{
	*reader = (struct uvpi_stream_reader){ .fd = fd };
	return open_stream(reader, err);
}

int uvpi_stream_open_connection(struct uvpi_stream_reader *reader, int fd, struct uvpi_stream_many *many, const struct uvp_op *op,
				struct uvp_error *err)
{
	*reader = (struct uvpi_stream_reader){ .fd = fd, .connection = true, .many = many, .op = op };
	return open_stream(reader, err);
}

void uvpi_stream_close(struct uvpi_stream_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader->body);
	free(reader->raw);
	free(reader->machine);
	uvpi_codec_done(&reader->codec);
	uvp_config_free(reader->config);
	uvp_cpu_policy_free(reader->cpu);
	*reader = (struct uvpi_stream_reader){ .fd = -1 };
}

int uvpi_stream_next(struct uvpi_stream_reader *reader, struct uvp_error *err)
{
	int r;

	if (reader->order.end)
		return 0;
	/* The first piece has been read with what is before it. */
	if (!reader->order.started) {
		reader->order.started = true;
		return 1;
	}
	if (reader->xl.on)
		return uvpi_xl_next(reader, err);
	r = read_to_memory(reader, err);
	return r < 0 ? r : reader->raw_len > 0;
}
