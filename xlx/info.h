/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two halves of xlx info. Each returns an exit status. */
#ifndef XLX_INFO_H
#define XLX_INFO_H

#include <stdbool.h>

struct uvp_domain;
struct uvp_host;

/* field NULL: all. */
int xlx_info_host(struct uvp_host *host, const char *field, bool numa, bool json);
/* Is that the name of one of the host's fields. */
bool xlx_info_is_field(const char *name);
int xlx_info_domain(struct uvp_host *host, struct uvp_domain *domain, bool json);

#endif
