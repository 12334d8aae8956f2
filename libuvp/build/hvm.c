/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling an HVM domain: memory, hvmloader with its firmware, the table by which that learns of the vCPUs; then its device
 * model. */
#define XC_WANT_COMPAT_MAP_FOREIGN_API /* on the builder's own handle */
#include "build/build.h"

#include <string.h>
#include <sys/mman.h>

#include <xen/hvm/e820.h>
#include <xen/hvm/hvm_info_table.h>
#include <xen/hvm/params.h>

#include "core/error.h"
#include "core/num.h"
#include "core/step.h"
#include "stream/file.h"

#define GIB4 (UINT64_C(1) << 32)
#define LOW_START UINT64_C(0x100000) /* hvmloader describes the first MiB itself */
#define VGA_HOLE_PAGES 0x20

/* The screen's memory is taken out of the guest's; QEMU puts it there. */
static uint64_t pages_of(const struct uvpi_build *b, uint64_t kib)
{
	return (kib - (uint64_t)b->hvm.videoram_mib * 1024) / 4;
}

uint64_t uvpi_build_hvm_lowmem_end(const struct uvpi_build *b)
{
	uint64_t bytes = pages_of(b, b->config->maxmem_kib) * 4096, hole = GIB4 - ((uint64_t)b->hvm.mmio_hole_mib << 20);

	return bytes < hole ? bytes : hole;
}

static uint64_t highmem_end(const struct uvpi_build *b)
{
	uint64_t bytes = pages_of(b, b->config->maxmem_kib) * 4096, low = uvpi_build_hvm_lowmem_end(b);

	return bytes > low ? GIB4 + bytes - low : 0;
}

static int set_memory(struct uvpi_build *b, struct uvp_error *err)
{
	struct xc_dom_image *dom = b->dom;
	uint64_t hole = (uint64_t)b->hvm.mmio_hole_mib << 20;

	if (xc_dom_mem_init(dom, 1))
		return uvpi_build_fail(b, err, "planning the memory");
	dom->total_pages = pages_of(b, b->config->maxmem_kib);
	dom->target_pages = pages_of(b, b->config->memory_kib);
	dom->mmio_size = hole;
	dom->mmio_start = GIB4 - hole;
	dom->lowmem_end = uvpi_build_hvm_lowmem_end(b);
	dom->highmem_end = highmem_end(b);
	dom->vga_hole_size = VGA_HOLE_PAGES;
	dom->device_model = true;
	if (xc_dom_boot_mem_init(dom))
		return uvpi_build_fail_filling(b, err);
	return 0;
}

static int set_memory_map(struct uvpi_build *b, struct uvp_error *err)
{
	const uint64_t ranges[][2] = { { LOW_START, uvpi_build_hvm_lowmem_end(b) }, { GIB4, highmem_end(b) } };
	uint32_t n = 0;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(ranges); i++)
		if (ranges[i][1] > ranges[i][0])
			b->e820[n++] = (struct e820entry){ ranges[i][0], ranges[i][1] - ranges[i][0], E820_RAM };
	b->n_e820 = n;
	if (xc_domain_set_memory_map(b->xc, b->domid, b->e820, n))
		return uvpi_build_fail(b, err, "setting the memory map");
	return 0;
}

/* The builder has written the table, but knows nothing of vCPUs. All its bytes add up to 0. */
static int set_info_table(struct uvpi_build *b, struct uvp_error *err)
{
	void *page = xc_map_foreign_range(b->xc, b->domid, 4096, PROT_READ | PROT_WRITE, HVM_INFO_PFN);
	const struct uvp_config *c = b->config;
	struct hvm_info_table *table;
	uint8_t sum = 0;

	if (!page)
		return uvpi_build_fail(b, err, "mapping the table of the virtual machine's facts");
	table = (struct hvm_info_table *)((char *)page + HVM_INFO_OFFSET);
	table->apic_mode = b->hvm.apic;
	table->nr_vcpus = c->maxvcpus;
	memset(table->vcpu_online, 0, sizeof(table->vcpu_online));
	for (uint32_t i = 0; i < c->vcpus; i++)
		table->vcpu_online[i / 8] |= (uint8_t)(1u << i % 8);
	for (uint32_t i = 0; i < table->length && i < sizeof(*table); i++)
		sum = (uint8_t)(sum + ((uint8_t *)table)[i]);
	table->checksum = (uint8_t)(table->checksum - sum);
	munmap(page, 4096);
	return 0;
}

