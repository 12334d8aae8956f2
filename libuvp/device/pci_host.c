/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/pci_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/devspec_pci.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/step.h"
#include "device/counts.h"

#define DEVICES "/sys/bus/pci/devices"
#define PCIBACK "/sys/bus/pci/drivers/pciback"
#define HEADER_TYPE 0x0e /* in configuration space; bit 7: more functions */

/* ---- files ---- */

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int write_address(const char *path, uint32_t sbdf)
{
	char text[UVPI_PCI_TEXT];

	return write_file(path, uvpi_pci_address(sbdf, text));
}

static const char *attr_path(uint32_t sbdf, const char *attr, char path[PATH_MAX])
{
	char text[UVPI_PCI_TEXT];

	snprintf(path, PATH_MAX, DEVICES "/%s/%s", uvpi_pci_address(sbdf, text), attr);
	return path;
}

static uint32_t read_number(uint32_t sbdf, const char *attr)
{
	char path[PATH_MAX], text[32];
	uint32_t value = 0;

	if (uvpi_sysfs_read(AT_FDCWD, attr_path(sbdf, attr, path), text, sizeof(text)))
		uvpi_parse_u32(text, attr, 0, UINT32_MAX, &value, NULL);
	return value;
}

/* ---- one device ---- */

static void read_bars(uint32_t sbdf, struct uvpi_pcidev *dev)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];
	uint64_t start, end, flags;

	file = fopen(attr_path(sbdf, "resource", path), "re");
	for (int i = 0; file && i < UVPI_PCI_BARS; i++) {
		if (fscanf(file, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
			break;
		if (!start || end < start)
			continue;
		dev->bars[i].start = start;
		dev->bars[i].len = end - start + 1;
		dev->bars[i].ports = flags & 1;
	}
}

/* Bridges have another layout of their registers. */
static bool is_bridge(uint32_t sbdf)
{
	char path[PATH_MAX];
	uint8_t type = 0;
	_cleanup_close_ int fd = open(attr_path(sbdf, "config", path), O_RDONLY | O_CLOEXEC);

	return fd >= 0 && pread(fd, &type, 1, HEADER_TYPE) == 1 && (type & 0x7f) != 0;
}

void uvpi_pcidev_driver_path(uint32_t sbdf, char *buf, int len)
{
	char path[PATH_MAX], full[PATH_MAX];

	snprintf(buf, (size_t)len, "%s", realpath(attr_path(sbdf, "driver", path), full) ? full : "");
}

int uvpi_pcidev_read(uint32_t sbdf, struct uvpi_pcidev *ret_dev, struct uvp_error *err)
{
	struct uvpi_pcidev dev = { .sbdf = sbdf };
	char path[PATH_MAX], driver[PATH_MAX], text[UVPI_PCI_TEXT];

	if (access(attr_path(sbdf, "vendor", path), F_OK) < 0) {
		uvpi_fail(err, UVP_E_NOT_FOUND, errno, "this host has no PCI device %s", uvpi_pci_address(sbdf, text));
		uvpi_hint(err, "'lspci -D' lists those that it has");
		return -UVP_E_NOT_FOUND;
	}
	dev.vendor = (uint16_t)read_number(sbdf, "vendor");
	dev.device = (uint16_t)read_number(sbdf, "device");
	dev.class_code = read_number(sbdf, "class");
	dev.irq = read_number(sbdf, "irq");
	dev.bridge = is_bridge(sbdf) || dev.class_code >> 16 == 6;
	dev.can_reset = access(attr_path(sbdf, "reset", path), W_OK) == 0;
	uvpi_pcidev_driver_path(sbdf, driver, sizeof(driver));
	if (*driver)
		snprintf(dev.driver, sizeof(dev.driver), "%.63s", strrchr(driver, '/') + 1);
	read_bars(sbdf, &dev);
	*ret_dev = dev;
	return 0;
}

int uvpi_pcidev_functions(uint32_t sbdf, uint32_t **ret_list, struct uvp_error *err)
{
	uint32_t *list = calloc(8, sizeof(*list));
	char path[PATH_MAX], text[UVPI_PCI_TEXT];
	int n = 0;

	if (!list)
		return uvpi_no_memory(err);
	for (uint32_t i = 0; i < 8; i++)
		if (access(attr_path((sbdf & ~7u) | i, "vendor", path), F_OK) == 0)
			list[n++] = (sbdf & ~7u) | i;
	if (!n) {
		free(list);
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "this host has no PCI device %s", uvpi_pci_address(sbdf, text));
	}
	*ret_list = list;
	return n;
}

