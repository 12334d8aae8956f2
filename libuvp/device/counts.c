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
#define QUEUES_MAX 64

static bool read_all(int dir, const char *path, char *buf, int len)
{
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, (size_t)len - 1);

	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

bool uvpi_sysfs_read(int dir, const char *path, char *buf, int len)
{
	if (!read_all(dir, path, buf, len))
		return false;
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

/* "req prod 5 (5) cons 5 (0) event 6 (1)": the number behind that word. */
static bool number_after(const char *text, const char *word, uint32_t *ret_number)
{
	const char *at = strstr(text, word);
	char number[12];
	size_t len;

	if (!at)
		return false;
	at += strlen(word);
	len = strspn(at, "0123456789");
	if (!len || len >= sizeof(number))
		return false;
	memcpy(number, at, len);
	number[len] = '\0';
	return uvpi_parse_u32(number, word, 0, UINT32_MAX, ret_number, NULL) == 0;
}

/* One of the two rings that a queue has, from its title on. Both counters go round at 2^32. */
bool uvpi_ring_parse(const char *text, const char *title, uint32_t *slots, uint32_t *used)
{
	const char *at = strstr(text, title);
	uint32_t size, asked, answered;

	if (!at || !number_after(at, "nr_ents ", &size) || !number_after(at, "req prod ", &asked) ||
	    !number_after(at, "rsp prod ", &answered) || asked - answered > size)
		return false;
	*slots += size;
	*used += asked - answered;
	return true;
}

/* netback shows its rings to those who debug it; where that file system is not mounted nothing is known. */
static void read_rings(struct uvp_device_info *info, uint32_t domid)
{
	for (int queue = 0; queue < QUEUES_MAX; queue++) {
		char path[96], text[1024];

		snprintf(path, sizeof(path), "/sys/kernel/debug/xen-netback/vif%" PRIu32 ".%" PRIu32 "/io_ring_q%d",
			 domid, info->devid, queue);
		if (!read_all(AT_FDCWD, path, text, sizeof(text)))
			return;
		uvpi_ring_parse(text, "TX:", &info->tx_slots, &info->tx_used);
		uvpi_ring_parse(text, "RX:", &info->rx_slots, &info->rx_used);
	}
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
	if (is_disk)
		read_count(folder, "oo_req", 1, &info->ring_full);
	else
		read_rings(info, domid);
}
