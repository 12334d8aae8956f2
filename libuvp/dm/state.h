/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an HVM guest's device model knows, for a guest that is saved, restored or moved. */
#ifndef UVPI_DM_STATE_H
#define UVPI_DM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "dm/dm.h"

#define UVPI_DM_STATE_MAX ((4u << 20) - 64) /* one record of a stream with what is beside it */

struct uvp_domain;
struct uvp_qmp;

struct uvpi_dm_state {
	uint8_t *data; /* QEMU's */
	uint32_t len;
	char version[32]; /* of that QEMU */
	bool fw_cfg; /* its machine has this device, by which it told its firmware of a kernel or a boot order */
};

/* Hold it, so that it changes nothing any more, or let it go on; the guest has suspended. */
int uvpi_dm_hold(struct uvp_qmp *qmp, bool hold, struct uvp_error *err);
/* Of a domain that should have one, and whose monitor is not there. */
void uvpi_dm_hint_ended(struct uvp_error *err);
/* Has it a device model that runs here? */
bool uvpi_dm_is_there(const struct uvp_domain *domain);
/* The same for one that may be held, by somebody who is gone; nothing for a domain without QEMU. */
int uvpi_dm_let_go(struct uvp_domain *domain, struct uvp_error *err);
/* Xen is told of what it writes into the guest's memory, or no longer. */
int uvpi_dm_log_dirty(struct uvp_qmp *qmp, bool on, struct uvp_error *err);
/* What it knows, while it is held; data is the caller's to free. */
int uvpi_dm_save(struct uvp_qmp *qmp, uint32_t domid, struct uvpi_dm_state *ret_state, struct uvp_error *err);
/* One that is to be started begins with dm->state. */
int uvpi_dm_pass_state(struct uvpi_dm *dm, struct uvp_error *err);
/* How many vCPUs are plugged in: the machine that takes the state must have as many. */
int uvpi_dm_count_vcpus(struct uvp_domain *domain, uint32_t *ret_vcpus, struct uvp_error *err);

#endif
