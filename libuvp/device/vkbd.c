/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyboard and pointer of a PV or PVH guest: what is typed at its screen. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "config/pvdev.h"
#include "core/error.h"
#include "device/xenbus.h"

struct vkbd {
	struct uvpi_device dev;
	const char *unique_id;
	bool no_keyboard, no_pointer;
	uint32_t width, height;
};

#define FIELD(key_, kind, field) { .key = key_, .where = UVPI_IN_BACK, .value = kind, .offset = offsetof(struct vkbd, field) }

/* feature-abs-pointer and feature-raw-pointer are QEMU's to write. */
static const struct uvpi_devkey keys[] = {
	FIELD("unique-id", UVPI_VALUE_STRING, unique_id),
	FIELD("feature-disable-keyboard", UVPI_VALUE_BOOL, no_keyboard),
	FIELD("feature-disable-pointer", UVPI_VALUE_BOOL, no_pointer),
	FIELD("width", UVPI_VALUE_U32_SET, width),
	FIELD("height", UVPI_VALUE_U32_SET, height),
	{ .key = NULL },
};

int uvpi_devset_add_vkb(struct uvpi_devset *set, const struct uvpi_vkb *vkb, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_vkbd_class, vkb->devid);
	struct vkbd *vkbd = (struct vkbd *)dev;

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "keyboard %" PRIu32, vkb->devid);
	vkbd->unique_id = vkb->unique_id;
	vkbd->no_keyboard = vkb->no_keyboard;
	vkbd->no_pointer = vkb->no_pointer;
	vkbd->width = vkb->width;
	vkbd->height = vkb->height;
	return 0;
}

const struct uvpi_device_class uvpi_vkbd_class = {
	.kind = "vkbd",
	.size = sizeof(struct vkbd),
	.keys = keys,
};
