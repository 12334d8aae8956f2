/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings that change in a domain while it runs. */
#ifndef UVPI_DEFINE_LIVE_H
#define UVPI_DEFINE_LIVE_H

#include <uvp/define.h>
#include <uvp/device.h>

struct uvpi_live {
	struct uvp_domain *domain;
	const struct uvp_config *config; /* the new one */
	const struct uvp_op *op;
};

/* ---- devices (live_devices.c) ---- */
/* change is that of the list "disk" or "vif". UNSUPPORTED when a device stays and is to be another. */
int uvpi_live_devices(const struct uvpi_live *live, enum uvp_device_class device_class, const struct uvp_change *change,
		      struct uvp_error *err);

/* ---- CPUs (live_cpus.c) ---- */
int uvpi_live_cpus(const struct uvpi_live *live, bool soft, struct uvp_error *err);
int uvpi_live_pool(const struct uvpi_live *live, struct uvp_error *err);
int uvpi_live_weight(const struct uvpi_live *live, struct uvp_error *err);
int uvpi_live_cap(const struct uvpi_live *live, struct uvp_error *err);

#endif
