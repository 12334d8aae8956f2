/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/disk_share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/store.h"
#include "device/counts.h"
#include "device/loop.h"
#include "device/nbd.h"
#include "device/qdisk.h"

#define LOCK_FILE "/run/uvp/devices.lock"
#define BACK_ENDS "/sys/bus/xen-backend/devices"
#define LOOP_MAJOR 7

/* ---- locks: one file, a byte of it for each thing ---- */

static int open_locks(struct uvp_error *err)
{
	int fd;

	if (mkdir("/run/uvp", 0755) < 0 && errno != EEXIST)
		return uvpi_fail_errno(err, errno, "cannot make '/run/uvp'");
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? uvpi_fail_errno(err, errno, "cannot open '" LOCK_FILE "'") : fd;
}

/* The byte that stands for a file or block device: above those that stand for domains. Two that share one by chance
 * could not be set up at the same moment; among 2^62 places they do not. */
static off_t lock_place(const struct stat *st)
{
	uint64_t key = S_ISBLK(st->st_mode) ? (uint64_t)st->st_rdev << 1 | 1 :
					      ((uint64_t)st->st_dev * 0xff51afd7ed558ccdu ^ (uint64_t)st->st_ino) << 1;

	key ^= key >> 33;
	key *= 0x9e3779b97f4a7c15u;
	key ^= key >> 29;
	return (off_t)(key >> 2 | 1ull << 40);
}

int uvpi_disk_lock(const struct stat *st, bool readonly, int *ret_fd, struct uvp_error *err)
{
	struct flock lock = { .l_type = readonly ? F_RDLCK : F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = lock_place(st),
			      .l_len = 1 };
	_cleanup_close_ int fd = open_locks(err);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return uvpi_fail_errno(err, errno, "cannot lock '" LOCK_FILE "'");
		uvpi_fail(err, UVP_E_BUSY, EBUSY, "somebody else is attaching it to a domain at this moment");
		return -UVP_E_BUSY;
	}
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

int uvpi_device_lock(uint32_t domid, int *ret_fd, struct uvp_error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = domid, .l_len = 1 };
	_cleanup_close_ int fd = open_locks(err);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLKW, &lock) < 0)
		return uvpi_fail_errno(err, errno, "cannot lock '" LOCK_FILE "'");
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

/* ---- domains ---- */

static bool read_attr(int dir, const char *folder, const char *attr, char *buf, int len)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, attr);
	return uvpi_sysfs_read(dir, path, buf, len);
}

/* Is the file or block device behind that device, or it itself? *ret_writes: may it be written to through that? */
static bool same_disk(const struct stat *st, unsigned int major, unsigned int minor, bool *ret_writes)
{
	char text[UVPI_NBD_TEXT];
	dev_t dev;
	ino_t ino;

	*ret_writes = true;
	if (major == UVPI_NBD_MAJOR && uvpi_nbd_text(minor, text) && uvpi_nbd_text_has(text, st, ret_writes))
		return true;
	if (S_ISBLK(st->st_mode))
		return st->st_rdev == makedev(major, minor);
	return major == LOOP_MAJOR && uvpi_loop_file(minor, &dev, &ino) && dev == st->st_dev && ino == st->st_ino;
}

/* "3:1f", hexadecimal */
static bool parse_device(char *text, unsigned int *ret_major, unsigned int *ret_minor)
{
	char *colon = strchr(text, ':'), number[16];
	uint32_t values[2];
	const char *parts[] = { text, colon + 1 };

	if (!colon)
		return false;
	*colon = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(number, sizeof(number), "0x%.8s", parts[i]);
		if (uvpi_parse_u32(number, "device", 0, UINT32_MAX, &values[i], NULL) < 0)
			return false;
	}
	*ret_major = values[0];
	*ret_minor = values[1];
	return true;
}

static int fail_shared(struct uvpi_store *store, const char *path, const char *folder, bool writes,
		       struct uvp_error *err)
{
	_cleanup_free_ char *name = NULL;
	char node[64], id[12];

	snprintf(id, sizeof(id), "%.*s", (int)(strcspn(folder + 4, "-") > 10 ? 10 : strcspn(folder + 4, "-")), folder + 4);
	snprintf(node, sizeof(node), "/local/domain/%s/name", id);
	uvpi_store_read(store, node, &name, NULL);
	uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is in use by domain '%.64s' (id %s), %s", path, name ? name : "", id,
		  writes ? "writing" : "reading");
	uvpi_hint(err, "two who do not know of each other destroy each other's data; w! instead of w attaches it all "
		       "the same, for file systems that are made for it");
	return -UVP_E_BUSY;
}

bool uvpi_disk_is_served(const char *device)
{
	DIR *dir = opendir(BACK_ENDS);
	struct dirent *entry;
	bool found = false;
	struct stat st;

	if (stat(device, &st) < 0)
		found = true; /* nobody knows */
	while (!found && dir && (entry = readdir(dir))) {
		unsigned int major, minor;
		char text[40];

		found = !strncmp(entry->d_name, "vbd-", 4) &&
			read_attr(dirfd(dir), entry->d_name, "physical_device", text, sizeof(text)) &&
			parse_device(text, &major, &minor) && st.st_rdev == makedev(major, minor);
	}
	if (dir)
		closedir(dir);
	return found;
}

