/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a domain that runs may run from now on, and how much of the CPUs it gets. */
#include <stdlib.h>
#include <string.h>

#include <uvp/cpu.h>

#include "config/model.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "cpu/cpumap.h"
#include "cpu/share.h"
#include "define/live.h"
#include "domain/domain.h"

static int pin(const struct uvpi_live *live, bool soft, uint32_t vcpu, const struct uvp_cpumap *map, struct uvp_error *err)
{
	return uvp_vcpu_set_affinity(live->domain, vcpu, soft ? NULL : map, soft ? map : NULL, 0, err);
}

/* Those without an entry of their own may run anywhere. */
static int pin_each(const struct uvpi_live *live, bool soft, const struct uvpi_affinity *affinity,
		    const struct uvp_cpumap *anywhere, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	struct uvp_cpumap map;
	int r = uvpi_hyp_domain(live->domain->host->hyp, live->domain->domid, &info, err);

	for (uint32_t vcpu = 0; r == 0 && vcpu <= info.max_vcpu_id; vcpu++) {
		if ((int)vcpu < affinity->n)
			memcpy(&map, &affinity->maps[vcpu], sizeof(map));
		r = pin(live, soft, vcpu, (int)vcpu < affinity->n ? &map : anywhere, err);
	}
	return r;
}

int uvpi_live_cpus(const struct uvpi_live *live, bool soft, struct uvp_error *err)
{
	const struct uvpi_affinity *wanted = soft ? &live->config->cpus_soft : &live->config->cpus;
	_cleanup_free_ uint32_t *node_of = NULL;
	struct uvpi_affinity affinity = { 0 };
	struct uvpi_cpulist_host host;
	struct uvp_cpumap map, anywhere;
	int r = uvpi_cpulist_host(live->domain->host, &host, err);

	if (r < 0)
		return r;
	node_of = (uint32_t *)host.node_of;
	memset(&anywhere, 0xff, sizeof(anywhere));
	r = uvpi_affinity_on(wanted, soft ? "cpus_soft" : "cpus", &host, &affinity, err);
	if (r == 0 && affinity.n > 1) {
		r = pin_each(live, soft, &affinity, &anywhere, err);
	} else if (r == 0) {
		if (affinity.n)
			memcpy(&map, affinity.maps, sizeof(map));
		r = pin(live, soft, UVP_VCPU_ALL, affinity.n ? &map : &anywhere, err);
	}
	uvpi_affinity_done(&affinity);
	return r;
}

int uvpi_live_pool(const struct uvpi_live *live, struct uvp_error *err)
{
	struct uvp_pool pool;
	int r = uvp_pool_lookup(live->domain->host, live->config->pool ? live->config->pool : "0", &pool, err);

	return r < 0 ? r : uvp_pool_move_domain(live->domain->host, &pool, live->domain, err);
}

int uvpi_live_weight(const struct uvpi_live *live, struct uvp_error *err)
{
	if (!live->config->sched.weight)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "what the scheduler's default is shows when the domain is made");
	return uvp_domain_set_sched(live->domain, live->config->sched.weight, -1, err);
}

int uvpi_live_cap(const struct uvpi_live *live, struct uvp_error *err)
{
	const struct uvpi_sched_config *sched = &live->config->sched;
	struct uvpi_physinfo phys;
	int r;

	if (!sched->cap_mhz)
		return uvp_domain_set_sched(live->domain, -1, sched->cap, err);
	r = uvpi_hyp_physinfo(live->domain->host->hyp, &phys, err);
	return r < 0 ? r : uvp_domain_set_sched(live->domain, -1, uvpi_cap_percent(sched->cap_mhz, phys.cpu_khz), err);
}
