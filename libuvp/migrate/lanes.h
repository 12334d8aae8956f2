/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sender's several connections for one domain: the first one, over which all is agreed, and others that share in carrying its
 * memory. A record goes over whichever takes it; its number tells the receiver where it belongs. */
#ifndef UVPI_MIGRATE_LANES_H
#define UVPI_MIGRATE_LANES_H

#include <stdint.h>

#include <uvp/progress.h>

#include "migrate/link.h"

struct uvpi_lane {
	struct uvpi_link *link;
	uint8_t *buf; /* a record that is on its way */
	size_t size, len, at;
};

struct uvpi_lanes {
	int n; /* 0 or 1: there is no other */
	int next; /* the one that is asked first */
	struct uvpi_link *others; /* n - 1 */
	struct uvpi_lane lanes[UVPI_WIRE_CONNECTIONS];
	bool broken; /* one of them */
	int opened; /* how many there were */
	uint64_t closed_bytes; /* of those that are closed */
};

/* How many the caller wants: of one that was built before it could say so, or that says 0, one. */
uint32_t uvpi_lanes_wanted(const struct uvp_migrate *how);
/* Join as many as the other host has granted in first's last message, the verdict about token. After a failure it is told so on the
 * first, by which those that have joined over there end, before they are closed. */
int uvpi_lanes_open(struct uvpi_lanes *lanes, struct uvpi_link *first, const struct uvp_migrate *how, const uint8_t *token,
		    const struct uvp_op *op, struct uvp_error *err);
/* All but the first. Does nothing the second time. */
void uvpi_lanes_close(struct uvpi_lanes *lanes);
/* A record, kept until it has gone: over any, or over the first. */
int uvpi_lanes_write(struct uvpi_lanes *lanes, bool any, const void *header, size_t header_len, const void *body, size_t len,
		     const struct uvp_op *op, struct uvp_error *err);
/* Until all has gone. */
int uvpi_lanes_flush(struct uvpi_lanes *lanes, const struct uvp_op *op, struct uvp_error *err);
/* Sent over those that are not the first. */
uint64_t uvpi_lanes_bytes(const struct uvpi_lanes *lanes);

#endif
