/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders of the host that a guest mounts: its QEMU speaks 9P, and has them in its own root folder under the same names. */
#include <stddef.h>
#include <stdio.h>

#include "config/pvdev.h"
#include "core/error.h"
#include "device/xenbus.h"

struct share {
	struct uvpi_device dev;
	const char *tag, *path;
};

#define FIELD(where_, key_, field) { .key = key_, .where = where_, .value = UVPI_VALUE_STRING, .offset = offsetof(struct share, field) }

static const struct uvpi_devkey keys[] = {
	FIELD(UVPI_IN_BACK, "path", path),
	{ .key = "security_model", .where = UVPI_IN_BACK, .value = UVPI_VALUE_CONST, .text = "none" },
	FIELD(UVPI_IN_FRONT, "tag", tag),
	{ .key = NULL },
};

int uvpi_devset_add_shares(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	for (int i = 0; i < devs->n_shares; i++) {
		const struct uvpi_folder *from = &devs->shares[i];
		struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_9pfs_class, from->devid);
		struct share *share = (struct share *)dev;

		if (!dev)
			return uvpi_no_memory(err);
		snprintf(dev->label, sizeof(dev->label), "folder '%.40s'", from->tag);
		share->tag = from->tag;
		share->path = from->path;
	}
	return 0;
}

const struct uvpi_device_class uvpi_9pfs_class = {
	.kind = "9pfs",
	.size = sizeof(struct share),
	.keys = keys,
};
