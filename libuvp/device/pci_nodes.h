/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes of a running domain's PCI devices (pci.h): read as a whole, and changed one device at a time. */
#ifndef UVPI_DEVICE_PCI_NODES_H
#define UVPI_DEVICE_PCI_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "device/pci.h"

struct uvp_domain;

struct uvpi_pci_nodes {
	struct uvpi_store *store;
	char backend[96];
	int back_state; /* enum uvpi_xenbus */
	int n;
	struct {
		uint32_t sbdf, slot; /* slot UINT32_MAX: not known */
		int state;
		char options[96];
	} devices[UVPI_PCI_LIST_MAX];
};

/* n is 0 when the domain has none. */
int uvpi_pci_nodes_read(struct uvp_domain *domain, struct uvpi_pci_nodes *ret_nodes, struct uvp_error *err);
/* Which one it is; -1: none. */
int uvpi_pci_nodes_find(const struct uvpi_pci_nodes *nodes, uint32_t sbdf);
/* Put some at the end, or ask for one to be let go; connected: tell the back end that there is a change, which the guest must
 * go along with. */
int uvpi_pci_nodes_add(const struct uvpi_pci_nodes *nodes, const struct uvpi_pci_given *list, int n, bool connected,
		       struct uvp_error *err);
int uvpi_pci_nodes_close(const struct uvpi_pci_nodes *nodes, uint32_t sbdf, bool connected, struct uvp_error *err);
/* Remove one; those behind it move up. The back end is to be in the state that it was read in. */
int uvpi_pci_nodes_remove(const struct uvpi_pci_nodes *nodes, uint32_t sbdf, struct uvp_error *err);

#endif
