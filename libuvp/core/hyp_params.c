/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hypervisor's parameters that can be seen and changed while it runs: /params of its own file system. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenhypfs.h>

#include <uvp/host.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"

UVPI_DEFINE_CLEANUP(xenhypfs_handle *, xenhypfs_close);

static int open_params(xenhypfs_handle **ret_fs, struct uvp_error *err)
{
	xenhypfs_handle *fs = xenhypfs_open(uvpi_hyp_logger(), 0);

	if (!fs) {
		if (errno == ENOSYS || errno == EOPNOTSUPP)
			return uvpi_fail(err, UVP_E_UNSUPPORTED, errno,
					 "this Xen shows no parameters: it was built without its file system");
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "open the hypervisor's parameters");
	}
	*ret_fs = fs;
	return 0;
}

static void param_path(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "/params/%s", name);
}

int uvp_host_parameter_list(struct uvp_host *host, struct uvp_parameter **ret_parameters,
			    struct uvp_error *err)
{
	UVPI_CLEANUP(xenhypfs_close) xenhypfs_handle *fs = NULL;
	_cleanup_free_ struct xenhypfs_dirent *entries = NULL;
	struct uvp_parameter *parameters;
	unsigned int n = 0, i;
	int used = 0, r = open_params(&fs, err);

	if (r)
		return r;
	entries = xenhypfs_readdir(fs, "/params", &n);
	if (!entries)
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "list the hypervisor's parameters");
	parameters = calloc(n + 1, sizeof(*parameters));
	if (!parameters)
		return uvpi_no_memory(err);
	for (i = 0; i < n; i++) {
		_cleanup_free_ char *value = NULL;
		char path[128];

		if (entries[i].type == xenhypfs_type_dir)
			continue;
		param_path(entries[i].name, path, sizeof(path));
		value = xenhypfs_read(fs, path);
		snprintf(parameters[used].name, sizeof(parameters[used].name), "%s", entries[i].name);
		snprintf(parameters[used].value, sizeof(parameters[used].value), "%s", value ? value : "");
		parameters[used].writable = entries[i].flags & XENHYPFS_FLAG_WRITABLE;
		used++;
	}
	*ret_parameters = parameters;
	return used;
}

int uvp_host_set_parameter(struct uvp_host *host, const char *name, const char *value, struct uvp_error *err)
{
	UVPI_CLEANUP(xenhypfs_close) xenhypfs_handle *fs = NULL;
	char path[128];
	int r;

	if (!*name || strchr(name, '/') || strlen(name) > 64)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.80s' is no parameter's name", name);
	r = open_params(&fs, err);
	if (r)
		return r;
	param_path(name, path, sizeof(path));
	if (!xenhypfs_write(fs, path, value))
		return 0;
	switch (errno) {
	case ENOENT:
		r = uvpi_fail(err, UVP_E_NOT_FOUND, errno, "Xen has no parameter '%s' that can be changed now", name);
		uvpi_hint(err, "'xlx set-parameters' lists those it has; others are for its command line");
		return r;
	case EACCES:
		return uvpi_fail(err, UVP_E_UNSUPPORTED, errno, "the parameter '%s' cannot be changed while Xen runs",
				 name);
	case EINVAL:
	case EDOM:
	case ERANGE:
	case E2BIG:
	case ENOSPC:
		return uvpi_fail(err, UVP_E_INVALID, errno, "the parameter '%s' cannot be '%s'", name, value);
	default:
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "change the hypervisor's parameter");
	}
}
