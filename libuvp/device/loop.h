/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop devices, through which the kernel's back end serves files. */
#ifndef UVPI_LOOP_H
#define UVPI_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvp/error.h>

/* Set up a free loop device over the file that is open as fd: direct I/O where the file system can, and freed by the
 * kernel when nobody has the loop device open any more, so that a crash leaks none. *ret_loop_fd keeps it until a back
 * end has opened it. path is what others see as its file. */
int uvpi_loop_attach(int fd, const char *path, bool readonly, int *ret_loop_fd, char *name, int name_len,
		     dev_t *ret_rdev, struct uvp_error *err);

/* The file behind a loop device: its file system and inode. False when there is none. */
bool uvpi_loop_file(unsigned int minor, dev_t *ret_dev, ino_t *ret_ino);
/* Free the loop device (at once, or when its last user closes it) if its file is still `target`: its number may be
 * somebody else's by now. */
void uvpi_loop_detach(const char *loop, const char *target);
/* Take note that its file, which must still be `target`, has another size. */
int uvpi_loop_grow(const char *loop, const char *target, struct uvp_error *err);
/* Of any block device, in bytes. */
int uvpi_block_size(const char *path, uint64_t *ret_size, struct uvp_error *err);
/* Wait until a loop or network block device has let go of its file, after its last user closed it: a back end does that a moment after it says
 * so. False when the deadline came first. */
bool uvpi_block_wait_free(const char *device, const char *target, int64_t deadline_ms);

#endif
