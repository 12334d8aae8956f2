/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A defined domain that does not run, at the host where it arrives. */
#ifndef UVPI_MIGRATE_STOPPED_H
#define UVPI_MIGRATE_STOPPED_H

#include "migrate/link.h"

struct uvp_host;

/* link->message is KEEP. */
int uvpi_stopped_receive(struct uvp_host *host, struct uvpi_link *link, const struct uvp_op *op, struct uvp_error *err);

#endif
