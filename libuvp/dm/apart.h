/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting a program in namespaces of its own. */
#ifndef UVPI_APART_H
#define UVPI_APART_H

#include <spawn.h>
#include <stdbool.h>
#include <sys/types.h>

#include <uvp/error.h>

/* As posix_spawn(), but the program sees neither the host's processes nor its System V objects, its mounts are its
 * own copy that follows the host's, and it has no network unless `network`. */
int uvpi_spawn_apart(const char *program, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		     char *const *args, char *const *environment, bool network, pid_t *ret_pid, struct uvp_error *err);

#endif
