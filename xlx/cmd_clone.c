/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx clone: make another defined domain like one, with its disks. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/num.h"
#include "xlx/bar.h"
#include "xlx/definition.h"
#include "xlx/out.h"

#define MAX_DISKS 64

struct wishes {
	struct uvp_clone_disk disks[MAX_DISKS];
	char vdevs[MAX_DISKS][32];
	char targets[MAX_DISKS][PATH_MAX];
	int n;
};

/* xvda=/images/web2.img */
static int read_disks(const struct xlx_args *args, struct wishes *wishes)
{
	const char *text;

	for (int i = 0; (text = xlx_value_n(args, "disk", i)); i++) {
		const char *equals = strchr(text, '=');
		char here[PATH_MAX];

		if (!equals || equals == text || !equals[1] || equals - text > 31)
			return xlx_usage(args, "--disk: '%s' is not VDEV=FILE", text);
		if (i == MAX_DISKS)
			return xlx_usage(args, "more than %d disks", MAX_DISKS);
		snprintf(wishes->vdevs[i], sizeof(wishes->vdevs[i]), "%.*s", (int)(equals - text), text);
		if (equals[1] == '/' || !realpath(".", here))
			snprintf(wishes->targets[i], PATH_MAX, "%s", equals + 1);
		else if (snprintf(wishes->targets[i], PATH_MAX, "%s/%s", here, equals + 1) >= PATH_MAX)
			return xlx_usage(args, "--disk: the path of '%s' is too long", text);
		wishes->disks[i] = (struct uvp_clone_disk){ wishes->vdevs[i], wishes->targets[i] };
		wishes->n = i + 1;
	}
	return 0;
}

static int report(const struct xlx_args *args, const struct uvp_definition *definition, bool dry_run)
{
	char name[256], uuid[UVPI_UUID_TEXT];
	struct uvpi_json *object;

	if (xlx_has(args, "json")) {
		object = uvpi_json_object();
		uvpi_json_set_str(object, "name", dry_run ? xlx_arg(args, 1) : definition->name);
		uvpi_format_uuid(definition->uuid, uuid);
		uvpi_json_set_str(object, "uuid", dry_run ? NULL : uuid);
		return out_json(object);
	}
	out_sanitize(xlx_arg(args, 1), name, sizeof(name));
	if (dry_run)
		printf("'%s' can be made\n", name);
	else
		printf("'%s' is defined; 'xlx start %s' starts it\n", name, name);
	return 0;
}

static int clone(const struct xlx_args *args, const struct wishes *wishes, enum bar_mode mode)
{
	bool dry_run = xlx_has(args, "dry-run") || xlx_dry_run();
	unsigned int flags = (dry_run ? UVP_CLONE_DRY_RUN : 0) | (xlx_has(args, "share-disks") ? UVP_CLONE_SHARE_DISKS : 0);
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_definition from, to = { .revision = 0 };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	struct bar bar;
	int r, status = xlx_open_definition(args, 0, &host, &from);

	if (status)
		return status;
	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = uvp_definition_clone(host, &from, xlx_arg(args, 1), wishes->disks, wishes->n, flags, &op, &to, &err);
	bar_done(&bar);
	return r < 0 ? xlx_fail(&err) : report(args, &to, dry_run);
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct wishes *wishes = calloc(1, sizeof(*wishes));
	enum bar_mode mode;
	int status;

	if (!wishes)
		return xlx_usage(args, "out of memory");
	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	status = read_disks(args, wishes);
	return status ? status : clone(args, wishes, mode);
}

static const struct xlx_opt opts[] = {
	{ "disk", 'd', "VDEV=FILE", "where the copy of that disk is to be; copies read-only disks, too", XLX_VALUE },
	{ "share-disks", 0, NULL, "copy no disk: both domains have the same ones", XLX_NO_VALUE },
	{ "dry-run", 'n', NULL, "make every check and change nothing", XLX_NO_VALUE },
	{ "json", 'j', NULL, "print what was made as JSON", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_clone = {
	.name = "clone",
	.group = "Defined domains",
	.summary = "make another defined domain like one, with its disks",
	.args = "DOMAIN NEW-NAME",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
