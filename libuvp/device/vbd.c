/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks that the kernel's blkback serves: block devices, raw files through loop devices, and images in QEMU's formats
 * through network block devices of the disk server. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/store.h"
#include "device/chain.h"
#include "device/disk_share.h"
#include "device/image.h"
#include "device/loop.h"
#include "device/qdisk.h"
#include "device/qdisk_server.h"
#include "device/script.h"
#include "device/xenbus.h"

struct vbd {
	struct uvpi_device dev;
	const struct uvpi_disk *disk;
	char *target;       /* absolute */
	char *params;       /* as other tools read it: the target, or FORMAT:TARGET when QEMU serves it */
	const char *mode;   /* "r" or "w" */
	const char *type;   /* "disk" or "cdrom" */
	const char *protocol;
	bool trusted, discard, direct_io_safe, removable;
	uint32_t number;
	char name[32];
	char node[32];      /* "/dev/loop3", "/dev/nbd0"; empty for a block device */
	struct uvpi_chain chain; /* the target, and what is behind it */
	dev_t rdev;         /* of what the back end opens */
	int loop;           /* or network block device */
};

#define IN(where_, key_, value_, ...) { .key = key_, .where = where_, .value = value_, __VA_ARGS__ }
#define CONST(where, key, content) IN(where, key, UVPI_VALUE_CONST, .text = content)
#define FIELD(where, key, kind, field) IN(where, key, kind, .offset = offsetof(struct vbd, field))

/* `script` is also for xl destroy, which runs nothing that it does not find there. */
static const struct uvpi_devkey keys[] = {
	FIELD(UVPI_IN_BACK, "params", UVPI_VALUE_STRING, params),
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
	FIELD(UVPI_FROM_FRONT, "protocol", UVPI_VALUE_STRING, protocol),
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
	dev->script = uvpi_script_path(disk->script ? disk->script : UVPI_SCRIPT_BLOCK);
	if (!dev->script)
		return uvpi_no_memory(err);
	dev->backend_name = uvpi_backend_is_here(disk->backend) ? NULL : disk->backend;
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

/* Disks of the same set, which no back end has open yet. */
static int check_own(const struct uvpi_devset *set, const struct vbd *vbd, struct uvp_error *err)
{
	for (int i = 0; i < set->n && set->list[i] != &vbd->dev; i++) {
		const struct vbd *other = (const struct vbd *)set->list[i];
		const char *path;

		if (set->list[i]->class != &uvpi_vbd_class || other->disk->script || vbd->disk->shared ||
		    !uvpi_chain_collides(&vbd->chain, &other->chain, &path))
			continue;
		return uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is %s of the same domain already", path, other->dev.label);
	}
	return 0;
}

/* Nobody else may write to any of the files, and nobody may read what is written. */
static bool is_shared(const struct vbd *vbd, int layer)
{
	return vbd->disk->shared && layer == 0;
}

/* A disk server may hold files for somebody who was killed before they became a disk. */
static int check_locked(const struct uvpi_layer *layer, struct uvp_error *err)
{
	if (uvpi_qdisk_has_folder() && uvpi_disk_check_locked(layer->fd, layer->path, layer->readonly, NULL) < 0)
		uvpi_qdisk_collect();
	return uvpi_disk_check_locked(layer->fd, layer->path, layer->readonly, err);
}

static int check_layer(struct uvpi_devset *set, struct vbd *vbd, int i, struct uvp_error *err)
{
	const struct uvpi_layer *layer = &vbd->chain.layers[i];
	int r;

	if (is_shared(vbd, i))
		return 0;
	r = uvpi_disk_check_sharing(set->store, &set->users, layer->fd, &layer->st, layer->path, layer->readonly, err);
	if (r == 0 && S_ISREG(layer->st.st_mode))
		r = check_locked(layer, err);
	return r;
}

/* The block device that the back end opens. */
static int make_device(struct vbd *vbd, struct uvp_error *err)
{
	const struct uvpi_qdisk qdisk = { &vbd->chain, vbd->discard };
	struct uvpi_layer *target = &vbd->chain.layers[0];
	int r;

	vbd->rdev = target->st.st_rdev;
	if (uvpi_disk_needs_qemu(vbd->disk)) {
		r = vbd->disk->shared ? 0 : uvpi_chain_lock(&vbd->chain, err);
		return r < 0 ? r : uvpi_qdisk_attach(&qdisk, &vbd->loop, vbd->node, sizeof(vbd->node), &vbd->rdev, err);
	}
	if (S_ISBLK(target->st.st_mode))
		return 0;
	return uvpi_loop_attach(target->fd, vbd->target, vbd->disk->readonly, &vbd->loop, vbd->node, sizeof(vbd->node),
				&vbd->rdev, err);
}

static int name_target(struct vbd *vbd, struct uvp_error *err)
{
	int r = uvpi_disk_find_target(vbd->disk, &vbd->target, err);

	if (r < 0)
		return r;
	if (!uvpi_disk_needs_qemu(vbd->disk))
		vbd->params = strdup(vbd->target);
	else if (asprintf(&vbd->params, "%s:%s", uvpi_image_name(vbd->disk->format), vbd->target) < 0)
		vbd->params = NULL;
	return vbd->params ? 0 : uvpi_no_memory(err);
}

/* As it was given. */
static int name_elsewhere(struct vbd *vbd, struct uvp_error *err)
{
	vbd->target = strdup(vbd->disk->target);
	vbd->params = vbd->target ? strdup(vbd->target) : NULL;
	return vbd->params ? 0 : uvpi_no_memory(err);
}

static int claim_target(struct uvpi_devset *set, struct vbd *vbd, bool look_only, struct uvp_error *err)
{
	int r = name_target(vbd, err);

	if (r == 0 && uvpi_disk_needs_qemu(vbd->disk))
		r = uvpi_qdisk_check(vbd->disk->format, err);
	if (r == 0)
		r = uvpi_chain_open(&vbd->chain, vbd->target, vbd->disk->format, vbd->disk->readonly, err);
	if (r == 0)
		r = check_own(set, vbd, err);
	for (int i = 0; i < vbd->chain.n && r == 0 && !look_only; i++) {
		struct uvpi_layer *layer = &vbd->chain.layers[i];

		r = uvpi_disk_lock(&layer->st, layer->readonly || is_shared(vbd, i), &layer->lock, err);
	}
	return r;
}

/* What its target means, and who else uses it, is known in that domain only. */
static int claim_elsewhere(const struct uvpi_devset *set, struct vbd *vbd, struct uvp_error *err)
{
	for (int i = 0; i < set->n && set->list[i] != &vbd->dev; i++) {
		const struct vbd *other = (const struct vbd *)set->list[i];

		if (set->list[i]->class != &uvpi_vbd_class || set->list[i]->server != vbd->dev.server || vbd->disk->shared ||
		    vbd->disk->script || (vbd->disk->readonly && other->disk->readonly) ||
		    strcmp(other->disk->target, vbd->disk->target) != 0)
			continue;
		return uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' there is %s of the same domain already", vbd->disk->target,
				 other->dev.label);
	}
	return name_elsewhere(vbd, err);
}

