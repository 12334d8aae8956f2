/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "core/error.h"
#include "core/num.h"

#define LETTERS "cdna"
#define VIF_MAX 0xffff

static const struct {
	const char *word;
	enum uvpi_boot_what what;
} words[] = {
	{ "disk", UVPI_BOOT_DISK },	  { "cdrom", UVPI_BOOT_CDROM }, { "network", UVPI_BOOT_NETWORK },
	{ "floppy", UVPI_BOOT_FLOPPY }, { "hd", UVPI_BOOT_DISK },    { "fd", UVPI_BOOT_FLOPPY },
};

/* ---- text ---- */

static bool is_in(const struct uvpi_boot *boot, const struct uvpi_boot_entry *entry)
{
	for (int i = 0; i < boot->n; i++)
		if (boot->entries[i].what == entry->what && boot->entries[i].devid == entry->devid)
			return true;
	return false;
}

static int parse_letters(const char *text, struct uvpi_boot *boot)
{
	for (; *text; text++) {
		struct uvpi_boot_entry entry = { .what = (enum uvpi_boot_what)(strchr(LETTERS, *text) - LETTERS) };

		snprintf(entry.name, sizeof(entry.name), "%s", words[entry.what].word);
		if (!is_in(boot, &entry)) /* xl takes "cc", too */
			boot->entries[boot->n++] = entry;
	}
	return 0;
}

static int parse_word(const char *word, struct uvpi_boot_entry *entry, struct uvp_error *err)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		entry->what = words[i].what;
		snprintf(entry->name, sizeof(entry->name), "%s", words[entry->what].word);
		return 0;
	}
	snprintf(entry->name, sizeof(entry->name), "%.31s", word);
	if (!strncmp(word, "vif", 3) && uvpi_parse_u32(word + 3, "vif", 0, VIF_MAX, &entry->devid, NULL) == 0) {
		entry->what = UVPI_BOOT_ONE_VIF;
		return 0;
	}
	if (strlen(word) < sizeof(entry->name) && (!strncmp(word, "xvd", 3) || !strncmp(word, "hd", 2) || !strncmp(word, "sd", 2)) &&
	    uvpi_vdev_number(word, &entry->devid, NULL) == 0) {
		entry->what = UVPI_BOOT_ONE_DISK;
		return 0;
	}
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' is nothing that boots", word);
	uvpi_hint(err, "there are disk, cdrom and network, and devices by name: xvda, hdc, vif0");
	return -UVP_E_INVALID;
}

static int parse_words(char *left, struct uvpi_boot *boot, struct uvp_error *err)
{
	char *word;

	while ((word = strsep(&left, ","))) {
		struct uvpi_boot_entry entry = { .what = UVPI_BOOT_DISK };
		int r;

		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = '\0';
		r = parse_word(word, &entry, err);
		if (r < 0)
			return r;
		if (is_in(boot, &entry))
			return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is given twice", entry.name);
		if (boot->n == UVPI_BOOT_MAX)
			return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d devices", UVPI_BOOT_MAX);
		boot->entries[boot->n++] = entry;
	}
	return 0;
}

int uvpi_boot_parse(const char *text, struct uvpi_boot *ret_boot, struct uvp_error *err)
{
	struct uvpi_boot boot = { .n = 0 };
	_cleanup_free_ char *copy = NULL;
	int r;

	if (!text[strspn(text, LETTERS)]) {
		r = parse_letters(text, &boot);
	} else {
		copy = strdup(text);
		r = copy ? parse_words(copy, &boot, err) : uvpi_no_memory(err);
	}
	if (r == 0)
		*ret_boot = boot;
	return r;
}

char *uvpi_boot_words(const struct uvpi_boot *boot)
{
	char *text = calloc((size_t)boot->n + 1, sizeof(boot->entries[0].name) + 1), *at = text;

	for (int i = 0; text && i < boot->n; i++) {
		if (i)
			*at++ = ',';
		at = stpcpy(at, boot->entries[i].name);
	}
	return text;
}

