/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shapes of the warm pool: what kinds of domains are prepared ahead, and how many. The operator's file: uvp-pool(5). */
#ifndef UVPI_SHAPE_H
#define UVPI_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "config/model.h"

#define UVPI_POOL_FILE "/etc/uvp/pool"
#define UVPI_SHAPES_MAX 32
#define UVPI_SHELLS_MAX 256 /* of one shape */

struct uvpi_shape {
	char name[32];
	enum uvpi_type type;
	uint64_t memory_kib;
	uint32_t vcpus;
	uint32_t min, max; /* shells: always, and when many are taken */
};

struct uvpi_shapes {
	struct uvpi_shape shapes[UVPI_SHAPES_MAX];
	int n;
	uint64_t reserve_kib; /* of the host's memory that the pool leaves free */
};

/* One line of the file: "shape NAME KEY=VALUE..." or "reserve SIZE". A shape that is there already is EXISTS. */
int uvpi_shapes_line(struct uvpi_shapes *shapes, const char *line, struct uvp_error *err);
/* The file; none is no shapes. Messages start with path:line. */
int uvpi_shapes_read(const char *path, struct uvpi_shapes *ret_shapes, struct uvp_error *err);
/* Write it anew, whole or not at all; comments that were in it are lost. */
int uvpi_shapes_write(const char *path, const struct uvpi_shapes *shapes, struct uvp_error *err);

/* "KEY=VALUE" of one shape: type, memory, vcpus, min, max. */
int uvpi_shape_set(struct uvpi_shape *shape, const char *setting, struct uvp_error *err);
/* Is it whole and possible? */
int uvpi_shape_check(const struct uvpi_shape *shape, struct uvp_error *err);
struct uvpi_shape *uvpi_shape_find(struct uvpi_shapes *shapes, const char *name);

/* How many shells there are to be after that many were taken of late. */
uint32_t uvpi_shape_wanted(const struct uvpi_shape *shape, uint32_t taken);

#endif
