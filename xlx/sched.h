/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sched, sched-credit and sched-credit2 have in common. */
#ifndef XLX_SCHED_H
#define XLX_SCHED_H

#include <uvp/cpu.h>

#include "xlx/cmd.h"

#define XLX_OPT_WEIGHT { "weight", 'w', "WEIGHT", "share of the CPUs compared with other domains: 1 to 65535", XLX_VALUE }
#define XLX_OPT_CAP                                                                                                  \
	{ "cap", 'c', "CAP", "at most so much, as 150% of one CPU, or 1200MHz; 0 or 'none' is no cap", XLX_VALUE }
#define XLX_OPT_POOL { "cpupool", 'p', "POOL", "only this CPU pool and its domains", XLX_VALUE }
#define XLX_OPT_SCHEDPARAM { "schedparam", 's', NULL, "show or set what holds for the whole pool", XLX_NO_VALUE }
#define XLX_OPT_RATELIMIT                                                                                            \
	{ "ratelimit_us", 'r', "MICROSECONDS", "shortest time that a vCPU runs before another takes over", XLX_VALUE }
#define XLX_OPT_JSON { "json", 0, NULL, "print an object with 'pools' and 'domains'", XLX_NO_VALUE }

/* Carry the command out for the domain with that name (NULL: list), with pools of this scheduler only (NULL: any). */
int xlx_sched_run(const struct xlx_args *args, const char *domain_name, const char *scheduler);

/* One that was given in MHz: what Xen makes of it. */
void xlx_print_cap(const struct uvp_cap *cap);

#endif