char *uvpi_boot_text(const struct uvpi_boot *boot)
{
	char *text;

	if (uvpi_boot_has_devices(boot))
		return uvpi_boot_words(boot);
	text = calloc((size_t)boot->n + 1, 1);
	for (int i = 0; text && i < boot->n; i++)
		text[i] = LETTERS[boot->entries[i].what];
	return text;
}

static bool is_single(const struct uvpi_boot_entry *entry)
{
	return entry->what == UVPI_BOOT_ONE_DISK || entry->what == UVPI_BOOT_ONE_VIF;
}

bool uvpi_boot_has_devices(const struct uvpi_boot *boot)
{
	for (int i = 0; i < boot->n; i++)
		if (is_single(&boot->entries[i]))
			return true;
	return false;
}

bool uvpi_boot_only_devices(const struct uvpi_boot *boot)
{
	for (int i = 0; i < boot->n; i++)
		if (!is_single(&boot->entries[i]))
			return false;
	return boot->n > 0;
}

/* ---- in a configuration ---- */

int uvpi_boot_get(const struct uvp_config *config, const char *key, struct uvpi_boot *ret_boot)
{
	_cleanup_free_ char *text = uvpi_config_extra_text(config, key);

	if (text && *text && uvpi_boot_parse(text, ret_boot, NULL) == 0)
		return 1;
	uvpi_boot_parse("cd", ret_boot, NULL);
	return 0;
}

int uvpi_boot_set(struct uvp_config *config, const char *key, const struct uvpi_boot *boot)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key);
	_cleanup_free_ char *text = NULL, *quoted = NULL;

	if (!boot->n) {
		uvpi_config_extra_drop(config, key);
		return 0;
	}
	text = uvpi_boot_text(boot);
	quoted = text ? xlcfg_quote(text) : NULL;
	return quoted ? uvpi_config_extra_set(config, key, quoted, extra ? extra->line : 0) : -1;
}

static void add_device(struct uvpi_boot_device *devices, int *n, const struct uvpi_disk *disk, const struct uvpi_vif *vif)
{
	for (int i = 0; i < *n; i++)
		if (devices[i].disk == disk && devices[i].vif == vif)
			return;
	devices[(*n)++] = (struct uvpi_boot_device){ disk, vif };
}

static void add_devices(const struct uvp_config *config, const struct uvpi_boot_entry *entry,
			struct uvpi_boot_device *devices, int *n)
{
	for (int i = 0; i < config->n_disks; i++) {
		const struct uvpi_disk *disk = &config->disks[i];

		if (entry->what == UVPI_BOOT_ONE_DISK ? disk->devid == entry->devid :
						       entry->what == (disk->cdrom ? UVPI_BOOT_CDROM : UVPI_BOOT_DISK))
			add_device(devices, n, disk, NULL);
	}
	for (int i = 0; i < config->n_vifs; i++) {
		const struct uvpi_vif *vif = &config->vifs[i];

		if (entry->what == UVPI_BOOT_ONE_VIF ? vif->devid == entry->devid : entry->what == UVPI_BOOT_NETWORK)
			add_device(devices, n, NULL, vif);
	}
}

int uvpi_boot_devices(const struct uvp_config *config, const struct uvpi_boot *boot, struct uvpi_boot_device **ret_devices)
{
	struct uvpi_boot_device *devices = calloc((size_t)(config->n_disks + config->n_vifs) + 1, sizeof(*devices));
	int n = 0;

	if (!devices)
		return -1;
	for (int i = 0; i < boot->n; i++)
		add_devices(config, &boot->entries[i], devices, &n);
	*ret_devices = devices;
	return n;
}

int uvpi_boot_index(const struct uvp_config *config, const struct uvpi_disk *disk, const struct uvpi_vif *vif)
{
	_cleanup_free_ struct uvpi_boot_device *devices = NULL;
	struct uvpi_boot boot;
	int n;

	uvpi_boot_get(config, "boot", &boot);
	n = uvpi_boot_devices(config, &boot, &devices);
	for (int i = 0; i < n; i++)
		if (devices[i].disk == disk && devices[i].vif == vif)
			return i + 1;
	return 0;
}