/* ---- who uses it ---- */

/* Where that block device is mounted. */
static bool find_mount(const char *numbers, char *ret_where, int len)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], device[32], where[1024];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d %*d %31s %*s %1023s", device, where) == 2 && !strcmp(device, numbers)) {
			snprintf(ret_where, (size_t)len, "%.200s", where);
			return true;
		}
	return false;
}

static int check_block(const char *name, const char *full, struct uvp_error *err)
{
	char path[PATH_MAX], numbers[32] = "", where[256];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%.4000s/dev", full);
	uvpi_sysfs_read(AT_FDCWD, path, numbers, sizeof(numbers));
	if (find_mount(numbers, where, sizeof(where))) {
		uvpi_fail(err, UVP_E_BUSY, 0, "its disk '%s' is mounted at '%.200s' on this host", name, where);
		uvpi_hint(err, strcmp(where, "/") ? "unmount it first" : "this host runs from it: it cannot be given away");
		return -UVP_E_BUSY;
	}
	snprintf(path, sizeof(path), "/dev/%.60s", name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 || errno != EBUSY)
		return 0;
	uvpi_fail(err, UVP_E_BUSY, errno, "its disk '%s' is in use on this host: part of a volume group or RAID, swap space, or the disk of a guest",
		  name);
	uvpi_hint(err, "'lsblk /dev/%s' shows what is on it", name);
	return -UVP_E_BUSY;
}

static int check_net(const char *name, const char *full, struct uvp_error *err)
{
	char path[PATH_MAX], text[32];
	uint32_t flags = 0;

	snprintf(path, sizeof(path), "%.4000s/flags", full);
	if (uvpi_sysfs_read(AT_FDCWD, path, text, sizeof(text)))
		uvpi_parse_u32(text, "flags", 0, UINT32_MAX, &flags, NULL);
	if (!(flags & 1))
		return 0;
	uvpi_fail(err, UVP_E_BUSY, 0, "its network interface '%s' is up on this host", name);
	uvpi_hint(err, "ip link set %s down, if this host can do without it", name);
	return -UVP_E_BUSY;
}

/* All block devices, or network interfaces, whose place is below the device's. */
static int check_class(const char *class, const char *device,
		       int (*check)(const char *, const char *, struct uvp_error *), struct uvp_error *err)
{
	char folder[64], path[PATH_MAX], full[PATH_MAX];
	size_t len = strlen(device);
	struct dirent *entry;
	int r = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/sys/class/%s", class);
	dir = opendir(folder);
	while (dir && r == 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%.255s", folder, entry->d_name);
		if (entry->d_name[0] != '.' && realpath(path, full) && !strncmp(full, device, len) && full[len] == '/')
			r = check(entry->d_name, full, err);
	}
	if (dir)
		closedir(dir);
	return r;
}

int uvpi_pcidev_check_idle(uint32_t sbdf, struct uvp_error *err)
{
	char path[PATH_MAX], device[PATH_MAX];
	int r;

	if (!realpath(attr_path(sbdf, "", path), device))
		return 0;
	r = check_class("block", device, check_block, err);
	return r < 0 ? r : check_class("net", device, check_net, err);
}

/* ---- drivers ---- */

