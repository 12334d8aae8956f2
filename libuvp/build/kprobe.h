/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What kind of file is this kernel? Reads just enough of it to say in one sentence why it cannot be booted;
 * libxenguest reads it again when it builds. Pure, bounds-checked, fuzzed: kernels may come from a guest's disk. */
#ifndef UVPI_KPROBE_H
#define UVPI_KPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uvpi_kernel_kind {
	UVPI_KERNEL_UNKNOWN = 0,
	UVPI_KERNEL_ELF,
	UVPI_KERNEL_BZIMAGE,
	UVPI_KERNEL_GZIP, /* of something that can be told once it is unpacked */
	UVPI_KERNEL_OLD_LINUX /* a boot sector without a payload that can be unpacked */
};

struct uvpi_kernel_facts {
	enum uvpi_kernel_kind kind;
	bool truncated;          /* the file ends before what its own headers name */
	const char *compression; /* of a bzImage's payload, NULL when it is none we know */
	/* ELF only */
	bool x86_64, i386;
	bool xen_notes;          /* has any ELF note of Xen's */
	bool pv;                 /* has those of a PV kernel */
	bool phys32_entry;       /* can be booted as PVH */
};

void uvpi_kernel_look(const void *data, size_t len, struct uvpi_kernel_facts *ret_facts);

#endif