/* GRUB's images are called grub-x86_64-xen.bin, grub-i386-xen_pvh.bin, pvgrub64 and the like. */
static bool is_pvgrub(const char *kernel)
{
	const char *slash = strrchr(kernel, '/'), *name = slash ? slash + 1 : kernel;

	return !strncmp(name, "pvgrub", 6) || (!strncmp(name, "grub", 4) && strstr(name, "xen"));
}

enum uvpi_loader uvpi_config_loader(const struct uvp_config *config)
{
	_cleanup_free_ char *loader = NULL;

	if (config->type == UVPI_TYPE_HVM)
		return UVPI_LOADER_FIRMWARE;
	if (config->kernel)
		return is_pvgrub(config->kernel) ? UVPI_LOADER_PVGRUB : UVPI_LOADER_NONE;
	loader = uvpi_config_extra_text(config, "bootloader");
	if (!loader || !*loader)
		return UVPI_LOADER_NONE;
	return strcmp(loader, "pvgrub") ? UVPI_LOADER_PROGRAM : UVPI_LOADER_PVGRUB;
}

static int refuse_network(const struct uvp_config *config, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		  "a %s guest cannot boot from the network: it has no firmware with a network card, and its boot loader reads disks only",
		  uvpi_type_name(config->type));
	uvpi_hint(err, "boot it from disk or cdrom, or make it an hvm guest");
	return -UVP_E_UNSUPPORTED;
}

static int check_entry(const struct uvp_config *config, const struct uvpi_boot_entry *entry, struct uvp_error *err)
{
	bool there = !is_single(entry);

	if (entry->what == UVPI_BOOT_FLOPPY)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "no Xen guest has a floppy drive");
	if (config->type != UVPI_TYPE_HVM && (entry->what == UVPI_BOOT_NETWORK || entry->what == UVPI_BOOT_ONE_VIF))
		return refuse_network(config, err);
	for (int i = 0; i < config->n_disks && entry->what == UVPI_BOOT_ONE_DISK; i++)
		there |= config->disks[i].devid == entry->devid;
	for (int i = 0; i < config->n_vifs && entry->what == UVPI_BOOT_ONE_VIF; i++)
		there |= config->vifs[i].devid == entry->devid;
	if (there)
		return 0;
	return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no %s '%s' in its configuration",
			 entry->what == UVPI_BOOT_ONE_VIF ? "network interface" : "disk", entry->name);
}

int uvpi_boot_check(const struct uvp_config *config, const struct uvpi_boot *boot, struct uvp_error *err)
{
	int r = 0;

	if (uvpi_config_loader(config) == UVPI_LOADER_NONE) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "a %s guest with kernel= is started by that kernel, and not from a device",
			  uvpi_type_name(config->type));
		uvpi_hint(err, "bootloader=\"pvgrub\" instead of kernel= lets it boot from its disks");
		return -UVP_E_UNSUPPORTED;
	}
	for (int i = 0; i < boot->n && r == 0; i++)
		r = check_entry(config, &boot->entries[i], err);
	return r;
}

int uvpi_boot_unsupported(const struct uvp_config *config, struct uvp_error *err)
{
	static const char *const keys[] = { "boot", "boot_once" };
	struct uvpi_boot boot;

	if (config->type == UVPI_TYPE_HVM || uvpi_config_loader(config) == UVPI_LOADER_NONE)
		return 0;
	for (size_t k = 0; k < UVPI_ARRAY_SIZE(keys); k++) {
		if (!uvpi_boot_get(config, keys[k], &boot))
			continue;
		for (int i = 0; i < boot.n; i++)
			if (boot.entries[i].what == UVPI_BOOT_NETWORK || boot.entries[i].what == UVPI_BOOT_ONE_VIF) {
				refuse_network(config, err);
				uvpi_prefix(err, "%s", keys[k]);
				return -UVP_E_UNSUPPORTED;
			}
	}
	return 0;
}
