/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of a running domain, one at a time: what xlx block-attach and its kin do. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <uvp/device.h>

#include "config/check.h"
#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/step.h"
#include "core/store.h"
#include "device/attach.h"
#include "device/disk_share.h"
#include "device/driver.h"
#include "device/loop.h"
#include "device/qdisk.h"
#include "device/record.h"
#include "device/xenbus.h"
#include "device/xenbus_set.h"
#include "domain/domain.h"
#include "stream/suspend.h"

#define LOOP_MS 5000

static const struct uvpi_device_class *const classes[] = { &uvpi_vbd_class, &uvpi_vif_class };

static const char *const config_keys[] = { "disk", "vif" };

static const char *class_name(enum uvp_device_class device_class)
{
	return device_class == UVP_DEVICE_DISK ? "disk" : "network interface";
}

int uvpi_device_check_domain(struct uvp_domain *domain, struct uvpi_dominfo *ret_info, struct uvp_error *err)
{
	int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, ret_info, err);

	if (r < 0)
		return r;
	if (memcmp(ret_info->uuid, domain->uuid, sizeof(domain->uuid)) != 0 || ret_info->dying)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain %" PRIu32 " is gone", domain->domid);
	if (domain->domid == 0)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "domain 0 has the host's own devices; others are given to guests only");
	return uvpi_saving_refuse_move(domain, err);
}

static int check_domain(struct uvp_domain *domain, enum uvp_device_class device_class, struct uvpi_dominfo *ret_info,
			struct uvp_error *err)
{
	if (device_class >= UVP_DEVICE_ANY)
		return uvpi_fail(err, UVP_E_INVALID, 0, "devices are attached and detached by their class");
	return uvpi_device_check_domain(domain, ret_info, err);
}

/* ---- attach ---- */

/* Interfaces without devid= get the lowest number that is free. */
static int choose_devid(struct uvp_domain *domain, struct uvpi_vif *vif, struct uvp_error *err)
{
	struct uvp_device_info *list = NULL;
	int n = uvp_device_list(domain, UVP_DEVICE_VIF, &list, err);

	if (n < 0)
		return n;
	if (!vif->has_devid)
		for (int i = 0; i < n; i++) /* in order of number */
			if (list[i].devid == vif->devid)
				vif->devid++;
	uvp_device_list_free(list, n);
	return 0;
}

/* Its next life is to have it too, whoever makes that and from wherever. */
static int record(struct uvp_domain *domain, struct uvpi_devset *set, struct uvpi_disk *disk, const char *vif_spec,
		  uint32_t devid, struct uvp_error *err)
{
	char *target = NULL;
	_cleanup_free_ char *named = NULL;
	bool has_path = disk && disk->target && !disk->script && uvpi_backend_is_here(disk->backend);
	int r = has_path ? uvpi_disk_find_target(disk, &target, err) : 0;

	if (r == 0 && has_path) {
		free(disk->target);
		disk->target = target;
	}
	if (r == 0)
		r = disk ? uvpi_driver_name_disk(domain->host, disk, err) :
			   uvpi_driver_name_vif(domain->host, vif_spec, &named, err);
	if (r == 0)
		r = disk ? uvpi_record_disk(domain, disk, err) : uvpi_record_vif(domain, named ? named : vif_spec, devid, err);
	if (r < 0)
		uvpi_devset_remove(set, NULL);
	return r;
}

int uvpi_device_attach(struct uvp_domain *domain, bool pv, struct uvpi_disk *disk, const struct uvpi_vif *vif,
		       const char *vif_spec, unsigned int flags, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_devset set = { NULL };
	int r = uvpi_devset_init(&set, domain->host, domain->uuid, pv, err);

	if (r == 0)
		r = disk ? uvpi_devset_add_disk(&set, disk, err) : uvpi_devset_add_vif(&set, vif, err);
	uvpi_devset_bind(&set, domain->domid);
	if (r == 0)
		r = uvpi_devset_prepare(&set, false, err);
	if (r == 0)
		r = uvpi_devset_attach(&set, !(flags & UVP_DEVICE_NO_WAIT), op, err);
	if (r == 0)
		r = record(domain, &set, disk, vif_spec, disk ? disk->devid : vif->devid, err);
	uvpi_devset_done(&set);
	return r;
}

static int attach_spec(struct uvp_domain *domain, enum uvp_device_class device_class, const char *spec,
		       unsigned int flags, const struct uvp_op *op, uint32_t *ret_devid, struct uvp_error *err)
{
	struct uvpi_disk disk = { NULL };
	struct uvpi_vif vif = { NULL };
	struct uvpi_dominfo info;
	bool is_disk = device_class == UVP_DEVICE_DISK;
	_cleanup_close_ int lock = -1;
	int r = check_domain(domain, device_class, &info, err);

	if (r == 0)
		r = is_disk ? uvpi_disk_parse(spec, &disk, err) : uvpi_vif_parse(spec, &vif, err);
	if (r == 0)
		r = is_disk ? uvpi_disk_unsupported(&disk, err) : uvpi_vif_unsupported(&vif, err);
	/* Its next life is to have it, too. */
	if (r == 0 && info.hvm && info.power_button)
		r = uvpi_check_emulated(is_disk ? &disk : NULL, &vif, err);
	if (r == 0)
		r = uvpi_device_lock(domain->domid, &lock, err);
	if (r == 0 && !is_disk)
		r = choose_devid(domain, &vif, err);
	if (r == 0)
		r = uvpi_device_attach(domain, !info.hvm, is_disk ? &disk : NULL, &vif, spec, flags, op, err);
	if (r == 0)
		*ret_devid = is_disk ? disk.devid : vif.devid;
	uvpi_disk_done(&disk);
	uvpi_vif_done(&vif);
	return r;
}

