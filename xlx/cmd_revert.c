/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx revert: make a definition what it was before. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/devspec.h"
#include "config/model.h"
#include "core/num.h"
#include "device/xenbus.h"
#include "xlx/definition.h"
#include "xlx/out.h"

/* What the old revision had may have been removed since. */
static void warn_missing(const struct uvp_config *config)
{
	for (int i = 0; i < config->n_disks; i++) {
		const struct uvpi_disk *disk = &config->disks[i];
		_cleanup_free_ char *path = NULL;
		struct uvp_error err = UVP_ERROR_INIT;

		if (disk->target && !disk->script && uvpi_backend_is_here(disk->backend) && uvpi_disk_find_target(disk, &path, &err) == 0 &&
		    access(path, F_OK) < 0)
			xlx_warn("disk '%s' of '%s': cannot find '%s': %s", disk->vdev, config->name, path, strerror(errno));
		else if (err.code)
			xlx_warn("disk '%s' of '%s': %s", disk->vdev, config->name, err.message);
	}
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;
	char name[256];
	uint32_t revision = 0;
	int status, r;

	if (uvpi_parse_u32(xlx_arg(args, 1), "the revision", 1, UINT32_MAX, &revision, &err) < 0)
		return xlx_usage(args, "%s", err.message);
	status = xlx_open_definition(args, 0, &host, &definition);
	if (status)
		return status;
	r = uvp_definition_config(&definition, revision, &config, &err);
	if (r == 0)
		r = uvp_definition_save(host, config, definition.revision, &definition, &err);
	if (r < 0)
		return xlx_fail(&err);
	out_sanitize(definition.name, name, sizeof(name));
	xlx_warn_unsupported(config);
	xlx_warn_same_mac(config, &definition);
	warn_missing(config);
	if (r > 0)
		printf("'%s' is like that already\n", name);
	else
		printf("'%s' is again as in revision %" PRIu32 "; this is %s\n", name, revision, xlx_revision(&definition));
	return 0;
}

const struct xlx_cmd cmd_revert = {
	.name = "revert",
	.group = "Defined domains",
	.summary = "make a definition what it was before",
	.args = "DOMAIN REVISION",
	.min_args = 2,
	.max_args = 2,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
