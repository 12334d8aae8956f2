/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain is really built from: its configuration with the boot order of this boot, and with the kernel that its boot
 * loader brings. What is noted of it stays as it was written, but for an order that was for one boot. */
#include "build/build.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/boot.h"
#include "core/error.h"
#include "define/store.h"

/* Debian's grub-xen-host. */
static const char *const pvgrub[] = { [UVPI_TYPE_PV] = "/usr/lib/grub-xen/grub-x86_64-xen.bin",
				      [UVPI_TYPE_PVH] = "/usr/lib/grub-xen/grub-i386-xen_pvh.bin" };

static int use_pvgrub(struct uvp_config *config, struct uvp_error *err)
{
	const char *path = pvgrub[config->type];

	if (config->kernel)
		return 0;
	if (access(path, R_OK) < 0) {
		uvpi_fail_errno(err, errno, "bootloader=\"pvgrub\" needs '%s'", path);
		uvpi_hint(err, "install grub-xen-host, or name an image of GRUB for Xen with kernel=");
		return -UVP_E_NOT_FOUND;
	}
	config->kernel = strdup(path);
	uvpi_config_extra_drop(config, "bootloader");
	uvpi_config_extra_drop(config, "bootloader_args");
	return config->kernel ? 0 : uvpi_no_memory(err);
}

/* GRUB looks through the disks in the order in which it finds them in xenstore, where they stand as they were made. Those
 * that the order does not name come last. */
static int sort_disks(struct uvp_config *config, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_disk *sorted = NULL;
	_cleanup_free_ struct uvpi_boot_device *devices = NULL;
	struct uvpi_boot boot;
	int n = 0, n_devices;

	if (!uvpi_boot_get(config, "boot", &boot) || !config->n_disks)
		return 0;
	n_devices = uvpi_boot_devices(config, &boot, &devices);
	sorted = calloc((size_t)config->n_disks, sizeof(*sorted));
	if (n_devices < 0 || !sorted)
		return uvpi_no_memory(err);
	for (int i = 0; i < n_devices; i++)
		if (devices[i].disk)
			sorted[n++] = *devices[i].disk;
	for (int i = 0; i < config->n_disks; i++) {
		bool there = false;

		for (int k = 0; k < n_devices; k++)
			there |= devices[k].disk == &config->disks[i];
		if (!there)
			sorted[n++] = config->disks[i];
	}
	memcpy(config->disks, sorted, (size_t)n * sizeof(*sorted));
	return 0;
}

/* The order of this boot, and what is noted for the next one. */
static int use_once(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_boot boot;

	b->once = uvpi_boot_get(b->own, "boot_once", &boot);
	if (!b->once)
		return 0;
	uvpi_config_extra_drop(b->own, "boot_once");
	uvpi_config_extra_drop(b->own_record, "boot_once");
	return uvpi_boot_set(b->own, "boot", &boot) < 0 ? uvpi_no_memory(err) : 0;
}

int uvpi_build_loader(struct uvpi_build *b, struct uvp_error *err)
{
	enum uvpi_loader loader = uvpi_config_loader(b->config);
	int r;

	b->record = b->config;
	if (loader != UVPI_LOADER_PVGRUB && !uvpi_config_extra_get(b->config, "boot_once"))
		return 0;
	r = uvp_config_check_supported(b->config, err);
	if (r == 0)
		r = uvpi_def_copy(b->config, &b->own, err);
	if (r == 0)
		r = uvpi_def_copy(b->config, &b->own_record, err);
	if (r == 0)
		r = use_once(b, err);
	if (r == 0 && loader == UVPI_LOADER_PVGRUB)
		r = use_pvgrub(b->own, err);
	if (r == 0 && loader == UVPI_LOADER_PVGRUB)
		r = sort_disks(b->own, err);
	if (r < 0)
		return r;
	b->config = b->own;
	b->record = b->own_record;
	return 0;
}
