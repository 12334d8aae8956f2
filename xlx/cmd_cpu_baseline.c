/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu-baseline: the level of several hosts, as a policy file. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "xlx/cpu_source.h"
#include "xlx/out.h"

static int add(const char *source, struct uvpi_policies **level)
{
	_cleanup_free_ struct uvpi_policies *more = NULL, *meet = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = cpu_of_source(source, &more);

	if (status)
		return status;
	if (uvpi_policies_new(&meet, &err) < 0)
		return xlx_fail(&err);
	/* One host's own level is made in the same way, so that it is the same when it is given twice. */
	if (uvpi_policies_meet(*level ? *level : more, more, meet, &err) < 0) {
		uvpi_prefix(&err, "'%s'", source);
		return xlx_fail(&err);
	}
	free(*level);
	*level = uvpi_steal(&meet);
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct uvpi_policies *level = NULL;
	const char *name = xlx_value(args, "name");
	int status = 0;

	for (int i = 0; xlx_arg(args, i) && !status; i++)
		status = add(xlx_arg(args, i), &level);
	if (status)
		return status;
	if (name)
		snprintf(level->source, sizeof(level->source), "%s", name);
	return out_json(uvpi_policies_json(level));
}

static const struct xlx_opt opts[] = {
	{ "name", 0, "NAME", "what the file says its source is", XLX_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_baseline = {
	.name = "cpu-baseline",
	.group = "CPU features",
	.summary = "print the CPU level of several hosts: what all of them have",
	.args = "FILE|HOST...",
	.min_args = 1,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
