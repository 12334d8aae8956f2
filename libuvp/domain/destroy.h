/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending domains: what create needs of it. */
#ifndef UVPI_DESTROY_H
#define UVPI_DESTROY_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvp_host;
struct uvp_op;
struct uvpi_batch;

/* Remove a domain without devices that did not get ready: from xenstore (if it has nodes there) and from Xen. */
int uvpi_destroy_half_made(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], bool has_nodes,
			   struct uvp_error *err);

/* Closing every device of a domain, in whatever state it and its back end are. The kernel's back ends take their time (an
 * interface tens of milliseconds): what else is to be done is done meanwhile. */
struct uvpi_closing;

/* Begin: the domain's QEMU ends, back ends are told, and what has to be undone on this host with their nodes still there is
 * undone, other tools' loop devices and scripts included; what of that does not work is a warning. *ret_closing: hand it to uvpi_closing_finish() whatever
 * comes between; NULL when there is nothing to finish. */
int uvpi_closing_begin(struct uvp_host *host, uint32_t domid, const struct uvp_op *op, int64_t deadline_ms,
		       struct uvpi_closing **ret_closing, struct uvp_error *err);
/* Queue the removal of the back ends' nodes. closing may be NULL. */
void uvpi_closing_remove(const struct uvpi_closing *closing, struct uvpi_batch *batch);
/* Wait until the back ends have let go of everything, and free it. closing may be NULL. */
int uvpi_closing_finish(struct uvpi_closing *closing, struct uvp_error *err);

/* All of that in one, for domains whose other nodes are not removed at the same time. */
int uvpi_close_devices(struct uvp_host *host, uint32_t domid, int64_t deadline_ms, struct uvp_error *err);

#endif
