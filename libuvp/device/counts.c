/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/counts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/num.h"

#define SECTOR 512

bool uvpi_sysfs_read(int dir, const char *path, char *buf, int len)
{
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, (size_t)len - 1);

	if (n < 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

static bool read_count(const char *folder, const char *name, uint64_t unit, uint64_t *ret_count)
{
	char path[160], text[32];
	uint64_t count;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!uvpi_sysfs_read(AT_FDCWD, path, text, sizeof(text)) ||
	    uvpi_parse_u64(text, name, 0, UINT64_MAX / unit, &count, NULL) < 0)
		return false;
	*ret_count = count * unit;
	return true;
}

void uvpi_device_counts(struct uvp_device_info *info, uint32_t domid)
{
	const char *const disk[] = { "rd_req", "wr_req", "rd_sect", "wr_sect" };
	/* What domain 0 sends, the guest receives. */
	const char *const net[] = { "tx_packets", "rx_packets", "tx_bytes", "rx_bytes" };
	uint64_t *const to[] = { &info->reads, &info->writes, &info->read_bytes, &info->write_bytes };
	bool is_disk = !strcmp(info->kind, "vbd");
	char folder[128];

	if (!is_disk && strcmp(info->kind, "vif") != 0)
		return;
	if (is_disk)
		snprintf(folder, sizeof(folder), "/sys/bus/xen-backend/devices/vbd-%" PRIu32 "-%" PRIu32 "/statistics",
			 domid, info->devid);
	else
		snprintf(folder, sizeof(folder), "/sys/class/net/%s/statistics", info->name);
	info->has_counts = true;
	for (int i = 0; i < 4; i++)
		info->has_counts &= read_count(folder, is_disk ? disk[i] : net[i], is_disk && i >= 2 ? SECTOR : 1, to[i]);
}
