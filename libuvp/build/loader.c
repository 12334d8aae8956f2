/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain is really built from: its configuration with the boot order of this boot, and with the kernel that its boot
 * loader brings. What is noted of it stays as it was written, but for an order that was for one boot. */
#include "build/build.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/boot.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
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

/* Its arguments; pygrub is told that nobody is there to choose. */
static int collect_args(const struct uvp_config *config, const char *program, struct xlcfg_value *list, struct uvp_error *err)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, "bootloader_args");
	const char *slash = strrchr(program, '/');
	const char *text = !strcmp(slash + 1, "pygrub") ? "[ \"--quiet\" ]" : "[ ]";

	if (extra)
		return xlcfg_parse_value("bootloader_args", 1, extra->value, strlen(extra->value), list, err);
	return xlcfg_parse_value("bootloader_args", 1, text, strlen(text), list, err);
}

/* A path, or the name of one that Xen brings. */
static int find_loader(const char *name, char path[PATH_MAX], struct uvp_error *err)
{
	static const char *const places[] = { "/usr/lib/xen-4.17/bin", "/usr/lib/xen/bin", "/usr/libexec/xen/bin", "/usr/bin" };

	if (*name == '/') {
		snprintf(path, PATH_MAX, "%s", name);
		if (access(path, X_OK) == 0)
			return 0;
	}
	for (size_t i = 0; *name != '/' && !strchr(name, '/') && i < UVPI_ARRAY_SIZE(places); i++) {
		snprintf(path, PATH_MAX, "%s/%s", places[i], name);
		if (access(path, X_OK) == 0)
			return 0;
	}
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "bootloader: there is no program '%.200s'", name);
	uvpi_hint(err, "pygrub is in Debian's xen-utils; bootloader=\"pvgrub\" needs no program on the host");
	return -UVP_E_NOT_FOUND;
}

static int take_files(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvpi_loader_result *result = &b->loader.result;
	struct uvp_config *config = b->own;

	if (asprintf(&config->kernel, "%s/out/%s", b->loader.dir, result->kernel) < 0)
		return uvpi_no_memory(err);
	if (*result->ramdisk) {
		free(config->ramdisk);
		if (asprintf(&config->ramdisk, "%s/out/%s", b->loader.dir, result->ramdisk) < 0)
			return uvpi_no_memory(err);
	}
	if (*result->args) {
		free(config->cmdline);
		config->cmdline = strdup(result->args);
		if (!config->cmdline)
			return uvpi_no_memory(err);
	}
	uvpi_config_extra_drop(config, "bootloader");
	uvpi_config_extra_drop(config, "bootloader_args");
	return 0;
}

/* One disk after the other, until there is a kernel. Of several that have none, the first says why. */
static int run_program(struct uvpi_build *b, struct uvp_error *err)
{
	_cleanup_free_ char *name = uvpi_config_extra_text(b->own, "bootloader");
	_cleanup_free_ struct uvpi_boot_device *devices = NULL;
	_cleanup_value_ struct xlcfg_value list = { .kind = XLCFG_STRING };
	struct uvp_error first = UVP_ERROR_INIT;
	char path[PATH_MAX], *args[64];
	struct uvpi_boot boot;
	int n_args = 0, n, r = name ? find_loader(name, path, err) : uvpi_no_memory(err);

	if (r == 0)
		r = collect_args(b->own, path, &list, err);
	if (r < 0)
		return r;
	if (list.kind != XLCFG_LIST && *list.text)
		args[n_args++] = list.text;
	for (int i = 0; list.kind == XLCFG_LIST && i < list.n_items && n_args < 64; i++)
		args[n_args++] = list.items[i].text;
	uvpi_boot_get(b->own, "boot", &boot);
	n = uvpi_boot_devices(b->own, &boot, &devices);
	if (n <= 0)
		return n < 0 ? uvpi_no_memory(err) : uvpi_fail(err, UVP_E_INVALID, 0, "bootloader: there is no disk to boot from");
	uvpi_op_progress(b->op, "running the boot loader", 0, 0, UVP_UNIT_NONE);
	r = -UVP_E_NOT_FOUND;
	for (int i = 0; i < n && r < 0 && r != -UVP_E_CANCELLED && r != -UVP_E_TIMEOUT; i++) {
		struct uvp_error why = UVP_ERROR_INIT;

		if (!devices[i].disk)
			continue;
		r = uvpi_loader_run(path, args, n_args, devices[i].disk, b->op, &b->loader, &why);
		if (r < 0 && !first.code)
			first = why;
	}
	if (r < 0 && err)
		*err = first;
	return r < 0 ? -first.code : take_files(b, err);
}

int uvpi_build_loader(struct uvpi_build *b, struct uvp_error *err)
{
	enum uvpi_loader loader = uvpi_config_loader(b->config);
	int r;

	b->record = b->config;
	if (b->saved)
		return 0; /* it has booted */
	if (loader != UVPI_LOADER_PVGRUB && loader != UVPI_LOADER_PROGRAM && !uvpi_config_extra_get(b->config, "boot_once"))
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
	if (r == 0 && loader == UVPI_LOADER_PROGRAM)
		r = run_program(b, err);
	if (r < 0)
		return r;
	b->config = b->own;
	b->record = b->own_record;
	return 0;
}
