/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration of a running domain follows what is attached to it, so that its next life has the same devices.
 * Of a domain that another tool made there is none, and nothing is done. Call these with the domain's device lock. */
#ifndef UVPI_DEVICE_RECORD_H
#define UVPI_DEVICE_RECORD_H

#include <uvp/domain.h>

struct uvpi_disk;
struct xlcfg_value;

/* The list `key` of the configuration as `edit` leaves it. */
typedef int uvpi_record_edit_list(struct uvp_domain *domain, struct xlcfg_value *list, const void *data,
				  struct uvp_error *err);
int uvpi_record_edit(struct uvp_domain *domain, const char *key, uvpi_record_edit_list *edit, const void *data,
		     struct uvp_error *err);

/* In place of what the configuration says about that number. */
int uvpi_record_disk(struct uvp_domain *domain, const struct uvpi_disk *disk, struct uvp_error *err);
int uvpi_record_vif(struct uvp_domain *domain, const char *spec, uint32_t devid, struct uvp_error *err);
/* key: "disk" or "vif". A device that is not in the configuration need not be removed from it. */
int uvpi_record_remove(struct uvp_domain *domain, const char *key, uint32_t devid, struct uvp_error *err);
/* What is called `which` in the configuration, as uvp_device_detach() has it: 1 and its number; 0: nothing is. */
int uvpi_record_find(struct uvp_domain *domain, const char *key, const char *which, uint32_t *ret_devid,
		     struct uvp_error *err);

/* A PCI device is known by its address; one of a specification that means all functions leaves the others there. Removing
 * returns 1 when it was there. */
int uvpi_record_pci(struct uvp_domain *domain, const char *spec, struct uvp_error *err);
int uvpi_record_remove_pci(struct uvp_domain *domain, uint32_t sbdf, struct uvp_error *err);

#endif