int uvpi_pcidev_unbind(uint32_t sbdf, struct uvp_error *err)
{
	char path[PATH_MAX], text[UVPI_PCI_TEXT];

	/* ENOENT: no driver; ENODEV: none any more */
	if (write_address(attr_path(sbdf, "driver/unbind", path), sbdf) == 0 || errno == ENOENT || errno == ENODEV)
		return 0;
	return uvpi_fail_errno(err, errno, "the driver of %s does not let it go", uvpi_pci_address(sbdf, text));
}

int uvpi_pcidev_bind(uint32_t sbdf, const char *driver_path, struct uvp_error *err)
{
	char path[PATH_MAX], text[UVPI_PCI_TEXT];
	const char *name = strrchr(driver_path, '/');

	/* What is remembered is a path, which anybody could have written who may write there. */
	if (strncmp(driver_path, "/sys/", 5) != 0 || strstr(driver_path, "/../") || !name)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no driver's folder", driver_path);
	snprintf(path, sizeof(path), "%.4000s/bind", driver_path);
	if (write_address(path, sbdf) == 0 || errno == EBUSY)
		return 0;
	if (errno == ENOENT) {
		uvpi_fail(err, UVP_E_NOT_FOUND, errno, "%s was the device of driver '%s', which is not loaded",
			  uvpi_pci_address(sbdf, text), name + 1);
		uvpi_hint(err, "modprobe %s, and try again", name + 1);
		return -UVP_E_NOT_FOUND;
	}
	return uvpi_fail_errno(err, errno, "driver '%s' does not take %s back", name + 1, uvpi_pci_address(sbdf, text));
}

int uvpi_pcidev_reset(uint32_t sbdf, bool *ret_done, struct uvp_error *err)
{
	char path[PATH_MAX], text[UVPI_PCI_TEXT];

	*ret_done = true;
	/* Some kernels' pciback knows more ways than the kernel itself. */
	if (write_address(PCIBACK "/do_flr", sbdf) == 0 || write_file(attr_path(sbdf, "reset", path), "1") == 0)
		return 0;
	*ret_done = false;
	if (errno == ENOENT || errno == ENOTTY || errno == EACCES)
		return 0;
	return uvpi_fail_errno(err, errno, "cannot reset %s", uvpi_pci_address(sbdf, text));
}

/* ---- pciback ---- */

int uvpi_pciback_check(struct uvp_error *err)
{
	if (access(PCIBACK, F_OK) == 0)
		return 0;
	uvpi_fail(err, UVP_E_NOT_FOUND, errno, "the kernel's back end for PCI devices is not loaded");
	uvpi_hint(err, "modprobe xen-pciback");
	return -UVP_E_NOT_FOUND;
}

/* In a file of the driver's whose lines are addresses. */
static bool is_listed(const char *path, uint32_t sbdf)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[64];
	uint32_t other;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, " \n")] = '\0';
		if (uvpi_pci_parse_address(line, &other, NULL, NULL) == 0 && other == sbdf)
			return true;
	}
	return false;
}

/* Two of one would need to be removed twice. */
static bool has_slot(uint32_t sbdf)
{
	return is_listed(PCIBACK "/slots", sbdf);
}

static int add_slot(uint32_t sbdf, struct uvp_error *err)
{
	char text[UVPI_PCI_TEXT];

	if (has_slot(sbdf) || write_address(PCIBACK "/new_slot", sbdf) == 0)
		return 0;
	return uvpi_fail_errno(err, errno, "the kernel's back end does not accept %s", uvpi_pci_address(sbdf, text));
}

int uvpi_pciback_take(uint32_t sbdf, struct uvp_error *err)
{
	char text[UVPI_PCI_TEXT];
	int r = add_slot(sbdf, err);

	if (r == 0 && write_address(PCIBACK "/bind", sbdf) < 0)
		r = uvpi_fail_errno(err, errno, "the kernel's back end does not take %s", uvpi_pci_address(sbdf, text));
	return r;
}

