/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device model of a guest that leaves. Nothing is done here for guests that have none to take along. */
#ifndef UVPI_STREAM_MACHINE_H
#define UVPI_STREAM_MACHINE_H

#include <stdint.h>

#include <uvp/domain.h>
#include <uvp/progress.h>

struct uvp_config;
struct uvpi_machine {
	uint32_t domid;
	struct uvp_qmp *qmp; /* NULL: it has none */
};

/* Before it suspends. The connection is closed before anybody lets the guest go on, or ends it: QEMU serves one at a time. */
int uvpi_machine_open(struct uvpi_machine *machine, struct uvp_domain *domain, const struct uvp_config *config,
		      const struct uvp_op *op, struct uvp_error *err);
void uvpi_machine_close(struct uvpi_machine *machine);
/* Once it has suspended: from here on nothing changes any more. uvpi_resume() takes it back. */
int uvpi_machine_hold(struct uvpi_machine *machine, struct uvp_error *err);
/* While it runs: Xen is told of what the device model writes into its memory. */
int uvpi_machine_log_dirty(struct uvpi_machine *machine, bool on, struct uvp_error *err);
/* Behind its memory: the body of the record MACHINE, the caller's to free; 0 bytes: there is none. */
int uvpi_machine_record(struct uvpi_machine *machine, uint8_t **ret_body, uint32_t *ret_len, struct uvp_error *err);

#endif
