/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tap devices: network interfaces whose other end is a program, here QEMU. */
#ifndef UVPI_TAP_H
#define UVPI_TAP_H

#include <stdint.h>

#include <uvp/error.h>

struct uvpi_link;
struct uvpi_vif;

/* Make one with this name, up and on a bridge, in the VLANs of its twin. It is gone when the last copy of the descriptor is closed, so
 * that nothing has to remember it. Returns the descriptor. */
int uvpi_tap_open(const char *name, const struct uvpi_link *bridge, uint32_t mtu, const struct uvpi_vif *vif,
		  struct uvp_error *err);

#endif
