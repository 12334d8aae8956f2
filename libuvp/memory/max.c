/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Xen allows a domain to have. */
#include <stdio.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/store.h"
#include "domain/domain.h"
#include "memory/memory.h"
#include "stream/suspend.h"

static int set_limit(struct uvp_domain *domain, uint64_t kib, struct uvp_error *err)
{
	struct uvp_memory memory;
	struct uvpi_store *store;
	char path[64], value[24], label[UVPI_LABEL];
	int r = uvpi_memory_read(domain, &memory, NULL, err);

	if (r)
		return r;
	if (kib < memory.target) {
		r = uvpi_fail(err, UVP_E_INVALID, 0,
			      "%s cannot be held to %llu MiB: it was asked to have %llu MiB", uvpi_domain_label(domain, label),
			      (unsigned long long)kib / 1024, (unsigned long long)memory.target / 1024);
		uvpi_hint(err, "lower that first: 'xlx mem-set'");
		return r;
	}
	if (kib < memory.current && kib + UVPI_LIMIT_SLACK_KIB < memory.current) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "%s cannot be held to %llu MiB: it has %llu MiB now",
			      uvpi_domain_label(domain, label), (unsigned long long)kib / 1024,
			      (unsigned long long)memory.current / 1024);
		uvpi_hint(err, "let it give memory back first: 'xlx mem-set'");
		return r;
	}
	r = uvpi_hyp_setmaxmem(domain->host->hyp, domain->domid, kib + UVPI_LIMIT_SLACK_KIB, err);
	if (!r)
		r = uvpi_host_store(domain->host, &store, err);
	if (r)
		return r;
	snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", domain->domid);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)kib);
	r = uvpi_store_write(store, path, value, err);
	if (r && uvpi_hyp_setmaxmem(domain->host->hyp, domain->domid, memory.limit, NULL))
		uvpi_debug("cannot put the memory limit of domain %u back", domain->domid);
	return r;
}

int uvp_domain_set_memory_limit(struct uvp_domain *domain, uint64_t kib, struct uvp_error *err)
{
	int lock = domain->domid ? uvpi_memory_begin(domain, err) : -1, r;

	if (domain->domid && lock < 0)
		return lock;
	r = set_limit(domain, kib, err);
	if (lock >= 0)
		uvpi_saving_end(domain, lock);
	return r;
}
