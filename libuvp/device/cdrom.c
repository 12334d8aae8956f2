/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Media of CD-ROM drives. A drive of a PV or PVH guest is a disk that is there while a medium is in it: front ends cannot
 * be told of another medium, so the disk is taken away and another one is attached. Which drives there are, empty
 * ones too, is in the domain's configuration. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "config/xml_list.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "device/attach.h"
#include "device/disk_share.h"
#include "device/record.h"
#include "device/xenbus.h"
#include "dm/dm.h"
#include "domain/domain.h"

static bool is_called(const struct uvpi_disk *disk, const char *which)
{
	uint32_t number;

	return !strcmp(disk->vdev, which) || (uvpi_vdev_number(which, &number, NULL) == 0 && number == disk->devid);
}

static int fail_absent(const struct uvp_domain *domain, const char *which, const char *drives, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain %" PRIu32 " has no CD-ROM drive '%.60s'", domain->domid, which);
	if (*drives)
		uvpi_hint(err, "it has %s", drives);
	else
		uvpi_hint(err, "give it one: xlx block-attach %" PRIu32 " 'format=empty,vdev=xvdc,cdrom'", domain->domid);
	return -UVP_E_NOT_FOUND;
}

/* *ret_disk is for uvpi_disk_done(). */
static int find_drive(const struct uvp_domain *domain, const char *which, struct uvpi_disk *ret_disk,
		      struct uvp_error *err)
{
	_cleanup_value_ struct xlcfg_value list = { .kind = XLCFG_LIST };
	_cleanup_free_ char *text = NULL;
	char drives[128] = "";
	int r = uvpi_domain_config_text(domain, &text, err);

	if (r == 0)
		r = uvpi_xml_list_get(text, "disk", &list, err);
	for (int i = 0; i < list.n_items && r == 0; i++) {
		struct uvpi_disk disk;
		size_t len = strlen(drives);

		r = uvpi_disk_parse(list.items[i].text, &disk, err);
		if (r < 0)
			break;
		if (disk.cdrom && is_called(&disk, which)) {
			*ret_disk = disk;
			return 0;
		}
		if (disk.cdrom)
			snprintf(drives + len, sizeof(drives) - len, "%s%s", len ? ", " : "", disk.vdev);
		uvpi_disk_done(&disk);
	}
	return r < 0 ? r : fail_absent(domain, which, drives, err);
}

/* Would the new medium do? Found out before the old one is taken away. */
static int check_medium(struct uvp_domain *domain, const struct uvpi_disk *disk, struct uvp_error *err)
{
	struct uvpi_devset set = { NULL };
	int r = uvpi_disk_unsupported(disk, err);

	if (r == 0)
		r = uvpi_devset_init(&set, domain->host, domain->uuid, false, err);
	if (r == 0)
		r = uvpi_devset_add_disk(&set, disk, err);
	if (r == 0)
		r = uvpi_devset_prepare(&set, true, err);
	uvpi_devset_done(&set);
	return r;
}

/* 1: there was one. */
static int take_out(struct uvp_domain *domain, uint32_t devid, unsigned int flags, const struct uvp_op *op,
		    struct uvp_error *err)
{
	struct uvp_device_info *list = NULL;
	int n = uvp_device_list(domain, UVP_DEVICE_DISK, &list, err), r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++)
		if (list[i].devid == devid) {
			r = uvpi_device_detach(domain, UVP_DEVICE_DISK, &list[i], flags, op, err);
			if (r == 0)
				r = 1;
		}
	uvp_device_list_free(list, n);
	return r;
}

static int set_medium(struct uvpi_disk *disk, const char *path, struct uvp_error *err)
{
	char *copy = path ? strdup(path) : NULL;

	if (path && !copy)
		return uvpi_no_memory(err);
	free(disk->target);
	disk->target = copy;
	disk->format = path ? UVPI_DISK_RAW : UVPI_DISK_EMPTY;
	return 0;
}

/* The drive stays, and the guest is told. */
static int change_emulated(struct uvp_domain *domain, struct uvpi_disk *disk, const char *path, unsigned int flags,
			   const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_free_ char *absolute = path ? realpath(path, NULL) : NULL;
	int r;

	if (path && !absolute)
		return uvpi_fail_errno(err, errno, "'%.300s'", path);
	r = uvpi_dm_change_medium(domain, disk->devid, absolute, flags & UVP_DEVICE_FORCE, op, err);
	if (r == 0)
		r = set_medium(disk, absolute, err);
	return r < 0 ? r : uvpi_record_disk(domain, disk, err);
}

static int change(struct uvp_domain *domain, bool pv, struct uvpi_disk *disk, const char *path, unsigned int flags,
		  const struct uvp_op *op, struct uvp_error *err)
{
	int r = set_medium(disk, path, err), was;

	if (r == 0 && path)
		r = check_medium(domain, disk, err);
	if (r < 0)
		return r;
	was = take_out(domain, disk->devid, flags, op, err);
	if (was < 0)
		return was;
	if (!path)
		return uvpi_record_disk(domain, disk, err);
	r = uvpi_device_attach(domain, pv, disk, NULL, NULL, flags, op, err);
	if (r < 0 && set_medium(disk, NULL, NULL) == 0) {
		uvpi_record_disk(domain, disk, NULL);
		uvpi_prefix(err, "the drive is empty now");
	}
	return r;
}

int uvp_cdrom_change(struct uvp_domain *domain, const char *which, const char *path, unsigned int flags,
		     const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_disk disk = { NULL };
	struct uvpi_dominfo info;
	_cleanup_close_ int lock = -1;
	int r = uvpi_device_check_domain(domain, &info, err);

	if (r == 0)
		r = uvpi_device_lock(domain->domid, &lock, err);
	if (r == 0)
		r = find_drive(domain, which, &disk, err);
	/* Of domains in an HVM container, those with power buttons are machines with emulated drives. */
	if (r == 0 && info.power_button)
		r = change_emulated(domain, &disk, path, flags, op, err);
	else if (r == 0)
		r = change(domain, !info.hvm, &disk, path, flags, op, err);
	uvpi_disk_done(&disk);
	if (r < 0)
		uvpi_prefix(err, "cannot %s '%.32s' of domain %" PRIu32, path ? "change the medium in" : "empty", which,
			    domain->domid);
	return r;
}
