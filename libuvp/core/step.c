/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fault points; empty unless configured. */
#include "core/step.h"

#ifdef UVP_FAULT_POINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"

/* Where does the time go? */
static void tell_time(uint32_t count, const char *name)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(stderr, "uvp: step %u at %lld us: %s\n", count, (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000, name);
}

void uvpi_step(const char *name)
{
	static uint32_t count;
	const char *at = getenv("UVP_KILL_AT_STEP");
	uint32_t wanted;

	count++;
	if (getenv("UVP_STEP_TIMES"))
		tell_time(count, name);
	if (!at || (strcmp(at, name) != 0 &&
		    (uvpi_parse_u32(at, "UVP_KILL_AT_STEP", 1, UINT32_MAX, &wanted, NULL) < 0 || wanted != count)))
		return;
	uvpi_debug("step %u, '%s': killed", count, name);
	kill(getpid(), SIGKILL);
}

#endif
