/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things are in a guest's physical address space, and how much memory it needs: arithmetic, no Xen. */
#ifndef UVPI_LAYOUT_H
#define UVPI_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"

enum uvpi_e820 { UVPI_E820_RAM = 1, UVPI_E820_RESERVED = 2, UVPI_E820_ACPI = 3 };

struct uvpi_memrange {
	uint64_t addr, size;
	enum uvpi_e820 type;
};

#define UVPI_PVH_RANGES_MAX 5
struct uvpi_pvh_layout {
	uint64_t mmio_start, mmio_size; /* the hole below 4 GiB */
	uint64_t lowmem_end;            /* RAM from 0 to here */
	uint64_t highmem_end;           /* RAM from 4 GiB to here; 0: none */
	struct uvpi_memrange ranges[UVPI_PVH_RANGES_MAX];
	uint32_t n_ranges;
};

/* low_rsdp: the guest looks for ACPI's root below 1 MiB only, so that page is marked as ACPI's too. */
void uvpi_pvh_layout(uint64_t ram_bytes, uint64_t acpi_bytes, bool low_rsdp,
		     struct uvpi_pvh_layout *ret_layout);

/* KiB for the page tables that Xen keeps for a PVH or HVM guest. */
uint64_t uvpi_paging_kib(uint32_t vcpus, uint64_t maxmem_kib, bool hap);

/* KiB of the host's memory that a domain takes: its own, its page tables, and Xen's book-keeping. */
uint64_t uvpi_needed_kib(const struct uvp_config *config, bool hap);

/* The smallest memory= in MiB into which the builder can put a kernel and ramdisk of a PVH (end of the kernel in
 * guest-physical memory) or PV guest (its size from the start of its address space). */
uint64_t uvpi_pvh_min_mib(uint64_t kernel_end, uint64_t ramdisk_bytes, uint64_t cmdline_bytes);
uint64_t uvpi_pv_min_mib(uint64_t kernel_size, uint64_t ramdisk_bytes);

#endif
