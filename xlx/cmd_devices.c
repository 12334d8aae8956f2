/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx device-list, and what there is for each class: block-attach, block-detach, block-list, network-attach and so on. */
#include "xlx/device.h"

static const struct xlx_opt attach_opts[] = {
	XLX_OPT_DEVICE_NO_WAIT,
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

static const struct xlx_opt detach_opts[] = {
	{ "force", 0, NULL, "take it away when the guest does not let go in time", XLX_NO_VALUE },
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

static const struct xlx_opt list_opts[] = {
	{ "json", 0, NULL, "print JSON", XLX_NO_VALUE },
	{ "no-header", 0, NULL, "leave the titles out", XLX_NO_VALUE },
	{ NULL },
};

/* One command: what it does to devices of the class, and how it is called. */
#define DEVICE_CMD(symbol, verb, class, ...)                            \
	static int run_##symbol(const struct xlx_args *args)            \
	{                                                               \
		return xlx_device_##verb(args, class);                  \
	}                                                               \
	const struct xlx_cmd cmd_##symbol = {                           \
		.group = "Devices",                                     \
		.opts = verb##_opts,                                    \
		.complete = XLX_COMPLETE_DOMAIN,                        \
		.run = run_##symbol,                                    \
		__VA_ARGS__                                             \
	}

/* The three of a class. `spec` is what attach takes, at least `n` arguments with the domain. */
#define CLASS_CMDS(symbol, text, class, what, plural, spec, n)                                                  \
	DEVICE_CMD(symbol##_attach, attach, class, .name = text "-attach", .args = "DOMAIN " spec,               \
		   .min_args = n, .max_args = -1, .quick = true, .summary = "attach a " what " to a running domain");           \
	DEVICE_CMD(symbol##_detach, detach, class, .name = text "-detach", .args = "DOMAIN DEVICE",              \
		   .min_args = 2, .max_args = 2, .quick = true, .summary = "take a " what " away from a running domain");       \
	DEVICE_CMD(symbol##_list, list, class, .name = text "-list", .args = "[DOMAIN]...", .max_args = -1,      \
		   .summary = "list the " plural " of domains")

DEVICE_CMD(device_list, list, UVP_DEVICE_ANY, .name = "device-list", .args = "[DOMAIN]...", .max_args = -1,
	   .summary = "list the devices of domains, of every class");
CLASS_CMDS(block, "block", UVP_DEVICE_DISK, "disk", "disks", "SPECIFICATION...", 2);
CLASS_CMDS(network, "network", UVP_DEVICE_VIF, "network interface", "network interfaces", "[KEY=VALUE]...", 1);
