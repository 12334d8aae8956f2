/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of 'xl save': its header with the configuration as JSON, libxl's records, and between them the stream of libxenguest. They
 * are read by the functions of file.h, as far as these are the same for both. */
#ifndef UVPI_STREAM_XLFILE_H
#define UVPI_STREAM_XLFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvp_config;
struct uvpi_stream_reader;

/* Where one is in such a file. */
struct uvpi_xl {
	bool on;      /* it is one */
	bool end;     /* the last record of libxenguest's was met */
	uint64_t left; /* bytes of its record that are still to come */
};

bool uvpi_xl_is(const uint8_t *header, size_t len);
/* The first len bytes have been read. Reads on to libxenguest's stream, whose two headers are in reader->raw then. */
int uvpi_xl_open(struct uvpi_stream_reader *reader, const uint8_t *header, size_t len, struct uvp_error *err);
/* As uvpi_stream_next(). */
int uvpi_xl_next(struct uvpi_stream_reader *reader, struct uvp_error *err);

/* xlconfig.c: the configuration that libxl wrote as JSON. UNSUPPORTED names what is in it that cannot be had here. Pure. */
int uvpi_xl_config(const char *json, struct uvp_config **ret_config, struct uvp_error *err);

#endif
