/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of this host as its kernel shows them: drivers, registers, who uses one; and pciback, which holds those
 * that are for guests. All by address (config/devspec_pci.h). */
#ifndef UVPI_DEVICE_PCI_HOST_H
#define UVPI_DEVICE_PCI_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#define UVPI_PCI_DRIVER 64
#define UVPI_PCI_BARS 7 /* with the ROM's */

struct uvpi_pcidev {
	uint32_t sbdf;
	uint32_t class_code; /* 0x010802 */
	uint16_t vendor, device;
	bool bridge, can_reset;
	char driver[UVPI_PCI_DRIVER]; /* "": none */
	uint32_t irq;                 /* 0: none */
	struct {
		uint64_t start, len; /* len 0: none */
		bool ports;
	} bars[UVPI_PCI_BARS];
};

/* NOT_FOUND when the host has none at that address. */
int uvpi_pcidev_read(uint32_t sbdf, struct uvpi_pcidev *ret_dev, struct uvp_error *err);
/* The functions at a device's address, in order: an array to free(). Returns how many. */
int uvpi_pcidev_functions(uint32_t sbdf, uint32_t **ret_list, struct uvp_error *err);
/* BUSY when this host uses it: a disk of it is mounted or otherwise taken, an interface of it is up. */
int uvpi_pcidev_check_idle(uint32_t sbdf, struct uvp_error *err);
/* The folder of its driver as it is to be remembered, "" without one. */
void uvpi_pcidev_driver_path(uint32_t sbdf, char *buf, int len);
/* Take it from its driver, if it has one; or give it to the driver whose folder that is. */
int uvpi_pcidev_unbind(uint32_t sbdf, struct uvp_error *err);
int uvpi_pcidev_bind(uint32_t sbdf, const char *driver_path, struct uvp_error *err);
/* Nothing of what the last user left in it stays. 0 also where the device cannot be reset: *ret_done says. */
int uvpi_pcidev_reset(uint32_t sbdf, bool *ret_done, struct uvp_error *err);

/* NOT_FOUND, and what to do, unless the kernel has the module. */
int uvpi_pciback_check(struct uvp_error *err);
/* Hand it a device that has no driver. */
int uvpi_pciback_take(uint32_t sbdf, struct uvp_error *err);
int uvpi_pciback_drop(uint32_t sbdf, struct uvp_error *err);
/* It has a slot there and no driver: somebody was interrupted. Settled, pciback has it again; others are left alone. */
bool uvpi_pciback_lost(uint32_t sbdf);
int uvpi_pciback_settle(uint32_t sbdf, struct uvp_error *err);
/* The guest may write to all of the device's configuration space. Off: pciback lets it go and takes it again; nobody
 * may use the device. */
int uvpi_pciback_permissive(uint32_t sbdf, bool on, struct uvp_error *err);
/* Has it a back end for that domain? */
bool uvpi_pciback_serves(uint32_t domid);
/* Those that it holds or has lost: an array to free(). Returns how many; 0 also without the module. */
int uvpi_pciback_list(uint32_t **ret_list, struct uvp_error *err);

#endif
