/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of the host in a device model. They have been given to the domain before. */
#ifndef UVPI_DM_PASSTHROUGH_H
#define UVPI_DM_PASSTHROUGH_H

#include <stdint.h>

#include <uvp/error.h>
#include <uvp/progress.h>

struct uvp_domain;
struct uvp_qmp;
struct uvpi_batch;
struct uvpi_dm;
struct uvpi_pci_given;

/* Arguments for those of dm->devices. */
int uvpi_dm_pcis(struct uvpi_dm *dm, struct uvp_error *err);
/* Queue where the guest sees n devices, of which the first has that number in the back end's folder. */
int uvpi_dm_note_pcis(struct uvp_qmp *qmp, const char *backend, int first, const struct uvpi_pci_given *list, int n,
		      struct uvpi_batch *batch, const struct uvp_op *op, struct uvp_error *err);
/* Plug in devices whose nodes are there. When that fails, some of them may be all the same: uvpi_dm_unplug_pci() knows. */
int uvpi_dm_plug_pcis(struct uvp_domain *domain, const struct uvpi_pci_given *list, int n, const struct uvp_op *op,
		      struct uvp_error *err);
/* Ask the guest to let go, and wait until it has. 0, too, when the device model has no such device. */
int uvpi_dm_unplug_pci(struct uvp_domain *domain, uint32_t sbdf, const struct uvp_op *op, struct uvp_error *err);

#endif
