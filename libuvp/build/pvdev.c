/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of a new PV or PVH guest that a QEMU serves, and that QEMU. */
#include <string.h>

#include "build/build.h"

int uvpi_build_check_pvdevs(struct uvpi_build *b, struct uvp_error *err)
{
	const char *key;
	int r;

	if (b->config->type == UVPI_TYPE_HVM)
		return 0;
	r = uvpi_pvdevs_fill(b->config, &b->pvdevs, &key, err);
	if (r < 0 || !uvpi_pvdevs_any(&b->pvdevs))
		return r;
	return uvpi_pvdm_check(&b->pvdm, &b->pvdevs, err);
}

/* When the devices' nodes are there: QEMU looks for them when it starts. */
static int start(struct uvpi_devset *set, struct uvp_error *err)
{
	struct uvpi_build *b = set->qemu_data;

	b->pvdm.host = b->host;
	b->pvdm.name = b->config->name;
	b->pvdm.devs = &b->pvdevs;
	b->pvdm.domid = b->domid;
	b->has_dm = true;
	return uvpi_pvdm_start(&b->pvdm, b->op, err);
}

int uvpi_build_add_pvdevs(struct uvpi_build *b, struct uvp_error *err)
{
	b->devices.start_qemu = start;
	b->devices.qemu_data = b;
	return uvpi_devset_add_pvdevs(&b->devices, &b->pvdevs, err);
}
