/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks of whole files between processes: who has one, and waiting for it no longer than one wants to. */
#ifndef UVPI_FLOCK_H
#define UVPI_FLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvp/error.h>

/* Find the process that has a flock on the file of this device and inode in the text of /proc/locks; 0 if none. */
pid_t uvpi_flock_holder(const char *proc_locks, dev_t dev, ino_t ino);
/* The process that has the open file's lock, and its program's name, without what its arguments may be; 0: nobody. */
pid_t uvpi_flock_who(int fd, char *ret_command, size_t size);
/* 0 locked, 1 somebody has it, negative on error. */
int uvpi_flock_try(int fd, const char *path, struct uvp_error *err);
/* Lock the file, which is open for writing, exclusively. BUSY, with who has it, when `deadline` (of CLOCK_MONOTONIC, in
 * ms) has passed. Others hold the lock as long as they have the file open. `what` is what it is a lock for: "the
 * definitions of domains". */
int uvpi_flock_wait(int fd, const char *path, const char *what, int64_t deadline, struct uvp_error *err);

#endif
