/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of one domain: all of them are one device of xenbus, whose back end, pciback, numbers them. Its nodes have for
 * device K: key-K and dev-K (the address), opts-K, state-K, vdev-K (where the guest sees it; pciback's), name-K; and
 * num_devs. */
#ifndef UVPI_DEVICE_PCI_H
#define UVPI_DEVICE_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "config/devspec_pci.h"
#include "device/xenbus.h"

struct uvpi_store;

/* One function, with what was said of it. */
struct uvpi_pci_given {
	uint32_t sbdf;
	const struct uvpi_pci *spec;
};

/* The n devices of a domain at its creation; borrowed until the set is done. */
int uvpi_devset_add_pcis(struct uvpi_devset *set, const struct uvpi_pci *list, int n, struct uvp_error *err);

/* What they became when the set (NULL: none) was prepared: lent until it is done. Returns how many. */
int uvpi_devset_pcis(const struct uvpi_devset *set, const struct uvpi_pci_given **ret_list);

/* The functions that a specification means: an array to free(). Returns how many. */
int uvpi_pci_expand(struct uvp_host *host, const struct uvpi_pci *spec, uint32_t **ret_list, struct uvp_error *err);
/* With the lock: seize those that are to be seized, and give all to the domain. What was given when one fails is for
 * uvpi_pci_take_back(). */
int uvpi_pci_give_all(struct uvp_host *host, uint32_t domid, const struct uvpi_pci_given *list, int n,
		      struct uvp_error *err);
/* Queue the nodes of device k in the back end's folder. */
void uvpi_pci_write(struct uvpi_batch *batch, const char *backend, int k, const struct uvpi_pci_given *given);

#endif
