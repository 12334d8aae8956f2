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

#endif
