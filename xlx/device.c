/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/devspec.h"
#include "core/hyp.h"
#include "xlx/open.h"
#include "xlx/whole.h"

/* "phy:/dev/x" "xvdb" "w" is "phy:/dev/x,xvdb,w", as in xl. NULL when out of memory. */
static char *join(const struct xlx_args *args)
{
	size_t len = 1, at = 0;
	char *text;

	for (int i = 1; i < xlx_n_args(args); i++)
		len += strlen(xlx_arg(args, i)) + 1;
	text = malloc(len);
	if (!text)
		return NULL;
	*text = '\0';
	for (int i = 1; i < xlx_n_args(args); i++)
		at += (size_t)snprintf(text + at, len - at, "%s%s", i > 1 ? "," : "", xlx_arg(args, i));
	return text;
}

/* The server of disks in QEMU's formats is not run as root but as a user of this host, whom only the whole xlx can look up. */
static bool needs_whole(enum uvp_device_class device_class, const char *spec)
{
	struct uvpi_disk disk = { NULL };
	bool yes = device_class == UVP_DEVICE_DISK && uvpi_disk_parse(spec, &disk, NULL) == 0 && uvpi_disk_needs_qemu(&disk);

	uvpi_disk_done(&disk);
	return yes;
}

int xlx_device_attach(const struct xlx_args *args, enum uvp_device_class device_class)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_free_ char *spec = join(args);
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	uint32_t devid;
	int r, status;

	if (spec && xlx_is_quick && needs_whole(device_class, spec))
		xlx_whole_now();
	status = spec ? xlx_wait_domain(&wait, args, &host, &domain) : XLX_EXIT_FAILED;
	if (status)
		return status;
	xlx_whole_never();
	r = uvp_device_attach(domain, device_class, spec, wait.no_wait ? UVP_DEVICE_NO_WAIT : 0, &wait.op, &devid, &err);
	bar_done(&wait.bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

int xlx_device_detach(const struct xlx_args *args, enum uvp_device_class device_class)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	bool force = xlx_has(args, "force") || xlx_force();
	struct xlx_wait wait;
	int r, status = xlx_wait_domain(&wait, args, &host, &domain);

	if (status)
		return status;
	xlx_whole_never();
	r = uvp_device_detach(domain, device_class, xlx_arg(args, 1), force ? UVP_DEVICE_FORCE : 0, &wait.op, &err);
	bar_done(&wait.bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}
