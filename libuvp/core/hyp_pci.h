/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hypercalls about PCI devices: who may use one, and its registers and interrupt. */
#ifndef UVPI_HYP_PCI_H
#define UVPI_HYP_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_hyp;

/* An address as Xen has it: segment << 16 | bus << 8 | slot << 3 | function. */
#define UVPI_PCI_GROUP_MAX 64

/* Give it to the domain. relaxed: although memory that the firmware reserved for it is used by others, too. UNSUPPORTED
 * when the domain was made without an IOMMU of its own. */
int uvpi_hyp_pci_assign(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sbdf, bool relaxed, struct uvp_error *err);
/* Take it back: nobody has it then, and what it reads and writes goes nowhere. NOT_FOUND when it was not that domain's. */
int uvpi_hyp_pci_deassign(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sbdf, struct uvp_error *err);
/* Nobody has it from here on, or again domain 0 (which may use it). */
int uvpi_hyp_pci_quarantine(struct uvpi_hyp *hyp, uint32_t sbdf, struct uvp_error *err);
int uvpi_hyp_pci_give_back(struct uvpi_hyp *hyp, uint32_t sbdf, struct uvp_error *err);
/* Does a guest have it? */
bool uvpi_hyp_pci_is_given(struct uvpi_hyp *hyp, uint32_t sbdf);
/* Those in the hands of a domain that the IOMMU cannot tell from this one. Returns how many. */
int uvpi_hyp_pci_group(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sbdf, uint32_t ret_list[UVPI_PCI_GROUP_MAX],
		       struct uvp_error *err);
/* Has the firmware reserved memory for it, which it uses whoever has it? */
bool uvpi_hyp_pci_has_reserved(struct uvpi_hyp *hyp, uint32_t sbdf);
/* Let the domain use pages of I/O memory, I/O ports, an interrupt of the host; or no longer. */
int uvpi_hyp_iomem(struct uvpi_hyp *hyp, uint32_t domid, uint64_t frame, uint64_t n, bool allow, struct uvp_error *err);
int uvpi_hyp_ioports(struct uvpi_hyp *hyp, uint32_t domid, uint32_t first, uint32_t n, bool allow,
		     struct uvp_error *err);
int uvpi_hyp_irq(struct uvpi_hyp *hyp, uint32_t domid, uint32_t irq, bool allow, struct uvp_error *err);

#endif
