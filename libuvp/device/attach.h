/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single devices of a running domain: what attach.c and those beside it share. */
#ifndef UVPI_DEVICE_ATTACH_H
#define UVPI_DEVICE_ATTACH_H

#include <stdbool.h>

#include <uvp/device.h>

struct uvpi_disk;
struct uvpi_dominfo;
struct uvpi_vif;

/* The domain is there, and can have devices. */
int uvpi_device_check_domain(struct uvp_domain *domain, struct uvpi_dominfo *ret_info, struct uvp_error *err);
/* Is this the disk or interface that somebody calls `which`. */
bool uvpi_device_is_meant(const struct uvp_device_info *info, enum uvp_device_class device_class, const char *which);
/* NOT_FOUND, and what there is. */
int uvpi_device_fail_absent(const struct uvp_domain *domain, enum uvp_device_class device_class, const char *which,
			    const struct uvp_device_info *list, int n, struct uvp_error *err);
/* Both with the domain's device lock. One of disk and vif (with its specification) is not NULL; it goes into the
 * domain's configuration, too; the disk's target becomes absolute. */
int uvpi_device_attach(struct uvp_domain *domain, bool pv, struct uvpi_disk *disk, const struct uvpi_vif *vif,
		       const char *vif_spec, unsigned int flags, const struct uvp_op *op, struct uvp_error *err);
/* The configuration stays as it is. */
int uvpi_device_detach(struct uvp_domain *domain, enum uvp_device_class device_class,
		       const struct uvp_device_info *info, unsigned int flags, const struct uvp_op *op,
		       struct uvp_error *err);

#endif
