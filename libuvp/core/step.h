/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points between two changes to the world at which tests kill the process (configure --enable-fault-points), to see
 * that whatever is left can be found and removed. Otherwise they compile to nothing. */
#ifndef UVPI_STEP_H
#define UVPI_STEP_H

#ifdef UVP_FAULT_POINTS
/* Kills this process when it is the step whose number (from 1), or whose name, is in the environment's UVP_KILL_AT_STEP. Steps
 * are counted in the order in which the process meets them. With UVP_STEP_TIMES in the environment, each is written to standard error
 * with the time. */
void uvpi_step(const char *name);
#define UVPI_STEP(name) uvpi_step(name)
#else
#define UVPI_STEP(name) ((void)0)
#endif

#endif
