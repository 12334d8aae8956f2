/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cd-insert and cd-eject */
#include "xlx/device.h"
#include "xlx/open.h"

static int change(const struct xlx_args *args, const char *path)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	bool force = xlx_has(args, "force") || xlx_force();
	struct xlx_wait wait;
	int r, status = xlx_wait_domain(&wait, args, &host, &domain);

	if (status)
		return status;
	r = uvp_cdrom_change(domain, xlx_arg(args, 1), path,
			     (force ? UVP_DEVICE_FORCE : 0) | (wait.no_wait ? UVP_DEVICE_NO_WAIT : 0), &wait.op, &err);
	bar_done(&wait.bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static int run_insert(const struct xlx_args *args)
{
	return change(args, xlx_arg(args, 2));
}

static int run_eject(const struct xlx_args *args)
{
	return change(args, NULL);
}

#define OPT_FORCE { "force", 0, NULL, "take the old one out when the guest does not let go in time", XLX_NO_VALUE }

static const struct xlx_opt insert_opts[] = {
	OPT_FORCE, XLX_OPT_DEVICE_NO_WAIT, XLX_OPT_DEVICE_TIMEOUT, XLX_OPT_PROGRESS, { NULL },
};
static const struct xlx_opt eject_opts[] = { OPT_FORCE, XLX_OPT_DEVICE_TIMEOUT, XLX_OPT_PROGRESS, { NULL } };

const struct xlx_cmd cmd_cd_insert = {
	.name = "cd-insert",
	.group = "Devices",
	.summary = "put a medium into a CD-ROM drive",
	.args = "DOMAIN DRIVE FILE",
	.min_args = 3,
	.max_args = 3,
	.opts = insert_opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_insert,
};

const struct xlx_cmd cmd_cd_eject = {
	.name = "cd-eject",
	.group = "Devices",
	.summary = "empty a CD-ROM drive",
	.args = "DOMAIN DRIVE",
	.min_args = 2,
	.max_args = 2,
	.opts = eject_opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_eject,
};