/* The slot first: one with a slot and no driver is to be taken again. */
int uvpi_pciback_drop(uint32_t sbdf, struct uvp_error *err)
{
	char text[UVPI_PCI_TEXT];

	if (has_slot(sbdf) && write_address(PCIBACK "/remove_slot", sbdf) < 0)
		return uvpi_fail_errno(err, errno, "the kernel's back end does not forget %s", uvpi_pci_address(sbdf, text));
	if (write_address(PCIBACK "/unbind", sbdf) < 0 && errno != ENODEV)
		return uvpi_fail_errno(err, errno, "the kernel's back end does not let %s go", uvpi_pci_address(sbdf, text));
	return 0;
}

bool uvpi_pciback_lost(uint32_t sbdf)
{
	struct uvpi_pcidev dev;

	return uvpi_pcidev_read(sbdf, &dev, NULL) == 0 && !*dev.driver && has_slot(sbdf);
}

int uvpi_pciback_settle(uint32_t sbdf, struct uvp_error *err)
{
	return uvpi_pciback_lost(sbdf) ? uvpi_pciback_take(sbdf, err) : 0;
}

/* It forgets what it was told of a device that it lets go of. The slot stays meanwhile, for uvpi_pciback_settle(). */
static int take_anew(uint32_t sbdf, struct uvp_error *err)
{
	char text[UVPI_PCI_TEXT];
	int r = add_slot(sbdf, err);

	if (r == 0 && write_address(PCIBACK "/unbind", sbdf) < 0)
		r = uvpi_fail_errno(err, errno, "the kernel's back end does not let %s go", uvpi_pci_address(sbdf, text));
	UVPI_STEP("pciback let go for a moment");
	return r < 0 ? r : uvpi_pciback_take(sbdf, err);
}

int uvpi_pciback_permissive(uint32_t sbdf, bool on, struct uvp_error *err)
{
	char text[UVPI_PCI_TEXT];

	if (!on)
		return is_listed(PCIBACK "/permissive", sbdf) ? take_anew(sbdf, err) : 0;
	if (write_address(PCIBACK "/permissive", sbdf) < 0)
		return uvpi_fail_errno(err, errno, "permissive: the kernel's back end refuses it for %s", uvpi_pci_address(sbdf, text));
	return 0;
}

bool uvpi_pciback_serves(uint32_t domid)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/xen-backend/pci-%" PRIu32 "-0", domid);
	return access(path, F_OK) == 0;
}

/* ---- what it has ---- */

static int by_address(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct list {
	uint32_t *all;
	int n;
};

static int append(struct list *list, uint32_t sbdf, struct uvp_error *err)
{
	uint32_t *more = reallocarray(list->all, (size_t)list->n + 1, sizeof(*more));

	if (!more)
		return uvpi_no_memory(err);
	list->all = more;
	list->all[list->n++] = sbdf;
	return 0;
}

static int list_held(struct list *list, struct uvp_error *err)
{
	DIR *dir = opendir(PCIBACK);
	struct dirent *entry;
	uint32_t sbdf;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir)))
		if (uvpi_pci_parse_address(entry->d_name, &sbdf, NULL, NULL) == 0)
			r = append(list, sbdf, err);
	if (dir)
		closedir(dir);
	return r;
}

static int list_lost(struct list *list, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *file = fopen(PCIBACK "/slots", "re");
	char line[64];
	uint32_t sbdf;
	int r = 0;

	while (file && r == 0 && fgets(line, sizeof(line), file)) {
		line[strcspn(line, " \n")] = '\0';
		if (uvpi_pci_parse_address(line, &sbdf, NULL, NULL) == 0 && uvpi_pciback_lost(sbdf))
			r = append(list, sbdf, err);
	}
	return r;
}

int uvpi_pciback_list(uint32_t **ret_list, struct uvp_error *err)
{
	struct list list = { NULL, 0 };
	int r = list_held(&list, err);

	if (r == 0)
		r = list_lost(&list, err);
	if (r < 0) {
		free(list.all);
		return r;
	}
	if (list.n)
		qsort(list.all, (size_t)list.n, sizeof(*list.all), by_address);
	*ret_list = list.all;
	return list.n;
}
