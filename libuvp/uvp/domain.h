/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: finding, listing, making and ending them. */
#ifndef UVP_DOMAIN_H
#define UVP_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/config.h>
#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one domain ---- */

/* A domain is its id together with its UUID: an id that now belongs to another domain is NOT_FOUND, never
 * acted upon. Belongs to the host handle it was made from. */
struct uvp_domain;

/* Find by id ("7"), UUID or name. A name of several domains is refused with their ids. NOT_FOUND hints at a near name. */
UVP_PUBLIC int uvp_domain_lookup(struct uvp_host *host, const char *id_uuid_or_name,
				 struct uvp_domain **ret_domain, struct uvp_error *err);
UVP_PUBLIC int uvp_domain_open(struct uvp_host *host, uint32_t domid, struct uvp_domain **ret_domain,
			       struct uvp_error *err);
UVP_PUBLIC void uvp_domain_free(struct uvp_domain *domain);
UVP_PUBLIC uint32_t uvp_domain_id(const struct uvp_domain *domain);
UVP_PUBLIC const uint8_t *uvp_domain_uuid(const struct uvp_domain *domain); /* 16 bytes */
/* Lent; "" for a domain that nobody gave a name (yet). */
UVP_PUBLIC const char *uvp_domain_name(const struct uvp_domain *domain);

UVP_PUBLIC int uvp_domain_pause(struct uvp_domain *domain, struct uvp_error *err);
UVP_PUBLIC int uvp_domain_unpause(struct uvp_domain *domain, struct uvp_error *err);
UVP_PUBLIC int uvp_domain_rename(struct uvp_domain *domain, const char *name, struct uvp_error *err);

/* ---- ending ---- */
enum uvp_shutdown { UVP_SHUTDOWN_POWEROFF = 0, UVP_SHUTDOWN_REBOOT = 1, UVP_SHUTDOWN_HALT = 2 };
#define UVP_SHUTDOWN_TRIGGER 1u /* flag: a guest without PV drivers gets the ACPI button instead */
/* Ask the guest. Returns at once; UNSUPPORTED when the guest has nothing that listens. */
UVP_PUBLIC int uvp_domain_shutdown(struct uvp_domain *domain, enum uvp_shutdown how, unsigned int flags,
				   struct uvp_error *err);
/* Wait until the domain has shut down or is gone. TIMEOUT says what the guest did with the request. */
UVP_PUBLIC int uvp_domain_wait_shutdown(struct uvp_domain *domain, const struct uvp_op *op,
					struct uvp_error *err);
/* End it at once and remove everything it has: in Xen, xenstore, back ends, /run/uvp. Works for half-made domains
 * and for other tools' domains. Domain 0 is refused. */
UVP_PUBLIC int uvp_domain_destroy(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err);

/* ---- making ---- */
#define UVP_CREATE_PAUSED 1u
#define UVP_CREATE_DRY_RUN 2u /* every check, no change; *ret_domain stays untouched */
UVP_PUBLIC int uvp_domain_create(struct uvp_host *host, const struct uvp_config *config, unsigned int flags,
				 const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err);
/* The configuration a domain of ours runs with; NOT_FOUND for other tools' domains. The caller frees it. */
UVP_PUBLIC int uvp_domain_config(struct uvp_domain *domain, struct uvp_config **ret_config, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