int uvp_device_attach(struct uvp_domain *domain, enum uvp_device_class device_class, const char *spec,
		      unsigned int flags, const struct uvp_op *op, uint32_t *ret_devid, struct uvp_error *err)
{
	int r = attach_spec(domain, device_class, spec, flags, op, ret_devid, err);

	if (r < 0)
		uvpi_prefix(err, "cannot attach to domain %" PRIu32, domain->domid);
	return r;
}

/* ---- detach ---- */

bool uvpi_device_is_meant(const struct uvp_device_info *info, enum uvp_device_class device_class, const char *which)
{
	uint32_t number;

	if (device_class == UVP_DEVICE_DISK)
		return !strcmp(info->name, which) ||
		       (uvpi_vdev_number(which, &number, NULL) == 0 && number == info->devid);
	return !strcasecmp(info->mac, which) || !strcmp(info->name, which) ||
	       (uvpi_parse_u32(which, "devid", 0, UINT32_MAX, &number, NULL) == 0 && number == info->devid);
}

int uvpi_device_fail_absent(const struct uvp_domain *domain, enum uvp_device_class device_class, const char *which,
			    const struct uvp_device_info *list, int n, struct uvp_error *err)
{
	char names[160] = "";
	size_t len = 0;

	for (int i = 0; i < n && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "", list[i].name);
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain %" PRIu32 " has no %s '%.60s'", domain->domid,
		  class_name(device_class), which);
	if (n)
		uvpi_hint(err, "it has %s", names);
	return -UVP_E_NOT_FOUND;
}

int uvpi_device_detach(struct uvp_domain *domain, enum uvp_device_class device_class,
		       const struct uvp_device_info *info, unsigned int flags, const struct uvp_op *op,
		       struct uvp_error *err)
{
	struct uvpi_devset set = { NULL };
	char label[64];
	int r;

	snprintf(label, sizeof(label), "%s '%s'", class_name(device_class), info->name);
	r = uvpi_devset_init(&set, domain->host, domain->uuid, false, err);
	if (r == 0)
		r = uvpi_devset_add_known(&set, classes[device_class], info->devid, info->backend_domid, label, err);
	uvpi_devset_bind(&set, domain->domid);
	if (r == 0 && info->backend_domid && strcmp(info->backend_path, set.list[0]->backend) != 0) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%.200s serves it by other means than its kernel ('%.200s')",
			      set.list[0]->server_label, info->backend_path);
		uvpi_hint(err, "whoever attached it can detach it: xl %s", device_class == UVP_DEVICE_DISK ? "block-detach" : "network-detach");
	}
	if (r == 0)
		r = uvpi_devset_detach(&set, flags & UVP_DEVICE_FORCE, op, err);
	uvpi_devset_done(&set);
	if (r == 0 && info->target && (!strncmp(info->device, "/dev/loop", 9) || !strncmp(info->device, "/dev/nbd", 8)))
		uvpi_block_wait_free(info->device, info->target, uvpi_now_ms() + LOOP_MS);
	if (r == 0)
		uvpi_qdisk_collect();
	return r;
}

/* An empty drive, or what was detached by somebody who was interrupted, is in the configuration only. 1: it was. */
static int forget(struct uvp_domain *domain, const char *key, const char *which, struct uvp_error *err)
{
	uint32_t devid;
	int r = uvpi_record_find(domain, key, which, &devid, err);

	int removed = r > 0 ? uvpi_record_remove(domain, key, devid, err) : 0;

	return removed < 0 ? removed : r;
}

int uvp_device_detach(struct uvp_domain *domain, enum uvp_device_class device_class, const char *which,
		      unsigned int flags, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_device_info *list = NULL;
	struct uvpi_dominfo info;
	_cleanup_close_ int lock = -1;
	int n = 0, at = -1, r = check_domain(domain, device_class, &info, err);

	if (r == 0)
		r = uvpi_device_lock(domain->domid, &lock, err);
	if (r < 0)
		return r;
	n = uvp_device_list(domain, device_class, &list, err);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (uvpi_device_is_meant(&list[i], device_class, which))
			at = i;
	if (at < 0) {
		uvpi_qdisk_collect(); /* of an attach that was interrupted */
		r = forget(domain, config_keys[device_class], which, err);
		if (r == 0)
			r = uvpi_device_fail_absent(domain, device_class, which, list, n, err);
		else if (r > 0)
			r = 0;
	} else {
		r = uvpi_device_detach(domain, device_class, &list[at], flags, op, err);
		if (r == 0)
			r = uvpi_record_remove(domain, config_keys[device_class], list[at].devid, err);
	}
	uvp_device_list_free(list, n);
	return r;
}
