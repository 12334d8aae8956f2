/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx create: make domains from configuration files and start them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/host.h"
#include "core/json.h"
#include "core/num.h"
#include "core/progress.h"
#include "domain/domain.h"
#include "domain/hostd.h"
#include "xlx/bar.h"
#include "xlx/cmd.h"
#include "xlx/console_loop.h"
#include "xlx/out.h"

#define MAX_FILES 256

static const struct xlx_opt options[] = {
	{ "paused", 'p', NULL, "leave the domain paused: 'xlx unpause' starts it", XLX_NO_VALUE },
	{ "console", 'c', NULL, "sit at the domain's console once it runs", XLX_NO_VALUE },
	{ "quiet", 'q', NULL, "print nothing but errors", XLX_NO_VALUE },
	{ "dry-run", 'n', NULL, "make every check and change nothing", XLX_NO_VALUE },
	{ "file", 'f', "FILE", "read this file, also where its name has a '=' in it", XLX_VALUE },
	{ "foreground", 'F', NULL, "accepted from xl, and without effect: nothing waits for the domain", XLX_NO_VALUE },
	{ "no-daemon", 'e', NULL, "accepted from xl, and without effect, as -F", XLX_NO_VALUE },
	{ "json", 0, NULL, "print what was made as JSON", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

struct job {
	const struct xlx_args *args;
	const char *files[MAX_FILES];
	const char *overrides[MAX_FILES];
	int n_files, n_overrides;
	bool quiet, dry_run, json;
	enum bar_mode mode;
	struct uvp_host *host;
	struct uvpi_json *made;
	uint32_t last; /* the domain made last */
	int console_status;
};

/* ---- arguments ---- */

/* As xl has it: what has a '=' in it is a line of configuration, everything else a file. */
static int sort_arguments(struct job *job)
{
	const char *text;

	for (int i = 0; (text = xlx_value_n(job->args, "file", i)); i++) {
		if (job->n_files == MAX_FILES)
			return xlx_usage(job->args, "more than %d files", MAX_FILES);
		job->files[job->n_files++] = text;
	}
	for (int i = 0; (text = xlx_arg(job->args, i)); i++) {
		bool line = strchr(text, '=') != NULL;

		if ((line ? job->n_overrides : job->n_files) == MAX_FILES)
			return xlx_usage(job->args, "more than %d %s", MAX_FILES, line ? "settings" : "files");
		if (line)
			job->overrides[job->n_overrides++] = text;
		else
			job->files[job->n_files++] = text;
	}
	if (!job->n_files && job->n_overrides)
		job->files[job->n_files++] = "/dev/null";
	if (!job->n_files)
		return xlx_usage(job->args, "no configuration file given");
	if (xlx_has(job->args, "console") && job->n_files > 1)
		return xlx_usage(job->args, "-c works with one file only");
	if (xlx_has(job->args, "console") && xlx_has(job->args, "paused"))
		return xlx_usage(job->args, "-c and -p exclude each other: a paused domain says nothing");
	return 0;
}

/* ---- uvp-hostd ---- */

static void warn_without_hostd(const struct uvp_config *config)
{
	struct uvpi_hostd_status hostd;
	char name[256];

	if (uvpi_hostd_status(&hostd, NULL) < 0 || hostd.running)
		return;
	out_sanitize(config->name, name, sizeof(name));
	if (config->on_poweroff == UVPI_ACTION_PRESERVE && config->on_reboot == UVPI_ACTION_PRESERVE &&
	    config->on_crash == UVPI_ACTION_PRESERVE)
		return;
	xlx_warn("uvp-hostd is not running: when '%s' powers off, reboots or crashes, nobody %s", name,
		 config->on_reboot == UVPI_ACTION_RESTART ? "restarts or removes it" : "acts on it");
}

/* ---- creating ---- */

static void warn_config(void *data, const char *where, const char *text)
{
	const struct job *job = data;

	if (!job->quiet)
		xlx_warn("%s: %s", where, text);
}

static void report_plan(const struct job *job, const struct uvp_config *config)
{
	char name[256];

	if (job->quiet || job->json)
		return;
	out_sanitize(config->name, name, sizeof(name));
	printf("'%s' can be created: %s, %u vCPU%s, %llu MiB\n", name, uvpi_type_name(config->type), config->vcpus,
	       config->vcpus == 1 ? "" : "s", (unsigned long long)(config->memory_kib / 1024));
}

static void report_domain(const struct job *job, const struct uvp_domain *domain)
{
	char name[256], uuid[UVPI_UUID_TEXT];
	struct uvpi_json *object;

	if (job->json) {
		object = uvpi_json_object();
		uvpi_format_uuid(uvp_domain_uuid(domain), uuid);
		uvpi_json_set_str(object, "name", uvp_domain_name(domain));
		uvpi_json_set_u64(object, "domid", uvp_domain_id(domain));
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_add(job->made, object);
	} else if (!job->quiet) {
		out_sanitize(uvp_domain_name(domain), name, sizeof(name));
		printf("'%s' is domain %u\n", name, uvp_domain_id(domain));
	}
}

struct seat {
	struct uvp_domain *domain;
	bool taken;
};

static int start_at_console(void *data, struct uvp_error *err)
{
	struct seat *seat = data;

	seat->taken = true;
	return uvp_domain_unpause(seat->domain, err);
}

/* The guest starts when the seat at its console is taken: no output is missed. A guest that nobody can watch
 * is started all the same, as it would be without -c. */
static void sit_at_console(struct job *job, struct uvp_domain *domain)
{
	struct seat seat = { domain, false };
	struct xlx_console what = XLX_CONSOLE_INIT;
	struct uvp_error err = UVP_ERROR_INIT;

	what.domain = domain;
	what.attached = start_at_console;
	what.data = &seat;
	job->console_status = xlx_console_run(&what);
	if (!seat.taken && uvp_domain_unpause(domain, &err) < 0)
		job->console_status = xlx_fail(&err);
}

static int create(struct job *job, const struct uvp_config *config, struct uvp_error *err)
{
	bool console = xlx_has(job->args, "console") && !job->dry_run;
	unsigned int flags = (console || xlx_has(job->args, "paused") ? UVP_CREATE_PAUSED : 0) |
			     (job->dry_run ? UVP_CREATE_DRY_RUN : 0);
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_op op = UVP_OP_INIT;
	struct bar bar;
	int r;

	bar_init(&bar, stderr, job->quiet ? BAR_NONE : job->mode, uvpi_now_ms);
	op.progress = bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = uvp_domain_create(job->host, config, flags, &op, &domain, err);
	bar_done(&bar);
	if (r < 0)
		return r;
	if (job->dry_run) {
		report_plan(job, config);
		return 0;
	}
	job->last = uvp_domain_id(domain);
	report_domain(job, domain);
	if (!job->quiet)
		warn_without_hostd(config);
	if (console)
		sit_at_console(job, domain);
	return 0;
}

static int create_file(struct job *job, const char *file)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_config_read(file, job->overrides, job->n_overrides, warn_config, job, &config, &err);

	if (r == 0)
		r = uvp_config_check_supported(config, &err);
	if (r == 0 && !job->host)
		r = uvp_host_open(&job->host, &err);
	if (r == 0)
		r = create(job, config, &err);
	if (r < 0)
		return xlx_fail(&err);
	return job->console_status;
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
	job->args = args;
	job->quiet = xlx_has(args, "quiet");
	job->dry_run = xlx_has(args, "dry-run") || xlx_dry_run();
	job->json = xlx_has(args, "json");
	if (!bar_mode_of(args, &job->mode))
		return XLX_EXIT_USAGE;
	status = sort_arguments(job);
	if (status)
		return status;
	if (job->json)
		job->made = uvpi_json_array();
	/* A file that is wrong does not keep the others from being started; a wish to stop does. */
	for (int i = 0; i < job->n_files; i++) {
		if (i && stopped())
			break;
		status = create_file(job, job->files[i]);
		if (status && !first)
			first = status;
	}
	if (job->json) {
		status = out_json(job->made);
		if (!first)
			first = status;
	}
	uvp_host_close(job->host);
	return first;
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
