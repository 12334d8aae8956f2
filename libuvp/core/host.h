/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of struct uvp_host. */
#ifndef UVPI_HOST_H
#define UVPI_HOST_H

#include <uvp/host.h>

#include "core/cleanup.h"

struct uvpi_backends;
struct uvpi_qemus;
struct uvpi_targets;
struct uvpi_batch;
struct uvpi_hyp;
struct uvpi_store;

struct uvp_host {
	struct uvpi_hyp *hyp;
	struct uvpi_store *store; /* NULL until uvpi_host_store() */
	/* of uvp_stats_take(); NULL until it was asked for devices, for memory */
	struct uvpi_backends *backends;
	struct uvpi_qemus *qemus;
	uint64_t reading_ns;               /* what an undisturbed reading of the figures takes; 0: none was taken */
	struct uvpi_targets *targets;
	int64_t names_ms;    /* when names were asked for, for figures; 0: never */
	uint32_t names_next; /* the domain whose turn is next */
};

/* The host's xenstore connection, made at the first call. */
int uvpi_host_store(struct uvp_host *host, struct uvpi_store **ret_store, struct uvp_error *err);
/* The same; it is made within so long, or not. */
int uvpi_host_store_within(struct uvp_host *host, int patience_ms, struct uvpi_store **ret_store, struct uvp_error *err);
/* A batch of requests on it. */
int uvpi_host_batch(struct uvp_host *host, struct uvpi_batch **ret_batch, struct uvp_error *err);

/* Give the connection up, as one must whose deadline passed: the next call of the above makes a new one. Whatever was lent by
 * it must be gone. */
void uvpi_host_drop_store(struct uvp_host *host);

UVPI_DEFINE_CLEANUP(struct uvp_host *, uvp_host_close);
#define _cleanup_host_ UVPI_CLEANUP(uvp_host_close)

#endif
