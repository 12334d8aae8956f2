/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the next sample is taken. */
#ifndef HOSTD_PACE_H
#define HOSTD_PACE_H

#include <stdint.h>

/* Microseconds from now to the middle of the next interval of the clock on the wall: a step of the history then has its sample,
 * however late this one was. One that would come right behind it is left out. */
static inline uint64_t hostd_pace(uint64_t wall_us, uint64_t interval_us)
{
	uint64_t middle = interval_us / 2, in = (wall_us + interval_us - middle) % interval_us, wait = interval_us - in;

	return wait < middle ? wait + interval_us : wait;
}

#endif