int uvpi_disk_list_lost(char *buf, size_t size)
{
	DIR *dir = opendir(BACK_ENDS);
	struct dirent *entry;
	size_t len = 0;
	int n = 0;

	buf[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		char text[UVPI_NBD_TEXT], vdev[32], domid[12];
		const char *dash = strncmp(entry->d_name, "vbd-", 4) ? NULL : strchr(entry->d_name + 4, '-');
		unsigned int major, minor;
		uint32_t number;

		if (!dash || !read_attr(dirfd(dir), entry->d_name, "physical_device", text, sizeof(text)) ||
		    !parse_device(text, &major, &minor) || major != UVPI_NBD_MAJOR || !uvpi_nbd_text(minor, text) ||
		    !uvpi_qdisk_is_lost(text) || uvpi_parse_u32(dash + 1, "devid", 0, UINT32_MAX, &number, NULL) < 0)
			continue;
		uvpi_vdev_name(number, vdev, sizeof(vdev));
		snprintf(domid, sizeof(domid), "%.*s", (int)(dash - entry->d_name - 4), entry->d_name + 4);
		if (len < size)
			len += (size_t)snprintf(buf + len, size - len, "%sdomain %s (%s)", n ? ", " : "", domid, vdev);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

static int check_domains(struct uvpi_store *store, const struct stat *st, const char *path, bool readonly,
			 struct uvp_error *err)
{
	DIR *dir = opendir(BACK_ENDS);
	struct dirent *entry;
	int r = 0;

	while (r == 0 && dir && (entry = readdir(dir))) {
		unsigned int major, minor;
		char text[40], mode[8];
		bool writes;

		if (strncmp(entry->d_name, "vbd-", 4) != 0 ||
		    !read_attr(dirfd(dir), entry->d_name, "physical_device", text, sizeof(text)) ||
		    !parse_device(text, &major, &minor) || !same_disk(st, major, minor, &writes))
			continue;
		if (!read_attr(dirfd(dir), entry->d_name, "mode", mode, sizeof(mode)))
			continue;
		writes &= strchr(mode, 'w') != NULL;
		if (!readonly || writes)
			r = fail_shared(store, path, entry->d_name, writes, err);
	}
	if (dir)
		closedir(dir);
	return r;
}

/* ---- this host ---- */

/* "... MAJ:MIN ROOT POINT OPTIONS ... - TYPE SOURCE SUPER-OPTIONS" of /proc/self/mountinfo */
struct mounted {
	unsigned int major, minor;
	char point[200];
	bool writable;
};

static bool parse_mount(char *line, struct mounted *ret_mounted)
{
	char *field[6], *left = line, *end, *colon;
	uint32_t major, minor;

	for (int i = 0; i < 6; i++) {
		field[i] = strsep(&left, " ");
		if (!field[i])
			return false;
	}
	colon = strchr(field[2], ':');
	if (!colon)
		return false;
	*colon = '\0';
	if (uvpi_parse_u32(field[2], "device", 0, UINT32_MAX, &major, NULL) < 0 ||
	    uvpi_parse_u32(colon + 1, "device", 0, UINT32_MAX, &minor, NULL) < 0)
		return false;
	ret_mounted->major = major;
	ret_mounted->minor = minor;
	snprintf(ret_mounted->point, sizeof(ret_mounted->point), "%s", field[4]);
	/* A mount can be read-only while its file system is not. */
	end = left ? strrchr(left, ' ') : NULL;
	ret_mounted->writable = !end || !strncmp(end + 1, "rw", 2);
	return true;
}

static int fail_mounted(const struct mounted *mounted, const char *path, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is mounted on this host at '%.150s', %s", path, mounted->point,
		  mounted->writable ? "writable" : "read-only");
	uvpi_hint(err, "unmount it first: umount '%.150s'", mounted->point);
	return -UVP_E_BUSY;
}

static int check_mounts(const struct stat *st, const char *path, bool readonly, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		struct mounted mounted;
		bool writes;

		line[strcspn(line, "\n")] = '\0';
		if (!parse_mount(line, &mounted) || !same_disk(st, mounted.major, mounted.minor, &writes))
			continue;
		mounted.writable &= writes;
		if (!readonly || mounted.writable)
			return fail_mounted(&mounted, path, err);
	}
	return 0;
}

/* Swap, md, device mapper, or a mounted partition of the disk: the kernel lets one have a block device for itself. */
static int check_claimed(const struct stat *st, const char *path, bool readonly, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;

	if (!S_ISBLK(st->st_mode))
		return 0;
	fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_EXCL | O_CLOEXEC);
	if (fd >= 0 || errno != EBUSY || readonly)
		return 0;
	uvpi_fail(err, UVP_E_BUSY, EBUSY,
		  "'%.200s' is in use by this host: as swap, as part of a RAID or volume group, or one of its partitions is mounted",
		  path);
	uvpi_hint(err, "'lsblk %.200s' shows by what", path);
	return -UVP_E_BUSY;
}

int uvpi_disk_check_locked(int fd, const char *path, bool readonly, struct uvp_error *err)
{
	struct flock lock = { .l_type = readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	char who[32] = "another process";

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	/* Locks that belong to an open file and not to a process have no id. */
	if (lock.l_pid > 0)
		snprintf(who, sizeof(who), "process %d", (int)lock.l_pid);
	uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is locked by %s", path, who);
	uvpi_hint(err, "'fuser -v %.200s' shows who has it open", path);
	return -UVP_E_BUSY;
}

int uvpi_disk_check_sharing(struct uvpi_store *store, const struct stat *st, const char *path, bool readonly,
			    struct uvp_error *err)
{
	int r = check_domains(store, st, path, readonly, err);

	if (r == 0)
		r = check_mounts(st, path, readonly, err);
	return r < 0 ? r : check_claimed(st, path, readonly, err);
}
