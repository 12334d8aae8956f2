/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx create: make domains from configuration files and start them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/json.h"
#include "core/progress.h"
#include "xlx/making.h"

#define MAX_FILES 256

static const struct xlx_opt options[] = {
	XLX_OPTS_MAKING,
	{ "file", 'f', "FILE", "read this file, also where its name has a '=' in it", XLX_VALUE },
	{ "foreground", 'F', NULL, "accepted from xl, and without effect: nothing waits for the domain", XLX_NO_VALUE },
	{ "no-daemon", 'e', NULL, "accepted from xl, and without effect, as -F", XLX_NO_VALUE },
	{ "json", 0, NULL, "print what was made as JSON", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

struct job {
	struct xlx_making making;
	const char *files[MAX_FILES];
	const char *overrides[MAX_FILES];
	int n_files, n_overrides;
};

/* ---- arguments ---- */

/* As xl has it: what has a '=' in it is a line of configuration, everything else a file. */
static int sort_arguments(struct job *job)
{
	const char *text;

	for (int i = 0; (text = xlx_value_n(job->making.args, "file", i)); i++) {
		if (job->n_files == MAX_FILES)
			return xlx_usage(job->making.args, "more than %d files", MAX_FILES);
		job->files[job->n_files++] = text;
	}
	for (int i = 0; (text = xlx_arg(job->making.args, i)); i++) {
		bool line = strchr(text, '=') != NULL;

		if ((line ? job->n_overrides : job->n_files) == MAX_FILES)
			return xlx_usage(job->making.args, "more than %d %s", MAX_FILES, line ? "settings" : "files");
		if (line)
			job->overrides[job->n_overrides++] = text;
		else
			job->files[job->n_files++] = text;
	}
	if (!job->n_files && job->n_overrides)
		job->files[job->n_files++] = "/dev/null";
	if (!job->n_files)
		return xlx_usage(job->making.args, "no configuration file given");
	if (xlx_has(job->making.args, "console") && job->n_files > 1)
		return xlx_usage(job->making.args, "-c works with one file only");
	return 0;
}

/* ---- creating ---- */

static void warn_config(void *data, const char *where, const char *text)
{
	const struct job *job = data;

	if (!job->making.quiet)
		xlx_warn("%s: %s", where, text);
}

static int create_file(struct job *job, const char *file)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_config_read(file, job->overrides, job->n_overrides, warn_config, job, &config, &err);

	if (r == 0)
		r = uvp_config_check_supported(config, &err);
	if (r == 0 && !job->making.host)
		r = uvp_host_open(&job->making.host, &err);
	if (r == 0)
		r = xlx_make(&job->making, config, NULL, &err);
	if (r < 0)
		return xlx_fail(&err);
	return job->making.console_status;
}

static bool stopped(void)
{
	struct uvp_op op = UVP_OP_INIT;

	op.cancel_fd = xlx_cancel_fd();
	return uvpi_op_cancelled(&op);
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct job *job = calloc(1, sizeof(*job));
	int status, first = XLX_EXIT_OK;

	if (!job)
		return xlx_usage(args, "out of memory");
	status = xlx_making_init(&job->making, args);
	if (!status)
		status = sort_arguments(job);
	if (status)
		return status;
	if (job->making.json)
		job->making.made = uvpi_json_array();
	/* A file that is wrong does not keep the others from being started; a wish to stop does. */
	for (int i = 0; i < job->n_files; i++) {
		if (i && stopped())
			break;
		status = create_file(job, job->files[i]);
		if (status && !first)
			first = status;
	}
	return xlx_making_end(&job->making, first);
}

const struct xlx_cmd cmd_create = {
	.name = "create",
	.group = "Domains",
	.summary = "make domains from configuration files and start them",
	.args = "[FILE]... [KEY=VALUE]...",
	.max_args = -1,
	.opts = options,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
