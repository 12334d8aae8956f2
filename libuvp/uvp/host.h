/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handle to the Xen host this process runs on. A handle belongs to one thread at a time, and
 * neither it nor anything made from it may be used after fork(). */
#ifndef UVP_HOST_H
#define UVP_HOST_H

#include <uvp/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_host;

/* Open the hypervisor's control interface. xenstore is connected when a call first needs it, so a
 * host whose xenstored is gone can still be looked at. Fails with DENIED without root's rights, with
 * UNSUPPORTED where there is no Xen or one of another release. */
UVP_PUBLIC int uvp_host_open(struct uvp_host **ret_host, struct uvp_error *err);

/* NULL is fine. Objects made from the handle must be freed first. */
UVP_PUBLIC void uvp_host_close(struct uvp_host *host);

#ifdef __cplusplus
}
#endif

#endif
