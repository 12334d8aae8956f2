/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk's image and the files behind it, opened: what is handed to the disk server, and what nobody else may write to. */
#ifndef UVPI_DEVICE_CHAIN_H
#define UVPI_DEVICE_CHAIN_H

#include <stdbool.h>
#include <sys/stat.h>

#include <uvp/error.h>

#include "config/devspec.h"

#define UVPI_CHAIN_MAX 16

struct uvpi_layer {
	char *path;
	int fd;
	bool readonly;
	struct stat st;
	enum uvpi_disk_format format;
	int lock; /* of its setting up; -1 */
};

struct uvpi_chain {
	struct uvpi_layer layers[UVPI_CHAIN_MAX];
	int n;
};

/* The image itself, and then what its header names, each read-only: up to UVPI_CHAIN_MAX files. On failure the chain holds
 * what was opened. */
int uvpi_chain_open(struct uvpi_chain *chain, const char *path, enum uvpi_disk_format format, bool readonly,
		    struct uvp_error *err);
void uvpi_chain_done(struct uvpi_chain *chain);
/* The same file, not written to by both? */
bool uvpi_chain_collides(const struct uvpi_chain *a, const struct uvpi_chain *b, const char **ret_path);
/* Locks of the kind that QEMU's programs look at, on our descriptors, which the disk server shares: 'qemu-img' leaves images
 * alone that are in use. BUSY when somebody has such locks that do not go together with these. */
int uvpi_chain_lock(const struct uvpi_chain *chain, struct uvp_error *err);

#endif
