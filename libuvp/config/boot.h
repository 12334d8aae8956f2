/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest boots from, in order: classes of devices and single ones. xl's letters ("dc"), our words ("cdrom,xvdb"),
 * libvirt's <boot dev=> and its <boot order=> of devices are all ways to write the same list, which the keys boot= and
 * boot_once= hold. */
#ifndef UVPI_CONFIG_BOOT_H
#define UVPI_CONFIG_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"

enum uvpi_boot_what {
	UVPI_BOOT_DISK = 0, /* every disk, in the order of the configuration; so with the other classes */
	UVPI_BOOT_CDROM,
	UVPI_BOOT_NETWORK,
	UVPI_BOOT_FLOPPY, /* only because xl knows it: no guest has such a drive */
	UVPI_BOOT_ONE_DISK, /* or one CD-ROM drive */
	UVPI_BOOT_ONE_VIF
};

#define UVPI_BOOT_MAX 64
struct uvpi_boot_entry {
	enum uvpi_boot_what what;
	char name[32];  /* "disk", "xvdb", "vif0" */
	uint32_t devid; /* of a single device */
};
struct uvpi_boot {
	struct uvpi_boot_entry entries[UVPI_BOOT_MAX];
	int n;
};

/* Letters of a, c, d and n, or words with commas between. An empty text is an empty list. */
int uvpi_boot_parse(const char *text, struct uvpi_boot *ret_boot, struct uvp_error *err);
/* How the keys have it: letters where they can say it, else words. NULL when out of memory; the caller frees it. */
char *uvpi_boot_text(const struct uvpi_boot *boot);
/* Always words. */
char *uvpi_boot_words(const struct uvpi_boot *boot);
/* Does it name single devices? */
bool uvpi_boot_has_devices(const struct uvpi_boot *boot);
bool uvpi_boot_only_devices(const struct uvpi_boot *boot);

/* What the key, "boot" or "boot_once", says. 1, or 0 and what holds without it. */
int uvpi_boot_get(const struct uvp_config *config, const char *key, struct uvpi_boot *ret_boot);
/* Set the key; an empty list removes it. 0, or -1 when out of memory. */
int uvpi_boot_set(struct uvp_config *config, const char *key, const struct uvpi_boot *boot);

/* A device of the configuration, disk or interface. */
struct uvpi_boot_device {
	const struct uvpi_disk *disk;
	const struct uvpi_vif *vif;
};
/* The devices that the list stands for, each once. What is named and not there is left out. *ret_devices is the caller's
 * to free. Returns their number, or -1 when out of memory. */
int uvpi_boot_devices(const struct uvp_config *config, const struct uvpi_boot *boot,
		      struct uvpi_boot_device **ret_devices);
/* The position of a disk or of an interface in that list, from 1 on; 0 when it is not in it. */
int uvpi_boot_index(const struct uvp_config *config, const struct uvpi_disk *disk, const struct uvpi_vif *vif);

/* What reads the guest's disk when it starts. */
enum uvpi_loader {
	UVPI_LOADER_NONE = 0, /* kernel= is started without one */
	UVPI_LOADER_FIRMWARE, /* an HVM guest's */
	UVPI_LOADER_PVGRUB,   /* GRUB, in the guest */
	UVPI_LOADER_PROGRAM   /* bootloader=: in the host */
};
enum uvpi_loader uvpi_config_loader(const struct uvp_config *config);

/* Is there a device of each name, and can a guest of this kind boot from it? INVALID or UNSUPPORTED says why not. */
int uvpi_boot_check(const struct uvp_config *config, const struct uvpi_boot *boot, struct uvp_error *err);
/* The part of it that is refused whatever devices there are. */
int uvpi_boot_unsupported(const struct uvp_config *config, struct uvp_error *err);

#endif
