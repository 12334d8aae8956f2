/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's back ends count. */
#ifndef UVPI_DEVICE_COUNTS_H
#define UVPI_DEVICE_COUNTS_H

#include <uvp/device.h>

/* Fill in the counts of a disk or network interface of this domain, when there are any. */
void uvpi_device_counts(struct uvp_device_info *info, uint32_t domid);
/* Pure, for tests: add what netback's text says of the ring under that title ("TX:", "RX:"). False: it says nothing that
 * makes sense. */
bool uvpi_ring_parse(const char *text, const char *title, uint32_t *slots, uint32_t *used);
/* A short file of sysfs, without the line's end. False when there is none. dir as in openat(). */
bool uvpi_sysfs_read(int dir, const char *path, char *buf, int len);

#endif
