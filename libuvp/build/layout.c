/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's physical address space as arithmetic. */
#include "build/layout.h"

#include "build/acpi.h"

#define GIB4 (UINT64_C(1) << 32)
#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)

/* The rings and the identity page table that libxenguest puts just below 0xff000000. */
#define SPECIAL_START UINT64_C(0xfeff8000)
#define SPECIAL_SIZE (8 * PAGE)

/* Xen's own cost of a domain that no formula names: struct domain, vCPUs, event channels, grant tables. */
#define OVERHEAD_HVM_KIB 2048
#define OVERHEAD_PV_KIB 1024

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static void add(struct uvpi_pvh_layout *layout, uint64_t addr, uint64_t size, enum uvpi_e820 type)
{
	layout->ranges[layout->n_ranges++] = (struct uvpi_memrange){ addr, size, type };
}

void uvpi_pvh_layout(uint64_t ram_bytes, uint64_t acpi_bytes, bool low_rsdp,
		     struct uvpi_pvh_layout *ret_layout)
{
	struct uvpi_pvh_layout layout = { .mmio_start = UVPI_ACPI_BASE };

	layout.mmio_size = GIB4 - layout.mmio_start;
	layout.lowmem_end = ram_bytes;
	if (ram_bytes > layout.mmio_start) {
		layout.lowmem_end = layout.mmio_start;
		layout.highmem_end = GIB4 + (ram_bytes - layout.mmio_start);
	}
	add(&layout, 0, layout.lowmem_end, UVPI_E820_RAM);
	if (low_rsdp)
		add(&layout, 0x100000 - PAGE, PAGE, UVPI_E820_ACPI);
	add(&layout, UVPI_ACPI_BASE, round_up(acpi_bytes, PAGE), UVPI_E820_ACPI);
	add(&layout, SPECIAL_START, SPECIAL_SIZE, UVPI_E820_RESERVED);
	if (layout.highmem_end)
		add(&layout, GIB4, layout.highmem_end - GIB4, UVPI_E820_RAM);
	*ret_layout = layout;
}

/* 1 MiB for each vCPU and one page (without hardware-assisted paging: two) for each MiB of memory: what Xen's other
 * toolstacks give, so that guests meet no smaller limit here. */
uint64_t uvpi_paging_kib(uint32_t vcpus, uint64_t maxmem_kib, bool hap)
{
	return 4 * (256 * (uint64_t)vcpus + (hap ? 1 : 2) * (maxmem_kib / 1024));
}

uint64_t uvpi_needed_kib(const struct uvp_config *config, bool hap)
{
	uint64_t kib = config->memory_kib;

	if (config->type == UVPI_TYPE_PV)
		return kib + OVERHEAD_PV_KIB;
	kib += config->shadow_memory_kib ?
		       config->shadow_memory_kib :
		       uvpi_paging_kib(config->maxvcpus, config->maxmem_kib, hap);
	return kib + OVERHEAD_HVM_KIB;
}

/* The builder rounds each piece up to pages; start_info with its module list takes less than two pages. */
uint64_t uvpi_pvh_min_mib(uint64_t kernel_end, uint64_t ramdisk_bytes, uint64_t cmdline_bytes)
{
	uint64_t bytes = round_up(kernel_end, PAGE) + round_up(ramdisk_bytes, PAGE) +
			 round_up(cmdline_bytes, PAGE) + 4 * PAGE;

	return round_up(bytes, MIB) / MIB;
}

/* Behind kernel and ramdisk come the list of frames (8 bytes for each page), four special pages, the boot stack and
 * page tables for the whole, which the builder pads to a multiple of 4 MiB with at least 512 KiB to spare. */
uint64_t uvpi_pv_min_mib(uint64_t kernel_size, uint64_t ramdisk_bytes)
{
	uint64_t fixed = round_up(kernel_size, PAGE) + round_up(ramdisk_bytes, PAGE) + 8 * PAGE;
	uint64_t mib = 0, need = round_up(fixed, MIB) / MIB;

	while (need > mib) {
		uint64_t bytes;

		mib = need;
		bytes = fixed + round_up(mib * (MIB / PAGE) * 8, PAGE);
		bytes += (bytes / (2 * MIB) + 4) * PAGE + 512 * 1024;
		need = round_up(bytes, 4 * MIB) / MIB;
	}
	return mib;
}
