/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeping a guest's UEFI variables beyond its life.
 *
 * The OVMF of an HVM guest on Xen has no flash memory: hvmloader copies it into RAM, and it keeps the variables in memory that
 * it reserves below the end of the guest's RAM, always at the same distance from that. So they are read there when the
 * domain ends, and put there before it starts: EDK2 looks for a store there first, so that variables survive a warm reset.
 * They are also put into the image that hvmloader gets, from which EDK2 (from 202511 on) fills an empty store.
 *
 * The file is the store as it is in memory, with 16 bytes behind it: a mark, and that distance, which is whole pages; its
 * lowest bit is `once`. */
#ifndef UVPI_NVRAM_KEEP_H
#define UVPI_NVRAM_KEEP_H

#include <limits.h>
#include <stdint.h>

#include "nvram/nvram.h"

struct uvp_config;
struct uvp_host;
struct uvpi_hvm;

/* What a file holds. */
struct uvpi_nvram_file {
	uint8_t *image; /* the caller's to free; NULL: there is no file yet */
	size_t len;
	uint64_t below; /* distance from the end of the RAM; 0: not known */
	bool once;      /* its boot order was for one boot, and the next one has another */
};

/* Where the variables of this guest are kept: nvram=, or beside its definition. 1, or 0 when nowhere. */
int uvpi_nvram_path(const struct uvp_config *config, const char *named, char ret_path[PATH_MAX]);
int uvpi_nvram_read(const char *path, struct uvpi_nvram_file *ret_file, struct uvp_error *err);
int uvpi_nvram_write(const char *path, const struct uvpi_nvram_file *file, struct uvp_error *err);

/* The running domain's file, and where its RAM ends, noted beside its QEMU for those who end it. */
struct uvpi_nvram_note {
	char path[PATH_MAX];
	uint64_t ram_end;
	bool once; /* it was started with a boot order for that boot */
};
int uvpi_nvram_note(uint32_t domid, const char *path, uint64_t ram_end, bool once, struct uvp_error *err);
/* 1, or 0: there is none. */
int uvpi_nvram_noted(uint32_t domid, struct uvpi_nvram_note *ret_note);
/* Out of the guest's memory. NOT_FOUND when its firmware has not made them yet. */
int uvpi_nvram_fetch(struct uvp_host *host, uint32_t domid, uint64_t ram_end, struct uvpi_nvram_file *ret_file,
		     struct uvp_error *err);
/* Into its file, if it has one and they can be read. The domain must not run. */
int uvpi_nvram_save(struct uvp_host *host, uint32_t domid, struct uvp_error *err);

#endif
