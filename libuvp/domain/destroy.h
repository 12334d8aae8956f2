/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending domains: what create needs of it. */
#ifndef UVPI_DESTROY_H
#define UVPI_DESTROY_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvp_host;
struct uvpi_batch;

/* Remove a domain without devices that did not get ready: from xenstore (if it has nodes there) and from Xen. */
int uvpi_destroy_half_made(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], bool has_nodes,
			   struct uvp_error *err);

/* Close every device of a domain, in whatever state it and its back end are, and remove the devices' nodes: orderly as
 * far as the back ends answer until deadline_ms, by force then. Undoes what other tools' scripts leave on this
 * host (loop devices). */
int uvpi_close_devices(struct uvp_host *host, uint32_t domid, int64_t deadline_ms, struct uvp_error *err);

#endif
