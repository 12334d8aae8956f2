/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QEMU in domain 0 serves to a guest, besides disks: screen, keyboard and pointer, shared folders, channels. These
 * keys are kept as text in struct uvp_config; here they become values. */
#ifndef UVPI_CONFIG_PVDEV_H
#define UVPI_CONFIG_PVDEV_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "config/hvm.h"

struct uvp_config;

/* Where a VNC server listens and whom it lets in. */
struct uvpi_vnc {
	bool on, unused; /* unused: any display that is free */
	char *listen;    /* NULL: 127.0.0.1; "ADDRESS:DISPLAY" as in xl, "unix:/PATH" */
	int64_t display; /* -1: not given */
	char *password, *password_file;
	bool tls;        /* by the credentials that the caller gave QEMU as vnctls */
};

struct uvpi_vkb {
	uint32_t devid;
	char *unique_id; /* may be NULL */
	bool no_keyboard, no_pointer;
	uint32_t width, height; /* of an absolute pointer; 0: the guest's default */
};

struct uvpi_folder {
	uint32_t devid;
	char *tag, *path;
};

/* What Linux tells apart by the last digit of a console's number. */
#define UVPI_CHANNELS_MAX 9
struct uvpi_channel {
	uint32_t devid; /* from 1: console 0 is xenconsoled's */
	char *name;
	char *path; /* of a socket; NULL: a pty */
};

#define UVPI_PVDEVS_MAX 16
struct uvpi_pvdevs {
	bool has_screen;
	struct uvpi_vnc vnc;
	char *keymap;
	struct uvpi_vkb vkbs[UVPI_PVDEVS_MAX];
	struct uvpi_folder shares[UVPI_PVDEVS_MAX];
	struct uvpi_channel channels[UVPI_CHANNELS_MAX];
	int n_vkbs, n_shares, n_channels;
	/* the QEMU */
	char *qemu; /* device_model_override; NULL: the host's */
	struct uvpi_hvm_list args;
};

/* Of a PV or PVH guest. On failure *ret_key is the key that is wrong, and there is nothing to free. */
int uvpi_pvdevs_fill(const struct uvp_config *config, struct uvpi_pvdevs *ret_devs, const char **ret_key,
		     struct uvp_error *err);
void uvpi_pvdevs_done(struct uvpi_pvdevs *devs);
/* Does any of it need a QEMU? */
bool uvpi_pvdevs_any(const struct uvpi_pvdevs *devs);
/* Is this one of the keys that are honoured when there are such devices? */
bool uvpi_pvdevs_honours(const struct uvpi_pvdevs *devs, const char *key);

/* One entry of vkb=. */
int uvpi_vkb_parse(const char *text, struct uvpi_vkb *ret_vkb, struct uvp_error *err);
void uvpi_vkb_done(struct uvpi_vkb *vkb);

#endif
