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

/* Take its vCPUs off the CPUs, and let them run again. Both return 1 when there was nothing to do. Xen counts pauses;
 * these do not: a domain that was paused twice, by whatever tool, runs after one unpause. */
UVP_PUBLIC int uvp_domain_pause(struct uvp_domain *domain, struct uvp_error *err);
UVP_PUBLIC int uvp_domain_unpause(struct uvp_domain *domain, struct uvp_error *err);
UVP_PUBLIC int uvp_domain_rename(struct uvp_domain *domain, const char *name, struct uvp_error *err);

/* ---- ending ---- */
enum uvp_shutdown { UVP_SHUTDOWN_POWEROFF = 0, UVP_SHUTDOWN_REBOOT = 1, UVP_SHUTDOWN_HALT = 2 };
#define UVP_SHUTDOWN_TRIGGER 1u /* flag: a guest without PV drivers gets the ACPI button instead */
/* Ask the guest. Returns at once, 1 when it has shut down already; UNSUPPORTED when the guest has nothing that
 * listens, BUSY when it is paused. Domain 0 is refused. */
UVP_PUBLIC int uvp_domain_shutdown(struct uvp_domain *domain, enum uvp_shutdown how, unsigned int flags,
				   struct uvp_error *err);
/* Wait until the domain has shut down or is gone; 5 minutes by default. TIMEOUT says what the guest did with the
 * request. Each call looks at its own domain only, so that many can be waited for one after the other. */
UVP_PUBLIC int uvp_domain_wait_shutdown(struct uvp_domain *domain, const struct uvp_op *op,
					struct uvp_error *err);
/* The same until it is gone: somebody (uvp-hostd, xl) has acted on its end. */
UVP_PUBLIC int uvp_domain_wait_gone(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err);
/* End it at once and remove everything it has: in Xen, xenstore, back ends, /run/uvp. Works for half-made domains
 * and for other tools' domains. Domain 0 is refused. */
UVP_PUBLIC int uvp_domain_destroy(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err);

/* ---- signals to the guest ---- */
/* The key of Linux's magic SysRq. UNSUPPORTED and BUSY as for shutdown. Domain 0 is refused. */
UVP_PUBLIC int uvp_domain_send_sysrq(struct uvp_domain *domain, char key, struct uvp_error *err);
/* Hardware events. PV and PVH guests have no buttons, and Xen has no reset and init on x86: UNSUPPORTED. */
enum uvp_trigger {
	UVP_TRIGGER_NMI = 0,
	UVP_TRIGGER_RESET = 1,
	UVP_TRIGGER_INIT = 2,
	UVP_TRIGGER_POWER = 3,
	UVP_TRIGGER_SLEEP = 4
};
UVP_PUBLIC int uvp_domain_trigger(struct uvp_domain *domain, enum uvp_trigger trigger, uint32_t vcpu,
				  struct uvp_error *err);
#define UVP_DUMP_LIVE 1u /* let the domain run meanwhile: the dump may not be of one moment */
/* Write its memory and registers as an ELF core to path, which holds the whole dump or what it held before. The
 * domain is paused meanwhile and runs on afterwards, whatever happens. Has no deadline of its own; can be cancelled. */
UVP_PUBLIC int uvp_domain_dump_core(struct uvp_domain *domain, const char *path, unsigned int flags,
				    const struct uvp_op *op, struct uvp_error *err);

/* A picture of its screen: PNG when path ends in ".png", else PPM. path holds the whole of it, or what it held before. 10 s, or
 * op's deadline. NOT_FOUND when the domain has no QEMU, UNSUPPORTED or INVALID when that has no screen. */
UVP_PUBLIC int uvp_domain_screenshot(struct uvp_domain *domain, const char *path, const struct uvp_op *op,
				     struct uvp_error *err);

/* ---- making ---- */
#define UVP_CREATE_PAUSED 1u
#define UVP_CREATE_NO_POOL 4u /* make every part of it now: take none that was prepared ahead */
#define UVP_CREATE_DRY_RUN 2u /* every check, no change; *ret_domain stays untouched */
UVP_PUBLIC int uvp_domain_create(struct uvp_host *host, const struct uvp_config *config, unsigned int flags,
				 const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err);
/* The configuration a domain of ours runs with; NOT_FOUND for other tools' domains. The caller frees it. */
UVP_PUBLIC int uvp_domain_config(struct uvp_domain *domain, struct uvp_config **ret_config, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
