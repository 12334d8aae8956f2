/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program on the host that reads a guest's disk and says which kernel is to be started (bootloader=, as xl has it). The
 * disk is the guest's, and so is what the program makes of it: it runs as a user of its own without any rights, and what
 * it says is decoded with bounds.
 *
 * Each run has a folder <run>/loader/PID-N, locked by the process that needs it:
 *   dev/disk  the disk, which the group of the loader may read; in the loader's own view of the file system only
 *   out/      where it puts kernel and RAM disk
 *   result    what it says
 * A folder that nobody holds the lock of is left from a process that was killed. */
#ifndef UVPI_BOOTLOADER_H
#define UVPI_BOOTLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/progress.h>

#include "config/devspec.h"

#define UVPI_LOADER_RESULT_MAX 8192
#define UVPI_LOADER_CMDLINE_MAX 4096

/* What a loader said: names of files in its folder out/, without slashes. */
struct uvpi_loader_result {
	char kernel[256], ramdisk[256]; /* ramdisk "": none */
	char args[UVPI_LOADER_CMDLINE_MAX];
};

/* Entries that end in NUL: "kernel PATH", "ramdisk PATH", "args TEXT". The paths are in the folder out. */
int uvpi_loader_decode(const char *text, size_t len, const char *out, struct uvpi_loader_result *ret_result,
		       struct uvp_error *err);

struct uvpi_loader_run {
	char dir[160]; /* "": there is none */
	int lock;
	struct uvpi_loader_result result;
};

/* Run it on this disk. Afterwards the files are root's, and stay until uvpi_loader_done(). */
int uvpi_loader_run(const char *program, char *const *args, int n_args, const struct uvpi_disk *disk,
		    const struct uvp_op *op, struct uvpi_loader_run *ret_run, struct uvp_error *err);
void uvpi_loader_done(struct uvpi_loader_run *run);
/* Remove what processes that were killed have left. */
void uvpi_loader_sweep(void);

/* confine.c: become user and group `id`, with nothing but these ids, a network of its own without interfaces, and bounds
 * on memory, files and time. In a child only; false when any of it failed. */
bool uvpi_confine(uint32_t id, const char *dev_dir, uint64_t rdev);
/* End every process of that user. */
void uvpi_confine_end(uint32_t id);

#endif
