/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/disk_share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
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

int uvpi_disk_fail_attaching(struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_BUSY, EBUSY, "somebody else is attaching it to a domain at this moment");
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
		return uvpi_disk_fail_attaching(err);
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

struct uvpi_disk_user {
	unsigned int major, minor;
	bool writes;
	uint32_t domid;
};

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

	if (!colon)
		return false;
	*colon = '\0';
	for (int i = 0; i < 2; i++) {
		snprintf(number, sizeof(number), "0x%.8s", i ? colon + 1 : text);
		if (uvpi_parse_u32(number, "device", 0, UINT32_MAX, &values[i], NULL) < 0)
			return false;
	}
	*ret_major = values[0];
	*ret_minor = values[1];
	return true;
}

/* "vbd-7-51712": disk 51712 of domain 7 */
static bool parse_vbd(const char *name, uint32_t *ret_domid, uint32_t *ret_devid)
{
	const char *dash = strncmp(name, "vbd-", 4) ? NULL : strchr(name + 4, '-');
	char domid[12];

	if (!dash)
		return false;
	snprintf(domid, sizeof(domid), "%.*s", (int)(dash - name - 4), name + 4);
	return uvpi_parse_u32(domid, "domain", 0, UINT32_MAX, ret_domid, NULL) == 0 &&
	       uvpi_parse_u32(dash + 1, "devid", 0, UINT32_MAX, ret_devid, NULL) == 0;
}

static int add_user(struct uvpi_disk_users *users, int dir, const char *folder, struct uvp_error *err)
{
	struct uvpi_disk_user user = { 0 }, *more;
	char text[40], mode[8];
	uint32_t devid;

	if (!parse_vbd(folder, &user.domid, &devid) ||
	    !read_attr(dir, folder, "physical_device", text, sizeof(text)) ||
	    !parse_device(text, &user.major, &user.minor) || !read_attr(dir, folder, "mode", mode, sizeof(mode)))
		return 0;
	user.writes = strchr(mode, 'w') != NULL;
	/* In steps of 32. */
	more = users->n % 32 ? users->list : reallocarray(users->list, (size_t)users->n + 32, sizeof(*more));
	if (!more)
		return uvpi_no_memory(err);
	users->list = more;
	more[users->n++] = user;
	return 0;
}

static int read_users(struct uvpi_disk_users *users, struct uvp_error *err)
{
	DIR *dir = opendir(BACK_ENDS);
	struct dirent *entry;
	int r = 0;

	while (r == 0 && dir && (entry = readdir(dir)))
		r = add_user(users, dirfd(dir), entry->d_name, err);
	if (dir)
		closedir(dir);
	users->read = r == 0;
	return r;
}

void uvpi_disk_users_done(struct uvpi_disk_users *users)
{
	free(users->list);
	*users = (struct uvpi_disk_users){ NULL };
}

static int fail_shared(struct uvpi_store *store, const char *path, const struct uvpi_disk_user *user, bool writes,
		       struct uvp_error *err)
{
	_cleanup_free_ char *name = NULL;
	char node[64];

	snprintf(node, sizeof(node), "/local/domain/%" PRIu32 "/name", user->domid);
	uvpi_store_read(store, node, &name, NULL);
	uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is in use by domain '%.64s' (id %" PRIu32 "), %s", path, name ? name : "",
		  user->domid, writes ? "writing" : "reading");
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

int uvpi_disk_list_lost(const uint32_t *domid, char *buf, size_t size)
{
	DIR *dir = opendir(BACK_ENDS);
	struct dirent *entry;
	size_t len = 0;
	int n = 0;

	buf[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		char text[UVPI_NBD_TEXT], vdev[32];
		unsigned int major, minor;
		uint32_t owner, number;

		if (!parse_vbd(entry->d_name, &owner, &number) || (domid && owner != *domid) ||
		    !read_attr(dirfd(dir), entry->d_name, "physical_device", text, sizeof(text)) ||
		    !parse_device(text, &major, &minor) || major != UVPI_NBD_MAJOR || !uvpi_nbd_text(minor, text) ||
		    !uvpi_qdisk_is_lost(text))
			continue;
		uvpi_vdev_name(number, vdev, sizeof(vdev));
		if (len < size && domid)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", n ? ", " : "", vdev);
		else if (len < size)
			len += (size_t)snprintf(buf + len, size - len, "%sdomain %" PRIu32 " (%s)", n ? ", " : "", owner, vdev);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

static int check_domains(struct uvpi_store *store, struct uvpi_disk_users *users, const struct stat *st,
			 const char *path, bool readonly, struct uvp_error *err)
{
	int r = users->read ? 0 : read_users(users, err);

	for (int i = 0; i < users->n && r == 0; i++) {
		const struct uvpi_disk_user *user = &users->list[i];
		bool writes;

		if (!same_disk(st, user->major, user->minor, &writes))
			continue;
		writes &= user->writes;
		if (!readonly || writes)
			r = fail_shared(store, path, user, writes, err);
	}
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

/* Swap, md, device mapper, a mount of the disk or of a part of it: the kernel lets one have a block device for itself. */
static bool is_claimed(const char *path, bool readonly)
{
	_cleanup_close_ int fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_EXCL | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 && errno == EBUSY;
}

static int fail_claimed(const char *path, struct uvp_error *err)
{
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

/* Has nobody but us the file open, or (readonly) nobody for writing? The kernel grants a lease only then. Whoever opens the
 * file while we have it waits for us, and we are sent a signal, which must be one that kills nobody. False also where
 * the file system has no leases. */
static bool is_unused(int fd, bool readonly)
{
	if (fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETLEASE, readonly ? F_RDLCK : F_WRLCK) < 0)
		return false;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

int uvpi_disk_check_sharing(struct uvpi_store *store, struct uvpi_disk_users *users, int fd, const struct stat *st,
			    const char *path, bool readonly, struct uvp_error *err)
{
	bool claimed = false;
	int r;

	if (S_ISREG(st->st_mode) && is_unused(fd, readonly))
		return 0;
	r = check_domains(store, users, st, path, readonly, err);
	if (r == 0 && S_ISBLK(st->st_mode))
		claimed = is_claimed(path, readonly);
	if (r == 0 && (claimed || S_ISREG(st->st_mode)))
		r = check_mounts(st, path, readonly, err);
	return r == 0 && claimed && !readonly ? fail_claimed(path, err) : r;
}
