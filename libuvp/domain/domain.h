/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of struct uvp_domain, and what is known in xenstore about a domain of ours. */
#ifndef UVPI_DOMAIN_H
#define UVPI_DOMAIN_H

#include <uvp/domain.h>

#include "core/cleanup.h"

struct uvp_domain {
	struct uvp_host *host;
	uint32_t domid;
	uint8_t uuid[16];
	char name[256];
};

int uvpi_domain_new(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], const char *name,
		    struct uvp_domain **ret_domain, struct uvp_error *err);

struct uvpi_batch;
struct uvpi_dominfo;

/* The list made from what Xen has just said of all domains (uvpi_hyp_domains()). */
#define UVPI_LIST_HASTY (1u << 30)    /* wait a third of a second for xenstored and no longer */
#define UVPI_LIST_NO_STORE (1u << 31) /* ask nobody: what is not known is missing, as when xenstored does not answer */
struct uvp_domain_list;
int uvpi_domain_list_of(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, unsigned int flags,
			struct uvp_domain_list *ret_list, struct uvp_error *err);

/* What Xen says now. NOT_FOUND when the domain is gone, even if another one has its id. */
int uvpi_domain_look(const struct uvp_domain *domain, struct uvpi_dominfo *ret_info, struct uvp_error *err);
/* "domain 'web1'", or "domain 7" when it has no name: for messages. Returns buf. */
#define UVPI_LABEL 272
const char *uvpi_domain_label(const struct uvp_domain *domain, char buf[UVPI_LABEL]);
/* The name, or the id as text: for commands in hints. Returns buf. */
const char *uvpi_domain_word(const struct uvp_domain *domain, char buf[UVPI_LABEL]);
/* NOT_FOUND, BUSY or UNSUPPORTED unless the domain can hear requests written to its control nodes now; what is
 * "be asked to shut down", and domain 0 is refused. ret_info may be NULL. */
int uvpi_domain_can_hear(struct uvp_domain *domain, const char *what, struct uvpi_dominfo *ret_info,
			 struct uvp_error *err);
/* Write a control node that the guest may write to, as it must to say that it took the request. */
int uvpi_domain_request(struct uvp_domain *domain, const char *node, const char *value, struct uvp_error *err);

/* Rename the domain that runs, and not its definition. */
int uvpi_domain_rename(struct uvp_domain *domain, const char *name, struct uvp_error *err);

/* The domain's configuration as text, the caller's to free. NOT_FOUND when it has none: made by another tool. */
int uvpi_domain_config_text(const struct uvp_domain *domain, char **ret_text, struct uvp_error *err);
/* Replace it. `before`, what it was, makes that cheaper; NULL if that is not known. */
int uvpi_domain_save_config(struct uvp_domain *domain, const char *before, const char *text, struct uvp_error *err);
/* Queue the nodes that hold it, for a domain that has none yet. */
void uvpi_batch_config(struct uvpi_batch *batch, uint32_t domid, const char *text);

UVPI_DEFINE_CLEANUP(struct uvp_domain *, uvp_domain_free);
#define _cleanup_domain_ UVPI_CLEANUP(uvp_domain_free)

/* Nodes of ours, written by build/create.c before the domain is introduced and removed by destroy:
 *   /uvp/domain/DOMID/uuid        this note belongs to that domain, not to an earlier one with the same id
 *   /uvp/domain/DOMID/cpu/policy  what cpu_policy= was when it started, cpu/level and cpu/pool the pool's; none: Xen's default
 *   /uvp/domain/DOMID/config/N    its configuration as XML, in pieces of at most 3900 bytes, N = 0, 1, ...
 *   /uvp/domain/DOMID/incoming    and outgoing: it moves, and is another host's for now: migrate/handover.h
 *   /uvp/domain/DOMID/restarts    "COUNT SECONDS" how often and since when it was restarted in a row
 * and uvp-hostd's, for a domain that is between two lives:
 *   /uvp/restart/UUID/{name,config/N,restarts}
 */
#define UVPI_NODE_DOMAIN "/uvp/domain"
#define UVPI_NODE_RESTART "/uvp/restart"
#define UVPI_NODE_SLOWED "/uvp/slowed"
#define UVPI_CONFIG_PIECE 3900

#endif
