/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain boots from, in order. An order is text: words with commas between, which are "disk", "cdrom", "network",
 * or the name of a device, "xvdb" or "vif0". It is used when the domain boots next, whoever makes it boot. */
#ifndef UVP_BOOT_H
#define UVP_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_config;
struct uvp_definition;
struct uvp_domain;
struct uvp_host;

/* Who follows the order. */
enum uvp_boot_by {
	UVP_BOOT_BY_KERNEL = 0,   /* nobody: kernel= is started, whatever devices there are */
	UVP_BOOT_BY_FIRMWARE = 1, /* of an HVM guest */
	UVP_BOOT_BY_PVGRUB = 2,   /* GRUB, inside a PV or PVH guest */
	UVP_BOOT_BY_PROGRAM = 3   /* bootloader=, on the host */
};

struct uvp_boot_device {
	char name[32];  /* "xvdb", "vif0" */
	char kind[16];   /* "disk", "cdrom" or "network" */
};

struct uvp_boot_order {
	enum uvp_boot_by by;
	bool given; /* in the configuration; false: order is what holds without */
	char *order;
	char *once; /* for the next boot only; NULL: none */
	uint32_t n_devices;
	struct uvp_boot_device *devices; /* that the next boot tries, in this order */
};

/* What a configuration says. *ret_order is for uvp_boot_order_free(). */
UVP_PUBLIC int uvp_config_boot_order(const struct uvp_config *config, struct uvp_boot_order *ret_order,
				     struct uvp_error *err);
UVP_PUBLIC void uvp_boot_order_free(struct uvp_boot_order *order);

/* Set it, in the definition and in what the running domain boots from next. order NULL: what holds without one.
 * once: for the next boot only; then it is forgotten, also when that boot fails. NULL with once takes such an order back.
 * NOT_FOUND when a device is not there, UNSUPPORTED when a guest of this type cannot boot so. host as for
 * uvp_definition_save(). Returns 1 when it was so before. */
UVP_PUBLIC int uvp_definition_set_boot_order(struct uvp_host *host, const struct uvp_definition *definition,
					     const char *order, bool once, struct uvp_error *err);
/* The same for a domain that runs without a definition: it is kept as long as the domain is restarted by uvp-hostd.
 * UNSUPPORTED for other tools' domains. */
UVP_PUBLIC int uvp_domain_set_boot_order(struct uvp_domain *domain, const char *order, bool once,
					 struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
