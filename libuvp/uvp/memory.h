/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory domains have, should have, and may have. Sizes are in KiB. */
#ifndef UVP_MEMORY_H
#define UVP_MEMORY_H

#include <stdint.h>

#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_domain;

struct uvp_memory {
	uint64_t current;  /* the domain has this now */
	uint64_t target;   /* its guest was asked to get to this; 0: nobody asked */
	uint64_t maximum;  /* the guest was made for at most this; 0: not known */
	uint64_t limit;    /* Xen gives it no more than this */
	uint64_t video;    /* of an HVM guest's screen, part of current */
	uint64_t claimed;  /* free memory of the host that is promised to it */
};
UVP_PUBLIC int uvp_domain_get_memory(struct uvp_domain *domain, struct uvp_memory *ret_memory,
				     struct uvp_error *err);

#define UVP_MEMORY_NO_WAIT 1u
/* Ask the guest's balloon driver to give memory back or to take more, and let Xen hold it to that. Waits until it
 * has, as long as it goes on moving (15 s without any ends it), or to op's deadline. TIMEOUT says where the
 * guest stopped; the request stays, and it may follow later. INVALID above the domain's maximum. */
UVP_PUBLIC int uvp_domain_set_memory(struct uvp_domain *domain, uint64_t kib, unsigned int flags,
				     const struct uvp_op *op, struct uvp_error *err);
/* Change what Xen allows. Does not ask the guest for anything; below the target is INVALID. */
UVP_PUBLIC int uvp_domain_set_memory_limit(struct uvp_domain *domain, uint64_t kib, struct uvp_error *err);

struct uvp_claim {
	uint32_t domid;
	uint64_t claimed; /* not taken yet */
	uint64_t current;
};
/* Every domain, with what it has claimed (mostly nothing). Returns the number; free(). */
UVP_PUBLIC int uvp_claim_list(struct uvp_host *host, struct uvp_claim **ret_claims, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
