/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Free memory that is promised to domains which have not taken it yet. */
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "memory/memory.h"

int uvp_claim_list(struct uvp_host *host, struct uvp_claim **ret_claims, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	struct uvp_claim *claims;
	int n = uvpi_hyp_domains(host->hyp, 0, &infos, err), i;

	if (n < 0)
		return n;
	claims = calloc((size_t)n + 1, sizeof(*claims));
	if (!claims)
		return uvpi_no_memory(err);
	for (i = 0; i < n; i++) {
		claims[i].domid = infos[i].domid;
		claims[i].claimed = infos[i].outstanding_pages * UVPI_KIB_PER_PAGE;
		claims[i].current = infos[i].pages * UVPI_KIB_PER_PAGE;
	}
	*ret_claims = claims;
	return n;
}
