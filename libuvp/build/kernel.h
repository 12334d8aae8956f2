/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel and ramdisk files of a guest: opened, told apart, and taken from the cache where that saves unpacking. */
#ifndef UVPI_KERNEL_H
#define UVPI_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <uvp/error.h>

#include "build/blake2.h"
#include "build/kprobe.h"
#include "config/model.h"

struct uvpi_kernel {
	const char *path; /* lent by the caller */
	void *map;
	size_t map_len;
	size_t len;           /* of what the builder gets; it starts at map */
	bool packed;          /* the builder will have to unpack it */
	const char *packing;  /* "xz" ... when packed */
	/* for uvpi_kernel_keep() */
	bool hashed;
	struct stat st;
	uint8_t hash[UVPI_HASH_SIZE];
};

/* Map a kernel, or what the cache in cache_dir (NULL: none) holds of it unpacked. Refuses, in the words an
 * operator needs, what is missing, empty, cut off, or no kernel at all. */
int uvpi_kernel_open(const char *path, const char *cache_dir, struct uvpi_kernel *ret_kernel, struct uvp_error *err);
void uvpi_kernel_done(struct uvpi_kernel *kernel);

/* Is an unpacked kernel one that this type of guest can start from? */
int uvpi_kernel_check(const char *path, const void *data, size_t len, enum uvpi_type type, struct uvp_error *err);

/* Give the cache the unpacked form of a kernel that was packed. */
void uvpi_kernel_keep(const struct uvpi_kernel *kernel, const char *cache_dir, const void *data, size_t len);

/* Map a whole file to read; `what` is "kernel" or "ramdisk". Not empty, a regular file. */
int uvpi_map_file(const char *path, const char *what, void **ret_map, struct stat *ret_st, struct uvp_error *err);

#endif
