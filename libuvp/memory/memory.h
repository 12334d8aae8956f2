/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files about a domain's memory. */
#ifndef UVPI_MEMORY_H
#define UVPI_MEMORY_H

#include <stdbool.h>

#include <uvp/memory.h>

#define UVPI_KIB_PER_PAGE 4
/* What Xen allows a domain beyond its target: room for pages that the device model allocates. The
 * builder and other tools give the same. */
#define UVPI_LIMIT_SLACK_KIB 1024

struct uvpi_dominfo;

/* One look at Xen and xenstore. ret_info may be NULL. */
int uvpi_memory_read(struct uvp_domain *domain, struct uvp_memory *ret_memory, struct uvpi_dominfo *ret_info,
		     struct uvp_error *err);

/* One that is saved or moved keeps what it has: BUSY with who does it, or the lock, for uvpi_saving_end(). */
int uvpi_memory_begin(struct uvp_domain *domain, struct uvp_error *err);

/* A guest that is on its way to what it was asked for stays at what it has; the caller has the lock of uvpi_saving_begin(). */
struct uvpi_memory_hold {
	uint64_t target, video; /* KiB that it was asked for; 0: it was there */
};
int uvpi_memory_hold(struct uvp_domain *domain, struct uvpi_memory_hold *hold, const struct uvp_op *op, struct uvp_error *err);
void uvpi_memory_let_go(struct uvp_domain *domain, struct uvpi_memory_hold *hold);

#endif