static int claim(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err)
{
	struct vbd *vbd = (struct vbd *)dev;
	int r = uvpi_disk_unsupported(vbd->disk, err);

	if (r == 0 && dev->server)
		r = claim_elsewhere(set, vbd, err);
	else if (r == 0 && !vbd->disk->script)
		r = claim_target(set, vbd, look_only, err);
	if (r < 0)
		uvpi_prefix(err, "%s", dev->label);
	return r;
}

static int prepare_target(struct uvpi_devset *set, struct vbd *vbd, bool look_only, struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < vbd->chain.n && r == 0; i++)
		r = check_layer(set, vbd, i, err);
	if (r < 0 || look_only)
		return r;
	r = make_device(vbd, err);
	/* Whoever serves it has it open now. */
	for (int i = 0; i < vbd->chain.n; i++)
		if (vbd->chain.layers[i].fd >= 0)
			close(uvpi_steal_fd(&vbd->chain.layers[i].fd));
	return r;
}

/* What its target means, and who else may use it, is the script's affair. */
static int prepare_script(struct vbd *vbd, struct uvp_error *err)
{
	int r = name_elsewhere(vbd, err);

	return r < 0 ? r : uvpi_script_check(vbd->dev.script, err);
}

static int prepare(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err)
{
	struct vbd *vbd = (struct vbd *)dev;
	int r = dev->server	    ? 0 :
		vbd->disk->script ? prepare_script(vbd, err) :
				    prepare_target(set, vbd, look_only, err);

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
		close(uvpi_steal_fd(&vbd->loop));
	uvpi_chain_done(&vbd->chain);
}

static void done(struct uvpi_device *dev)
{
	struct vbd *vbd = (struct vbd *)dev;

	free(vbd->target);
	free(vbd->params);
}

const struct uvpi_device_class uvpi_vbd_class = {
	.kind = "vbd",
	.module = "xen-blkback",
	.size = sizeof(struct vbd),
	.keys = keys,
	.claim = claim,
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
		if (vbd->dev.server)
			return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is in %.200s, and cannot be read here", vbd->dev.server_label);
		path = *vbd->node ? vbd->node : vbd->target;
		fd = open(path, (vbd->disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		return fd < 0 ? uvpi_fail_errno(err, errno, "cannot open '%.200s'", path) : fd;
	}
	return uvpi_fail(err, UVP_E_INTERNAL, 0, "disk %" PRIu32 " is not attached", devid);
}
