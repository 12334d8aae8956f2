/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making several domains at once. */
#ifndef XLX_MAKING_MANY_H
#define XLX_MAKING_MANY_H

#include "xlx/making.h"

#define XLX_JOBS_MAX 64

/* How many of these at once: as many as we have CPUs. */
int xlx_making_jobs(struct uvp_config *const *configs, int n);

/* Make domains from configs[0..n-1], NULL ones left out, by `jobs` processes that take one after the other, and say of
 * each how it went. None is undone because another fails. Adds to *status as xlx_status_add() does. */
void xlx_make_many(struct xlx_making *making, struct uvp_config *const *configs, int n, int jobs, int *status);

#endif
