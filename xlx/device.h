/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands for devices do. Each returns an exit status. */
#ifndef XLX_DEVICE_H
#define XLX_DEVICE_H

#include <uvp/device.h>

#include "xlx/bar.h"
#include "xlx/cmd.h"
#include "xlx/wait.h"

#define XLX_OPT_DEVICE_NO_WAIT { "no-wait", 0, NULL, "do not wait until the guest has connected", XLX_NO_VALUE }
#define XLX_OPT_DEVICE_TIMEOUT \
	{ "timeout", 0, "DURATION", "how long to wait for the guest, instead of 10 s: \"30s\", \"2m\"", XLX_VALUE }

/* Argument 0 is the domain; the others, joined by commas, are the specification. */
int xlx_device_attach(const struct xlx_args *args, enum uvp_device_class device_class);
/* Argument 0 is the domain, argument 1 the device. */
int xlx_device_detach(const struct xlx_args *args, enum uvp_device_class device_class);
/* The devices of the domains that the arguments name; without arguments, of all. */
int xlx_device_list(const struct xlx_args *args, enum uvp_device_class device_class);

#endif
