/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UVPI_DEVICE_LIST_QEMU_H
#define UVPI_DEVICE_LIST_QEMU_H

#include <uvp/device.h>

struct uvpi_store;

/* For screens and channels, name and target are where they are on the host; front is the front end's folder. Others
 * stay as they are. */
int uvpi_device_list_qemu(struct uvpi_store *store, uint32_t domid, const char *front, struct uvp_device_info *info,
			  struct uvp_error *err);

#endif
