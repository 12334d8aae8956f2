/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The screen of a PV or PVH guest, which its QEMU draws and shows by VNC. */
#include <stddef.h>
#include <stdio.h>

#include "config/pvdev.h"
#include "core/error.h"
#include "device/xenbus.h"

struct vfb {
	struct uvpi_device dev;
	const char *listen;
	bool vnc, unused;
};

#define FIELD(key_, kind, field) { .key = key_, .where = UVPI_IN_BACK, .value = kind, .offset = offsetof(struct vfb, field) }

/* For people and other tools: QEMU has all of it on its command line. A password is for nobody to read here. */
static const struct uvpi_devkey keys[] = {
	FIELD("vnc", UVPI_VALUE_BOOL, vnc),
	FIELD("vnclisten", UVPI_VALUE_STRING, listen),
	FIELD("vncunused", UVPI_VALUE_BOOL, unused),
	{ .key = NULL },
};

static int add_vfb(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_vfb_class, 0);
	struct vfb *vfb = (struct vfb *)dev;

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "the screen");
	vfb->vnc = devs->vnc.on;
	vfb->listen = devs->vnc.listen;
	vfb->unused = devs->vnc.unused;
	return 0;
}

int uvpi_devset_add_pvdevs(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	int r = devs->has_screen ? add_vfb(set, devs, err) : 0;

	for (int i = 0; i < devs->n_vkbs && r == 0; i++)
		r = uvpi_devset_add_vkb(set, &devs->vkbs[i], err);
	if (r == 0)
		r = uvpi_devset_add_shares(set, devs, err);
	return r < 0 ? r : uvpi_devset_add_channels(set, devs, err);
}

const struct uvpi_device_class uvpi_vfb_class = {
	.kind = "vfb",
	.size = sizeof(struct vfb),
	.keys = keys,
};
