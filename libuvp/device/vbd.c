/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks that the kernel's blkback serves: block devices, and raw files through loop devices. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/store.h"
#include "device/disk_share.h"
#include "device/loop.h"
#include "device/script.h"
#include "device/xenbus.h"

struct vbd {
	struct uvpi_device dev;
	const struct uvpi_disk *disk;
	char *target;       /* absolute */
	const char *mode;   /* "r" or "w" */
	const char *type;   /* "disk" or "cdrom" */
	const char *protocol;
	bool trusted, discard, direct_io_safe, removable;
	uint32_t number;
	char name[32];
	char node[32];      /* "/dev/loop3"; empty for a block device */
	struct stat st;     /* of the target */
	dev_t rdev;         /* of what the back end opens */
	int loop, lock;
};

#define IN(where_, key_, value_, ...) { .key = key_, .where = where_, .value = value_, __VA_ARGS__ }
#define CONST(where, key, content) IN(where, key, UVPI_VALUE_CONST, .text = content)
#define FIELD(where, key, kind, field) IN(where, key, kind, .offset = offsetof(struct vbd, field))

/* `script` is also for xl destroy, which runs nothing that it does not find there. */
static const struct uvpi_devkey keys[] = {
	FIELD(UVPI_IN_BACK, "params", UVPI_VALUE_STRING, target),
	FIELD(UVPI_IN_BACK, "script", UVPI_VALUE_STRING, dev.script),
	CONST(UVPI_IN_BACK, "type", "phy"),
	FIELD(UVPI_IN_BACK, "removable", UVPI_VALUE_BOOL, removable),
	CONST(UVPI_IN_BACK, "bootable", "1"),
	FIELD(UVPI_IN_BACK, "dev", UVPI_VALUE_CHARS, name),
	FIELD(UVPI_IN_BACK, "mode", UVPI_VALUE_STRING, mode),
	FIELD(UVPI_IN_BACK, "device-type", UVPI_VALUE_STRING, type),
	CONST(UVPI_IN_BACK, "specification", "xen"),
	FIELD(UVPI_IN_BACK, "discard-enable", UVPI_VALUE_BOOL, discard),
	FIELD(UVPI_IN_BACK, "direct-io-safe", UVPI_VALUE_BOOL, direct_io_safe),
	FIELD(UVPI_IN_FRONT, "virtual-device", UVPI_VALUE_U32, number),
	FIELD(UVPI_IN_FRONT, "device-type", UVPI_VALUE_STRING, type),
	FIELD(UVPI_IN_FRONT, "trusted", UVPI_VALUE_BOOL, trusted),
	FIELD(UVPI_IN_FRONT, "protocol", UVPI_VALUE_STRING, protocol),
	{ .key = NULL },
};

int uvpi_devset_add_disk(struct uvpi_devset *set, const struct uvpi_disk *disk, struct uvp_error *err)
{
	struct uvpi_device *dev;
	struct vbd *vbd;

	/* An empty drive is no device: the guest sees one when a medium is in it. */
	if (!disk->target)
		return 0;
	dev = uvpi_devset_add(set, &uvpi_vbd_class, disk->devid);
	vbd = (struct vbd *)dev;
	if (!dev)
		return uvpi_no_memory(err);
	vbd->loop = -1;
	vbd->lock = -1;
	dev->script = uvpi_script_path(disk->script ? disk->script : UVPI_SCRIPT_BLOCK);
	if (!dev->script)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "disk '%s'", disk->vdev);
	snprintf(vbd->name, sizeof(vbd->name), "%s", disk->vdev);
	vbd->disk = disk;
	vbd->number = disk->devid;
	vbd->mode = disk->readonly ? "r" : "w";
	vbd->type = disk->cdrom ? "cdrom" : "disk";
	vbd->removable = disk->cdrom;
	vbd->protocol = set->pv ? "x86_64-abi" : NULL;
	vbd->trusted = !disk->untrusted;
	vbd->discard = !disk->no_discard;
	vbd->direct_io_safe = disk->direct_io_safe;
	return 0;
}

/* ---- before anything is changed ---- */

