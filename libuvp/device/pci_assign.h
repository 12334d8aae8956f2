/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which PCI devices guests may be given, and who has one. xl keeps its notes in the same nodes of xenstore:
 *   /libxl/pci/0000-03-00-0/driver_path  the driver that had it, and gets it back
 *                           name         what an operator calls it
 *                           domid        the domain that has it: written before it gets it, removed after
 * One process at a time changes them: uvpi_pci_lock(). */
#ifndef UVPI_DEVICE_PCI_ASSIGN_H
#define UVPI_DEVICE_PCI_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/pci.h>

#include "config/devspec_pci.h"

struct uvp_host;
struct uvpi_store;

#define UVPI_PCI_NODES "/libxl/pci"
/* The path of one of its notes. */
const char *uvpi_pci_node(uint32_t sbdf, const char *key, char buf[96]);

int uvpi_pci_lock(int *ret_fd, struct uvp_error *err);
/* The address of what is called so, in either way. */
int uvpi_pci_find(struct uvp_host *host, const char *which, uint32_t *ret_sbdf, struct uvp_error *err);
/* Can it be given to a domain: BUSY, DENIED, UNSUPPORTED and NOT_FOUND say why not. With seize, what needs only to be made
 * assignable is well. What goes together with it may be that domain's (0: nobody's). */
int uvpi_pci_check_free(struct uvp_host *host, uint32_t domid, uint32_t sbdf, bool seize, struct uvp_error *err);
/* Make it assignable, with the lock; it may be so already, or half-way. */
int uvpi_pci_make_assignable(struct uvp_host *host, uint32_t sbdf, const char *name, unsigned int flags,
			     struct uvp_error *err);

/* What there is to say of a device, whoever has it. */
void uvpi_pci_fill(struct uvp_host *host, uint32_t sbdf, struct uvp_pci_info *ret_info);
/* Was it noted that this domain has it? */
bool uvpi_pci_is_noted(struct uvp_host *host, uint32_t domid, uint32_t sbdf);

/* With the lock: note that the domain has it, reset it, and allow it in Xen. Undone when it fails. */
int uvpi_pci_give(struct uvp_host *host, uint32_t domid, uint32_t sbdf, const struct uvpi_pci *spec,
		  struct uvp_error *err);
/* Nobody has it any more; the domain may be gone already. */
int uvpi_pci_take_back(struct uvp_host *host, uint32_t domid, uint32_t sbdf, struct uvp_error *err);
/* The same for all that a domain has. */
int uvpi_pci_take_back_all(struct uvp_host *host, uint32_t domid, struct uvp_error *err);

#endif
