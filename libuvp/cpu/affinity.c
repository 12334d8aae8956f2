/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which physical CPUs a vCPU may and should run on, and which memory nodes go with them. */
#include <stdio.h>
#include <string.h>

#include <uvp/cpu.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "cpu/cpumap.h"
#include "domain/domain.h"

/* Xen refuses a hard affinity that has no CPU of the domain's pool; it does not say that this is the reason. */
static int check_pool(struct uvp_domain *domain, uint32_t pool, const struct uvp_cpumap *hard,
		      struct uvp_error *err)
{
	struct uvp_host *host = domain->host;
	struct uvpi_poolinfo *pools;
	int n = uvpi_hyp_pools(host->hyp, &pools, err), i, r = 0;
	char want[128], have[128];
	struct uvp_cpumap map;
	bool meets = true;
	size_t b;

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		if (pools[i].id != pool)
			continue;
		uvpi_cpumap_from_xen(host, pools[i].cpus, &map);
		meets = false;
		for (b = 0; b < sizeof(map.bits); b++)
			meets = meets || (map.bits[b] & hard->bits[b]);
	}
	if (!meets) {
		uvp_cpumap_format(host, hard, want, sizeof(want));
		uvp_cpumap_format(host, &map, have, sizeof(have));
		r = uvpi_fail(err, UVP_E_INVALID, 0,
			      "cannot pin domain %u to CPU %s: its pool %u has CPU %s", domain->domid, want,
			      pool, have);
		uvpi_hint(err, "choose of the pool's CPUs, or move the domain: 'xlx cpupool-migrate'");
	}
	uvpi_pools_free(pools, n);
	return r;
}

/* Maps as Xen wants them; it writes what it really uses into those it is given. */
struct maps {
	size_t bytes;
	uint8_t *hard, *soft;         /* wanted */
	uint8_t *hard_now, *soft_now; /* for one call */
	uint8_t *old;                 /* n pairs: hard, soft */
};

static void maps_done(struct maps *maps)
{
	free(maps->hard);
	free(maps->soft);
	free(maps->hard_now);
	free(maps->soft_now);
	free(maps->old);
}

static int maps_init(struct maps *maps, struct uvp_host *host, uint32_t n, const struct uvp_cpumap *hard,
		     const struct uvp_cpumap *soft, struct uvp_error *err)
{
	memset(maps, 0, sizeof(*maps));
	maps->bytes = uvpi_hyp_cpumap_bytes(host->hyp);
	maps->hard = hard ? uvpi_cpumap_to_xen(host, hard) : NULL;
	maps->soft = soft ? uvpi_cpumap_to_xen(host, soft) : NULL;
	maps->hard_now = calloc(1, maps->bytes);
	maps->soft_now = calloc(1, maps->bytes);
	maps->old = calloc(n, 2 * maps->bytes);
	if ((hard && !maps->hard) || (soft && !maps->soft) || !maps->hard_now || !maps->soft_now ||
	    !maps->old)
		return uvpi_no_memory(err);
	return 0;
}

static int pin(struct uvp_domain *domain, uint32_t vcpu, struct maps *maps, const uint8_t *hard,
	       const uint8_t *soft, unsigned int flags, struct uvp_error *err)
{
	struct uvpi_hyp *hyp = domain->host->hyp;

	if (hard)
		memcpy(maps->hard_now, hard, maps->bytes);
	if (soft)
		memcpy(maps->soft_now, soft, maps->bytes);
	if (flags & UVP_AFFINITY_FORCE)
		return uvpi_hyp_force_affinity(hyp, domain->domid, vcpu, hard ? maps->hard_now : NULL,
					       soft ? maps->soft_now : NULL, err);
	return uvpi_hyp_set_affinity(hyp, domain->domid, vcpu, hard ? maps->hard_now : NULL,
				     soft ? maps->soft_now : NULL, err);
}

static int pin_all(struct uvp_domain *domain, uint32_t first, uint32_t n, struct maps *maps,
		   unsigned int flags, struct uvp_error *err)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < n && !r; i++)
		r = uvpi_hyp_get_affinity(domain->host->hyp, domain->domid, first + i,
					  maps->old + 2 * i * maps->bytes,
					  maps->old + (2 * i + 1) * maps->bytes, err);
	if (r)
		return r;
	for (i = 0; i < n && !r; i++)
		r = pin(domain, first + i, maps, maps->hard, maps->soft, flags, err);
	if (!r)
		return 0;
	for (; i-- > 0;)
		pin(domain, first + i, maps, maps->old + 2 * i * maps->bytes,
		    maps->old + (2 * i + 1) * maps->bytes, flags, NULL);
	return r;
}

int uvp_vcpu_set_affinity(struct uvp_domain *domain, uint32_t vcpu, const struct uvp_cpumap *hard,
			  const struct uvp_cpumap *soft, unsigned int flags, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	struct maps maps;
	uint32_t n;
	int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

	if (r)
		return r;
	n = info.max_vcpu_id + 1;
	if (vcpu != UVP_VCPU_ALL && vcpu >= n) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain %u has no vCPU %u", domain->domid, vcpu);
		uvpi_hint(err, "it has %u, counted from 0", n);
		return r;
	}
	if (hard) {
		r = check_pool(domain, info.cpupool, hard, err);
		if (r)
			return r;
	}
	if (vcpu != UVP_VCPU_ALL)
		n = 1;
	r = maps_init(&maps, domain->host, n + 1, hard, soft, err);
	if (!r)
		r = pin_all(domain, vcpu == UVP_VCPU_ALL ? 0 : vcpu, n, &maps, flags, err);
	maps_done(&maps);
	return r;
}

int uvp_domain_get_nodes(struct uvp_domain *domain, char *buf, size_t len, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *map = NULL;
	struct uvpi_physinfo phys;
	uint32_t n;
	int r = uvpi_hyp_get_nodes(domain->host->hyp, domain->domid, &map, &n, err);

	if (r == 0)
		r = uvpi_hyp_physinfo(domain->host->hyp, &phys, err);
	if (r < 0)
		return r;
	if (phys.nodes < n) /* Xen has room for more of them than there are */
		n = phys.nodes;
	uvpi_cpulist_format(map, n, buf, len);
	return 0;
}
