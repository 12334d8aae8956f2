/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disk server's process. Call all of these with the lock that uvpi_device_lock() has for domain 0. */
#ifndef UVPI_DEVICE_QDISK_SERVER_H
#define UVPI_DEVICE_QDISK_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <uvp/error.h>

#define UVPI_QDISK_OWNER 0 /* what its folder is called, as those of device models by their domains */
#define UVPI_QDISK_TAG 12

struct uvp_qmp;

/* Connect to the one that runs: 1; 0 when none does. */
int uvpi_qdisk_find(struct uvp_qmp **ret_qmp, struct uvp_error *err);
/* Start it. */
int uvpi_qdisk_start(struct uvp_qmp **ret_qmp, struct uvp_error *err);
/* It goes, and its folder. qmp may be NULL. */
void uvpi_qdisk_end(struct uvp_qmp *qmp);
/* Connect to where it serves disks. */
int uvpi_qdisk_connect(struct uvp_error *err);
/* What tells this server from those before it; "" when there is none. */
void uvpi_qdisk_tag(char ret_tag[UVPI_QDISK_TAG]);
/* Is there a folder of one, running or not? */
bool uvpi_qdisk_has_folder(void);
/* Does somebody listen there? Needs no lock. */
bool uvpi_qdisk_listens(void);

#endif