int uvpi_build_hvm_params(struct uvpi_build *b, struct uvp_error *err)
{
	const struct {
		uint32_t param;
		uint64_t value;
		const char *doing;
	} params[] = { { HVM_PARAM_HPET_ENABLED, b->hvm.hpet, "setting hpet" },
		       { HVM_PARAM_VPT_ALIGN, b->hvm.vpt_align, "setting vpt_align" },
		       { HVM_PARAM_VIRIDIAN, b->hvm.viridian, "setting viridian" } };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(params); i++) {
		if (params[i].param == HVM_PARAM_VIRIDIAN && !params[i].value)
			continue;
		if (xc_hvm_param_set(b->xc, b->domid, params[i].param, params[i].value))
			return uvpi_build_fail(b, err, params[i].doing);
	}
	return 0;
}

int uvpi_build_hvm(struct uvpi_build *b, struct uvp_error *err)
{
	int r = set_memory(b, err);

	if (r < 0)
		return r;
	UVPI_STEP("memory");
	r = set_memory_map(b, err);
	if (r < 0)
		return r;
	b->dom->e820 = b->e820;
	b->dom->e820_entries = b->n_e820;
	if (xc_dom_build_image(b->dom))
		return uvpi_build_fail(b, err, "loading hvmloader");
	UVPI_STEP("kernel loaded");
	if (xc_dom_boot_image(b->dom))
		return uvpi_build_fail(b, err, "preparing the first vCPU");
	r = set_info_table(b, err);
	if (r == 0)
		r = uvpi_build_nvram_place(b, err);
	if (r < 0)
		return r;
	if (xc_dom_gnttab_init(b->dom))
		return uvpi_build_fail(b, err, "granting the xenstore and console rings");
	b->store_frame = b->dom->xenstore_pfn;
	b->console_frame = b->dom->console_pfn;
	return 0;
}

int uvpi_build_hvm_map(struct uvpi_build *b, struct uvp_error *err)
{
	return set_memory_map(b, err);
}

/* A number that the guest reads is another one when time went back for it: it was restored, and did not move. */
int uvpi_build_hvm_generation(struct uvpi_build *b, struct uvp_error *err)
{
	uint64_t at = 0;
	void *page;

	if (!b->genid[0] && !b->genid[1])
		return 0;
	if (xc_hvm_param_get(b->xc, b->domid, HVM_PARAM_VM_GENERATION_ID_ADDR, &at) || !at)
		return 0; /* its firmware has not got so far */
	if (at % 4096 > 4096 - sizeof(b->genid))
		return uvpi_fail(err, UVP_E_INVALID, 0, "its generation number crosses two pages");
	page = xc_map_foreign_range(b->xc, b->domid, 4096, PROT_READ | PROT_WRITE, at / 4096);
	if (!page)
		return uvpi_build_fail(b, err, "mapping the page of its generation number");
	memcpy((char *)page + at % 4096, b->genid, sizeof(b->genid));
	munmap(page, 4096);
	return 0;
}

/* What its device model knew, if it comes from somewhere. */
static int take_state(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_stream_machine machine;
	int r;

	if (!b->saved)
		return 0;
	r = uvpi_stream_get_machine(b->saved->machine, b->saved->machine_len, &machine, err);
	if (r < 0)
		return r;
	b->dm.state = machine.state;
	b->dm.state_len = machine.len;
	b->dm.state_fw_cfg = machine.flags & UVPI_STREAM_FW_CFG;
	memcpy(b->dm.state_version, machine.version, sizeof(b->dm.state_version));
	return 0;
}

int uvpi_build_dm(struct uvpi_build *b, struct uvp_error *err)
{
	int r;

	if (b->config->type != UVPI_TYPE_HVM)
		return 0;
	r = take_state(b, err);
	if (r < 0)
		return r;
	b->dm.host = b->host;
	b->dm.config = b->config;
	b->dm.hvm = &b->hvm;
	b->dm.devices = &b->devices;
	b->dm.domid = b->domid;
	b->has_dm = true;
	r = uvpi_dm_start(&b->dm, b->dm_program, b->op, err);
	uvpi_dm_done(&b->dm);
	return r < 0 ? r : uvpi_build_nvram_note(b, err);
}
