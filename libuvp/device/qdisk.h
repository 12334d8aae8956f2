/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks in QEMU's formats. One process of QEMU for the whole host, the disk server, which is no machine, serves all of them:
 * it is started for the first and ends with the last. It has every file as a descriptor, runs as a user that owns nothing,
 * and has an empty root folder. Each disk is an export of it, over a socket that belongs to a network block device of the
 * kernel, which the kernel's back end (and an HVM guest's device model) opens as any other block device. When
 * the last of them closes it, the kernel hangs up, and what is then left in the server is removed by whoever comes next. */
#ifndef UVPI_DEVICE_QDISK_H
#define UVPI_DEVICE_QDISK_H

#include <stdbool.h>
#include <sys/types.h>

#include <uvp/error.h>

#include "config/devspec.h"

struct uvpi_chain;

struct uvpi_qdisk {
	const struct uvpi_chain *chain;
	bool discard;
};

/* Is there a QEMU that reads this format? Changes nothing. */
int uvpi_qdisk_check(enum uvpi_disk_format format, struct uvp_error *err);
/* uvp_config_check_supported(), and UNSUPPORTED when the QEMU of this host was built without the format of one of the disks.
 * On a host that has none, nobody can tell. */
struct uvp_config;
int uvpi_qdisk_check_config(const struct uvp_config *config, struct uvp_error *err);
/* Have it served. *ret_fd is the block device, which goes when the last who has it open closes it. */
int uvpi_qdisk_attach(const struct uvpi_qdisk *disk, int *ret_fd, char *name, int name_len, dev_t *ret_rdev,
		      struct uvp_error *err);
/* Remove from the server what no block device uses any more, and end it when nothing is left. Costs nothing where none
 * runs. */
void uvpi_qdisk_collect(void);
/* Of the text that a network block device has: is the server gone that served it? */
bool uvpi_qdisk_is_lost(const char *text);

#endif