/* "vg/guest" is /dev/vg/guest, as in xl; other relative paths begin where we run. */
int uvpi_disk_find_target(const struct uvpi_disk *disk, char **ret_path, struct uvp_error *err)
{
	const char *target = disk->target;
	char path[PATH_MAX], *found;
	struct stat st;

	if (*target != '/') {
		snprintf(path, sizeof(path), "/dev/%s", target);
		if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
			target = path;
	}
	found = *target == '/' ? strdup(target) : realpath(target, NULL);
	if (!found && errno == ENOENT)
		return uvpi_fail(err, UVP_E_NOT_FOUND, ENOENT, "'%.300s' does not exist", target);
	if (!found)
		return uvpi_fail_errno(err, errno, "'%.300s'", target);
	*ret_path = found;
	return 0;
}

static int open_target(const struct vbd *vbd, struct stat *ret_st, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(vbd->target, (vbd->disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		int error = errno, r;

		if (error == ENOENT)
			return uvpi_fail(err, UVP_E_NOT_FOUND, error, "'%.300s' does not exist", vbd->target);
		if (error == EISDIR)
			return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is a directory; expected a raw image or a block device",
					 vbd->target);
		r = uvpi_fail_errno(err, error, "cannot open '%.300s'", vbd->target);
		if (error == EROFS || error == EACCES || error == EPERM)
			uvpi_hint(err, "attach it read-only: access=ro");
		return r;
	}
	if (fstat(fd, ret_st) < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%.300s'", vbd->target);
	return uvpi_steal_fd(&fd);
}

static int check_size(const struct vbd *vbd, int fd, const struct stat *st, struct uvp_error *err)
{
	uint64_t size = (uint64_t)st->st_size;

	if (S_ISBLK(st->st_mode) && ioctl(fd, BLKGETSIZE64, &size) < 0)
		return uvpi_fail_errno(err, errno, "cannot read the size of '%.300s'", vbd->target);
	if (size >= 512)
		return 0;
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' has %" PRIu64 " bytes: less than one sector", vbd->target, size);
	uvpi_hint(err, "make it as large as the disk is to be: truncate -s 10G '%.200s'", vbd->target);
	return -UVP_E_INVALID;
}

static bool same_target(const struct stat *a, const struct stat *b)
{
	return S_ISBLK(a->st_mode) ? S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev :
				     a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Disks of the same set, which no back end has open yet. */
static int check_own(const struct uvpi_devset *set, const struct vbd *vbd, struct uvp_error *err)
{
	for (int i = 0; i < set->n && set->list[i] != &vbd->dev; i++) {
		const struct vbd *other = (const struct vbd *)set->list[i];

		if (set->list[i]->class != &uvpi_vbd_class || other->disk->script || !same_target(&vbd->st, &other->st))
			continue;
		if (vbd->disk->shared || (vbd->disk->readonly && other->disk->readonly))
			continue;
		return uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is %s of the same domain already", vbd->target,
				 other->dev.label);
	}
	return 0;
}

static int prepare_target(struct uvpi_devset *set, struct vbd *vbd, bool look_only, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat *st = &vbd->st;
	int r = uvpi_disk_find_target(vbd->disk, &vbd->target, err);

	if (r < 0)
		return r;
	fd = open_target(vbd, st, err);
	if (fd < 0)
		return fd;
	if (!S_ISBLK(st->st_mode) && !S_ISREG(st->st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is neither a file nor a block device", vbd->target);
	r = check_size(vbd, fd, st, err);
	if (r == 0)
		r = check_own(set, vbd, err);
	if (r == 0 && !look_only)
		r = uvpi_disk_lock(st, vbd->disk->readonly || vbd->disk->shared, &vbd->lock, err);
	if (r == 0 && !vbd->disk->shared && S_ISREG(st->st_mode))
		r = uvpi_disk_check_locked(fd, vbd->target, vbd->disk->readonly, err);
	if (r == 0 && !vbd->disk->shared)
		r = uvpi_disk_check_sharing(set->store, st, vbd->target, vbd->disk->readonly, err);
	if (r < 0)
		return r;
	vbd->rdev = st->st_rdev;
	if (S_ISBLK(st->st_mode) || look_only)
		return 0;
	return uvpi_loop_attach(fd, vbd->target, vbd->disk->readonly, &vbd->loop, vbd->node, sizeof(vbd->node),
				&vbd->rdev, err);
}

/* What its target means, and who else may use it, is the script's affair. */
static int prepare_script(struct vbd *vbd, struct uvp_error *err)
{
	vbd->target = strdup(vbd->disk->target);
	return vbd->target ? uvpi_script_check(vbd->dev.script, err) : uvpi_no_memory(err);
}

static int prepare(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err)
{
	struct vbd *vbd = (struct vbd *)dev;
	int r = uvpi_disk_unsupported(vbd->disk, err);

	if (r < 0)
		return r;
	r = vbd->disk->script ? prepare_script(vbd, err) : prepare_target(set, vbd, look_only, err);
	if (r < 0)
		uvpi_prefix(err, "%s", dev->label);
	return r;
}

/* ---- afterwards ---- */

/* The script names the device itself. */
static int connect_script(struct uvpi_devset *set, struct uvpi_device *dev, struct uvp_error *err)
{
	struct uvpi_script script = { dev->script, "vbd", set->domid, dev->devid, "" };
	_cleanup_free_ char *number = NULL;
	char path[160];
	int r = uvpi_script_add(set->store, &script, set->op, err);

	snprintf(path, sizeof(path), "%s/physical-device", dev->backend);
	if (r == 0)
		r = uvpi_store_read(set->store, path, &number, err);
	if (r == 0 && !number)
		r = uvpi_fail(err, UVP_E_PROTOCOL, 0,
			      "script '%.200s' ended well, and did not say which block device it is (physical-device)",
			      dev->script);
	if (r < 0)
		uvpi_prefix(err, "%s", dev->label);
	return r;
}

/* blkback opens the device when it learns its number. */
static int connect_host(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch,
			struct uvp_error *err)
{
	const struct vbd *vbd = (const struct vbd *)dev;
	char path[160];

	if (vbd->disk->script)
		return connect_script(set, dev, err);
	snprintf(path, sizeof(path), "%s/physical-device-path", dev->backend);
	uvpi_batch_write(batch, path, *vbd->node ? vbd->node : vbd->target);
	if (*vbd->node) {
		snprintf(path, sizeof(path), "%s/node", dev->backend);
		uvpi_batch_write(batch, path, vbd->node);
	}
	snprintf(path, sizeof(path), "%s/physical-device", dev->backend);
	uvpi_batch_writef(batch, path, "%x:%x", major(vbd->rdev), minor(vbd->rdev));
	snprintf(path, sizeof(path), "%s/hotplug-status", dev->backend);
	uvpi_batch_write(batch, path, "connected");
	return 0;
}

static void let_go(struct uvpi_device *dev)
{
	struct vbd *vbd = (struct vbd *)dev;

	/* The back end has it open by now, or nobody will: the kernel frees it in the latter case. */
	if (vbd->disk && vbd->loop >= 0)
		close(vbd->loop);
	if (vbd->disk && vbd->lock >= 0)
		close(vbd->lock);
	vbd->loop = -1;
	vbd->lock = -1;
}

static void done(struct uvpi_device *dev)
{
	struct vbd *vbd = (struct vbd *)dev;

	free(vbd->target);
}

const struct uvpi_device_class uvpi_vbd_class = {
	.kind = "vbd",
	.size = sizeof(struct vbd),
	.keys = keys,
	.prepare = prepare,
	.connect = connect_host,
	.release = let_go,
	.done = done,
};

int uvpi_devset_open_disk(struct uvpi_devset *set, uint32_t devid, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		const struct vbd *vbd = (const struct vbd *)set->list[i];
		const char *path;
		int fd;

		if (set->list[i]->class != &uvpi_vbd_class || set->list[i]->devid != devid)
			continue;
		path = *vbd->node ? vbd->node : vbd->target;
		fd = open(path, (vbd->disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		return fd < 0 ? uvpi_fail_errno(err, errno, "cannot open '%.200s'", path) : fd;
	}
	return uvpi_fail(err, UVP_E_INTERNAL, 0, "disk %" PRIu32 " is not attached", devid);
}
