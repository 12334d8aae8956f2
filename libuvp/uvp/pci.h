/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of the host that guests may be given. A device is named by its address, "0000:03:00.0" (or "03:00.0"), or
 * by the name that it got when it was made assignable. */
#ifndef UVP_PCI_H
#define UVP_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/domain.h>
#include <uvp/error.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UVP_PCI_FREE UINT32_MAX

struct uvp_pci_info {
	char address[16];
	char name[72];        /* "" without one */
	char driver[64];      /* of the host, that has it now: "pciback" for what is assignable; "" without one */
	char was_driver[64];  /* that gets it back; "" for none */
	uint32_t class_code;  /* 0x010802 */
	uint16_t vendor, device;
	bool assignable;      /* the kernel's back end holds it */
	bool can_reset;       /* from one user to the next */
	uint32_t domid;       /* that has it, or UVP_PCI_FREE */
	/* of a device that a domain has: */
	uint32_t slot;        /* where the guest sees it; UVP_PCI_FREE when that is not known */
	int32_t state;        /* of the device in its back end, as enum xenbus_state has it */
	char options[96];     /* "msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict" */
	uint64_t reserved[4];
};

#define UVP_PCI_FORGET 1u  /* add: do not remember the driver; remove: do not give the device to it */
#define UVP_PCI_NO_WAIT 2u /* attach: do not wait until the guest has connected */
#define UVP_PCI_FORCE 4u   /* detach: although the guest does not let go in time; add: although this host uses it */

/* Take a device from its driver and let the kernel's back end have it. name may be NULL. BUSY when this host uses it. */
UVP_PUBLIC int uvp_pci_assignable_add(struct uvp_host *host, const char *address, const char *name, unsigned int flags,
				      struct uvp_error *err);
/* The reverse. BUSY when a domain has it. */
UVP_PUBLIC int uvp_pci_assignable_remove(struct uvp_host *host, const char *which, unsigned int flags,
					 struct uvp_error *err);
/* Those that are assignable, whoever has them, and those that were left half-way. Returns how many; free(). */
UVP_PUBLIC int uvp_pci_assignable_list(struct uvp_host *host, struct uvp_pci_info **ret_list, struct uvp_error *err);

/* Give a running domain a device, as an entry of pci= in xl.cfg describes it. Whatever fails, the domain has not got it. */
UVP_PUBLIC int uvp_pci_attach(struct uvp_domain *domain, const char *spec, unsigned int flags, const struct uvp_op *op,
			      struct uvp_error *err);
/* Take it back: it is reset, and assignable again. TIMEOUT when the guest does not let go of it. */
UVP_PUBLIC int uvp_pci_detach(struct uvp_domain *domain, const char *which, unsigned int flags,
			      const struct uvp_op *op, struct uvp_error *err);
/* What a domain has, in the order in which it got it. Returns how many; free(). */
UVP_PUBLIC int uvp_pci_list(struct uvp_domain *domain, struct uvp_pci_info **ret_list, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
