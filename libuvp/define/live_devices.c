/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another list of disks or interfaces for a domain that runs: what is new in it is attached, what is missing detached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/device.h>

#include "config/devspec.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "define/live.h"

struct device {
	const char *text; /* its specification */
	char name[32];    /* by which it is the same one as before, and is detached: "xvdb", a MAC address, a number */
	char *target;     /* of a CD-ROM drive: what is in it; NULL: nothing */
	bool cdrom;
};

struct devices {
	struct xlcfg_value value;
	struct device *list;
	int n;
};

static void devices_done(struct devices *devices)
{
	for (int i = 0; i < devices->n; i++)
		free(devices->list[i].target);
	free(devices->list);
	xlcfg_value_done(&devices->value);
}

static int read_disk(struct device *device, struct uvp_error *err)
{
	struct uvpi_disk disk = { NULL };
	int r = uvpi_disk_parse(device->text, &disk, err);

	if (r < 0)
		return r;
	snprintf(device->name, sizeof(device->name), "%s", disk.vdev);
	device->cdrom = disk.cdrom;
	device->target = disk.cdrom ? uvpi_steal(&disk.target) : NULL;
	uvpi_disk_done(&disk);
	return 0;
}

static int read_vif(struct device *device, int i, struct uvp_error *err)
{
	struct uvpi_vif vif = { NULL };
	int r = uvpi_vif_parse(device->text, &vif, err);

	if (r < 0)
		return r;
	if (vif.has_mac)
		uvpi_mac_text(vif.mac, device->name);
	else
		snprintf(device->name, sizeof(device->name), "%u", vif.has_devid ? vif.devid : (unsigned int)i);
	uvpi_vif_done(&vif);
	return 0;
}

/* text: the list in xl.cfg syntax, or NULL for none. */
static int read_devices(enum uvp_device_class device_class, const char *text, struct devices *ret, struct uvp_error *err)
{
	int r = text ? xlcfg_parse_value("modify", 1, text, strlen(text), &ret->value, err) : 0;

	if (r < 0)
		return r;
	ret->list = calloc((size_t)ret->value.n_items + 1, sizeof(*ret->list));
	if (!ret->list)
		return uvpi_no_memory(err);
	for (int i = 0; i < ret->value.n_items && r == 0; i++) {
		struct device *device = &ret->list[ret->n++];

		device->text = ret->value.items[i].text;
		r = device_class == UVP_DEVICE_DISK ? read_disk(device, err) : read_vif(device, i, err);
	}
	return r;
}

static const struct device *find(const struct devices *devices, const char *name)
{
	for (int i = 0; i < devices->n; i++)
		if (!strcmp(devices->list[i].name, name))
			return &devices->list[i];
	return NULL;
}

/* Only media can change while a guest uses a device. */
static bool is_change_of_medium(const struct device *from, const struct device *to)
{
	return from->cdrom && to->cdrom;
}

static int refuse_changed(const struct devices *from, const struct devices *to, struct uvp_error *err)
{
	for (int i = 0; i < to->n; i++) {
		const struct device *now = &to->list[i], *before = find(from, now->name);

		if (!before || !strcmp(before->text, now->text) || is_change_of_medium(before, now))
			continue;
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "'%s' is in use as it was; a device can only come or go while the domain runs",
				 now->name);
	}
	return 0;
}

static int come(const struct uvpi_live *live, enum uvp_device_class device_class, const struct device *before,
		const struct device *now, struct uvp_error *err)
{
	uint32_t devid;
	int r;

	if (before && !strcmp(before->text, now->text))
		return 0;
	if (before)
		return uvp_cdrom_change(live->domain, now->name, now->target, 0, live->op, err);
	r = uvp_device_attach(live->domain, device_class, now->text, 0, live->op, &devid, err);
	return r == -UVP_E_EXISTS ? 0 : r; /* somebody has attached it before it was defined */
}

static int go(const struct uvpi_live *live, enum uvp_device_class device_class, const struct device *before,
	      struct uvp_error *err)
{
	int r = uvp_device_detach(live->domain, device_class, before->name, 0, live->op, err);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0)
		uvpi_prefix(err, "cannot detach '%s'", before->name);
	return r;
}

int uvpi_live_devices(const struct uvpi_live *live, enum uvp_device_class device_class, const struct uvp_change *change,
		      struct uvp_error *err)
{
	struct devices from = { 0 }, to = { 0 };
	int r = read_devices(device_class, change->from, &from, err);

	if (r == 0)
		r = read_devices(device_class, change->to, &to, err);
	if (r == 0)
		r = refuse_changed(&from, &to, err);
	for (int i = 0; i < from.n && r == 0; i++)
		if (!find(&to, from.list[i].name))
			r = go(live, device_class, &from.list[i], err);
	for (int i = 0; i < to.n && r == 0; i++)
		r = come(live, device_class, find(&from, to.list[i].name), &to.list[i], err);
	devices_done(&from);
	devices_done(&to);
	return r;
}
