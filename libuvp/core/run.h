/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other people's programs, each in a process of its own with a deadline. No shell is involved. */
#ifndef UVPI_RUN_H
#define UVPI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvp/error.h>

/* Run argv[0] (a path) with that environment, standard input empty, and wait for it. Returns its exit status (128 and
 * more: a signal ended it), or TIMEOUT or CANCELLED after ending it with all its children. What it printed last is in
 * ret_said, as one line without control characters. */
int uvpi_run(char *const argv[], char *const env[], int64_t deadline_ms, int cancel_fd, char *ret_said, size_t size,
	     struct uvp_error *err);

/* The same with that as its standard input (-1: empty). */
int uvpi_run_fed(char *const argv[], char *const env[], int in, int64_t deadline_ms, int cancel_fd, char *ret_said, size_t size,
		 struct uvp_error *err);

/* Only start it, with those as its standard descriptors (in -1: empty) and in a process group of its own. The caller waits
 * for it. */
int uvpi_spawn(char *const argv[], char *const env[], int in, int out, int complaints, pid_t *ret_pid, struct uvp_error *err);

/* The program in the folders of PATH: false when there is none. */
bool uvpi_find_program(const char *name, char *buf, size_t size);

#endif
