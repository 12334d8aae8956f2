/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ip= of a network interface: the guest may only send with its own addresses. A chain of nftables at the interface
 * itself does it (table "uvp" of the family netdev), which the kernel removes with the interface. */
#ifndef UVPI_DEVICE_ANTISPOOF_H
#define UVPI_DEVICE_ANTISPOOF_H

#include <stdint.h>

#include <uvp/error.h>

struct uvpi_net;

/* UNSUPPORTED when this kernel has no nftables. */
int uvpi_antispoof_check(struct uvp_error *err);
int uvpi_antispoof_set(const char *ifname, const uint8_t mac[6], const struct uvpi_net *nets, int n,
		       struct uvp_error *err);

#endif
