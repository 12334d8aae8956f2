/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling a PVH domain: memory, ACPI tables, memory map, kernel, start_info, first vCPU. */
#include "build/build.h"

#include <string.h>

#include <xen/hvm/e820.h>
#include <xen/features.h>

#include "core/error.h"
#include "core/step.h"

/* Linux before 5.0 looks for the RSDP only where PCs have it. */
#define LOW_RSDP (0x100000 - UVPI_ACPI_RSDP_SIZE)

static bool needs_low_rsdp(struct xc_dom_image *dom)
{
	const char *os = xc_dom_guest_os(dom);

	return os && !strcmp(os, "linux") && !xc_dom_feature_get(dom, XENFEAT_linux_rsdp_unrestricted);
}

/* Module 0 is where the guest is told to look for the RSDP. */
static void set_acpi(struct uvpi_build *b, bool low_rsdp)
{
	struct xc_hvm_firmware_module *module = b->dom->acpi_modules;

	uvpi_acpi_build(b->acpi, UVPI_ACPI_BASE, b->config->maxvcpus, b->config->vcpus);
	if (low_rsdp) {
		memcpy(b->rsdp, b->acpi, sizeof(b->rsdp));
		*module++ = (struct xc_hvm_firmware_module){ b->rsdp, sizeof(b->rsdp), LOW_RSDP };
	}
	*module = (struct xc_hvm_firmware_module){ b->acpi, UVPI_ACPI_SIZE, UVPI_ACPI_BASE };
}

static int set_memory_map(struct uvpi_build *b, struct uvp_error *err)
{
	for (uint32_t i = 0; i < b->layout.n_ranges; i++)
		b->e820[i] = (struct e820entry){ b->layout.ranges[i].addr, b->layout.ranges[i].size,
						 b->layout.ranges[i].type };
	if (xc_domain_set_memory_map(b->xc, b->domid, b->e820, b->layout.n_ranges))
		return uvpi_build_fail(b, err, "setting the memory map");
	return 0;
}

int uvpi_build_pvh_map(struct uvpi_build *b, struct uvp_error *err)
{
	uvpi_pvh_layout(b->config->maxmem_kib * 1024, UVPI_ACPI_SIZE, false, &b->layout);
	return set_memory_map(b, err);
}

/* What libxenguest must know of memory that is filled already. */
static int memory_is_there(struct xc_dom_image *dom)
{
	dom->p2m_size = (dom->highmem_end ? dom->highmem_end : dom->lowmem_end) / 4096;
	return 0;
}

static int set_memory(struct uvpi_build *b, bool low_rsdp, struct uvp_error *err)
{
	struct xc_dom_image *dom = b->dom;

	/* libxenguest counts in MiB here; a page is the unit of everything else. */
	if (xc_dom_mem_init(dom, 1))
		return uvpi_build_fail(b, err, "planning the memory");
	dom->total_pages = b->config->maxmem_kib / 4;
	dom->target_pages = b->config->memory_kib / 4;
	uvpi_pvh_layout(dom->total_pages * 4096, UVPI_ACPI_SIZE, low_rsdp, &b->layout);
	dom->mmio_start = b->layout.mmio_start;
	dom->mmio_size = b->layout.mmio_size;
	dom->lowmem_end = b->layout.lowmem_end;
	dom->highmem_end = b->layout.highmem_end;
	if (b->from_shell)
		return memory_is_there(dom);
	if (xc_dom_boot_mem_init(dom))
		return uvpi_build_fail_filling(b, err);
	return 0;
}

int uvpi_build_pvh_fill(struct uvpi_build *b, struct uvp_error *err)
{
	xc_clear_last_error(b->xc);
	b->dom = xc_dom_allocate(b->xc, NULL, NULL);
	if (!b->dom)
		return uvpi_no_memory(err);
	b->dom->container_type = XC_DOM_HVM_CONTAINER;
	b->dom->guest_type = "hvm-3.0-x86_32"; /* of every PVH kernel */
	b->dom->claim_enabled = 1;
	if (xc_dom_boot_xen_init(b->dom, b->xc, b->domid))
		return uvpi_build_fail(b, err, "asking Xen what guests it can run");
	return set_memory(b, false, err);
}

int uvpi_build_pvh(struct uvpi_build *b, struct uvp_error *err)
{
	bool low_rsdp = needs_low_rsdp(b->dom);
	int r = set_memory(b, low_rsdp, err);

	if (r < 0)
		return r;
	UVPI_STEP("memory");
	set_acpi(b, low_rsdp);
	r = set_memory_map(b, err);
	if (r < 0)
		return r;
	/* The builder sizes start_info by the number of entries: they must be there before it. */
	b->dom->e820 = b->e820;
	b->dom->e820_entries = b->layout.n_ranges;
	if (xc_dom_build_image(b->dom))
		return uvpi_build_fail(b, err, "loading the kernel");
	UVPI_STEP("kernel loaded");
	if (xc_dom_boot_image(b->dom))
		return uvpi_build_fail(b, err, "preparing the first vCPU");
	if (xc_dom_gnttab_init(b->dom))
		return uvpi_build_fail(b, err, "granting the xenstore and console rings");
	b->store_frame = b->dom->xenstore_pfn;
	b->console_frame = b->dom->console_pfn;
	return 0;
}
