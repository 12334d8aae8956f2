/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/host.h"

#include <stdlib.h>

#include "core/error.h"
#include "core/hyp.h"
#include "core/store.h"
#include "domain/stats.h"

int uvp_host_open(struct uvp_host **ret_host, struct uvp_error *err)
{
	_cleanup_host_ struct uvp_host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return uvpi_no_memory(err);
	r = uvpi_hyp_open(&host->hyp, err);
	if (r < 0)
		return r;
	*ret_host = uvpi_steal(&host);
	return 0;
}

void uvp_host_close(struct uvp_host *host)
{
	if (!host)
		return;
	uvpi_backends_free(host->backends);
	uvpi_qemus_free(host->qemus);
	uvpi_targets_free(host->targets);
	uvpi_store_close(host->store);
	uvpi_hyp_close(host->hyp);
	free(host);
}

int uvpi_host_store(struct uvp_host *host, struct uvpi_store **ret_store, struct uvp_error *err)
{
	return uvpi_host_store_within(host, UVPI_STORE_PATIENCE_MS, ret_store, err);
}

int uvpi_host_store_within(struct uvp_host *host, int patience_ms, struct uvpi_store **ret_store, struct uvp_error *err)
{
	if (!host->store) {
		int r = uvpi_store_open_within(patience_ms, &host->store, err);

		if (r < 0)
			return r;
	}
	*ret_store = host->store;
	return 0;
}

int uvpi_host_batch(struct uvp_host *host, struct uvpi_batch **ret_batch, struct uvp_error *err)
{
	struct uvpi_store *store;
	int r = uvpi_host_store(host, &store, err);

	return r < 0 ? r : uvpi_batch_new(store, ret_batch, err);
}

void uvpi_host_drop_store(struct uvp_host *host)
{
	uvpi_store_close(host->store);
	host->store = NULL;
}
