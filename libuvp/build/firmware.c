/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an HVM guest starts with instead of a kernel: Xen's hvmloader, which puts a BIOS into the guest and makes its
 * ACPI and SMBIOS tables. All files are looked at before anything is made. */
#include "build/build.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"

/* The least that hvmloader and a BIOS run in, besides what the screen takes. */
#define HVM_MIN_MIB 8
#define OVMF_MIN_MIB 96

static const char *find(const char *const *places)
{
	for (; *places; places++)
		if (access(*places, R_OK) == 0)
			return *places;
	return NULL;
}

static int find_hvmloader(const struct uvpi_build *b, const char **ret_path, struct uvp_error *err)
{
	static const char *const places[] = { "/usr/lib/xen-4.17/boot/hvmloader", /* Debian */
					      "/usr/lib/xen/boot/hvmloader", "/usr/libexec/xen/boot/hvmloader",
					      "/usr/local/lib/xen/boot/hvmloader", NULL };

	*ret_path = b->hvm.hvmloader ? b->hvm.hvmloader : find(places);
	if (*ret_path)
		return 0;
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "Xen's hvmloader, which every hvm guest starts with, is not on this host");
	uvpi_hint(err, "install it (Debian: apt install xen-utils-4.17), or name it with firmware_override=");
	return -UVP_E_NOT_FOUND;
}

static int find_bios(const struct uvpi_build *b, const char **ret_path, struct uvp_error *err)
{
	static const char *const seabios[] = { "/usr/share/seabios/bios-256k.bin", /* Debian */
					       "/usr/lib/xen/boot/seabios.bin", "/usr/share/qemu/bios-256k.bin", NULL };
	/* Code and variables in one file; one that was built for Xen before one for QEMU, which does without ACPI there. */
	static const char *const ovmf[] = { "/usr/lib/xen-4.17/boot/ovmf.bin", "/usr/lib/xen/boot/ovmf.bin",
					    "/usr/share/ovmf/OVMF_XEN.fd", "/usr/share/ovmf/OVMF.fd", /* Debian */
					    "/usr/share/edk2/ovmf/OVMF.fd", NULL };

	*ret_path = b->hvm.bios_path ? b->hvm.bios_path : find(b->hvm.ovmf ? ovmf : seabios);
	if (*ret_path)
		return 0;
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s is not on this host", b->hvm.ovmf ? "OVMF, the UEFI firmware," :
									      "SeaBIOS, the firmware of hvm guests,");
	uvpi_hint(err, "install it (Debian: apt install %s), or name it with bios_path_override=",
		  b->hvm.ovmf ? "ovmf" : "seabios");
	return -UVP_E_NOT_FOUND;
}

/* Mapped for as long as the build takes. */
static int map_module(struct uvpi_build *b, const char *path, const char *what, struct xc_hvm_firmware_module *module,
		      struct uvp_error *err)
{
	struct stat st;
	void *map;
	int r = uvpi_map_file(path, what, &map, &st, err);

	if (r < 0)
		return r;
	b->maps[b->n_maps].start = map;
	b->maps[b->n_maps++].len = (size_t)st.st_size;
	if (st.st_size > 16 << 20)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s '%s' is too large: %lld bytes", what, path,
				 (long long)st.st_size);
	module->data = map;
	module->length = (uint32_t)st.st_size;
	return 0;
}

static int map_modules(struct uvpi_build *b, struct uvp_error *err)
{
	const char *bios;
	int r = find_bios(b, &bios, err);

	if (r == 0)
		r = map_module(b, bios, "firmware", &b->dom->system_firmware_module, err);
	if (r == 0 && b->hvm.smbios_firmware)
		r = map_module(b, b->hvm.smbios_firmware, "smbios_firmware", &b->dom->smbios_module, err);
	if (r == 0 && b->hvm.acpi_firmware)
		r = map_module(b, b->hvm.acpi_firmware, "acpi_firmware", &b->dom->acpi_modules[0], err);
	return r;
}

static int load_hvmloader(struct uvpi_build *b, struct uvp_error *err)
{
	struct xc_hvm_firmware_module loader = { NULL };
	const char *path;
	int r = find_hvmloader(b, &path, err);

	if (r == 0)
		r = map_module(b, path, "hvmloader", &loader, err);
	if (r < 0)
		return r;
	if (xc_dom_kernel_mem(b->dom, loader.data, loader.length) || xc_dom_parse_image(b->dom))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no hvmloader", path);
	return 0;
}

static int check_files(const struct uvp_config *c, struct uvp_error *err)
{
	const char *const files[] = { c->kernel, c->ramdisk };
	static const char *const what[] = { "kernel", "ramdisk" };

	for (int i = 0; i < 2; i++) {
		struct stat st;
		void *map;
		int r = files[i] ? uvpi_map_file(files[i], what[i], &map, &st, err) : 0;

		if (r < 0)
			return r;
		if (files[i])
			munmap(map, (size_t)st.st_size);
	}
	return 0;
}

static int choose_genid(struct uvpi_build *b, struct uvp_error *err)
{
	if (!b->hvm.genid || !strcmp(b->hvm.genid, "none"))
		return 0;
	if (!strcmp(b->hvm.genid, "generate"))
		return uvpi_new_uuid((uint8_t *)b->genid, err);
	return uvpi_parse_uuid(b->hvm.genid, (uint8_t *)b->genid, err);
}

/* What the screen has is taken out of the guest's memory. The firmware of one from a file has run: it may have less since. */
static int check_memory(const struct uvpi_build *b, struct uvp_error *err)
{
	uint64_t screen = (uint64_t)b->hvm.videoram_mib, mib = b->config->memory_kib / 1024;
	uint64_t least = screen + (b->saved ? 1 : b->hvm.ovmf ? OVMF_MIN_MIB : HVM_MIN_MIB);

	if (mib >= least)
		return 0;
	if (b->saved)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: its domain has %" PRIu64 " MiB, and the graphics card alone %" PRIu64,
				 mib, screen);
	uvpi_fail(err, UVP_E_INVALID, 0, "memory= is %" PRIu64 " MiB, and firmware and graphics card need at least %" PRIu64, mib, least);
	uvpi_hint(err, "set memory=%" PRIu64 " or more", least);
	return -UVP_E_INVALID;
}

int uvpi_build_firmware_again(struct uvpi_build *b, struct uvp_error *err)
{
	int r = uvpi_dm_check(b->config, &b->hvm, b->dm_program, err);

	/* QEMU shows both to the firmware, although nobody asks any more. */
	if (r == 0)
		r = check_files(b->config, err);
	if (r == 0)
		r = check_memory(b, err);
	if (r == 0)
		r = choose_genid(b, err);
	return r < 0 ? r : uvpi_build_nvram_find(b, err);
}

int uvpi_build_firmware(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int r = uvpi_dm_check(c, &b->hvm, b->dm_program, err);

	if (r == 0)
		r = check_files(c, err);
	if (r == 0)
		r = check_memory(b, err);
	if (r == 0)
		r = choose_genid(b, err);
	if (r < 0)
		return r;
	xc_clear_last_error(b->xc);
	b->dom = xc_dom_allocate(b->xc, NULL, NULL);
	if (!b->dom)
		return uvpi_no_memory(err);
	b->dom->container_type = XC_DOM_HVM_CONTAINER;
	if (xc_dom_boot_xen_init(b->dom, b->xc, 0))
		return uvpi_build_fail(b, err, "asking Xen what guests it can run");
	r = map_modules(b, err);
	if (r == 0)
		r = uvpi_build_nvram_read(b, err);
	return r < 0 ? r : load_hvmloader(b, err);
}
