/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx create: make domains from configuration files and start them. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/model.h"
#include "config/pvdev.h"
#include "core/cleanup.h"
#include "core/json.h"
#include "core/progress.h"
#include "define/store.h"
#include "xlx/domains.h"
#include "xlx/making_many.h"
#include "xlx/open.h"
#include "xlx/whole.h"

#define MAX_FILES 1024

static const struct xlx_opt options[] = {
	XLX_OPTS_MAKING,
	{ "file", 'f', "FILE", "read this file, also where its name has a '=' in it", XLX_VALUE },
	{ "foreground", 'F', NULL, "accepted from xl, and without effect: nothing waits for the domain", XLX_NO_VALUE },
	{ "no-daemon", 'e', NULL, "accepted from xl, and without effect, as -F", XLX_NO_VALUE },
	{ "jobs", 'j', "N", "make as many at once (as many as domain 0 has CPUs)", XLX_VALUE },
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

/* Words that are likely to need the whole xlx, which is found out now and not when all is read; needs_whole() decides. */
static bool text_is_quick(const char *text)
{
	static const char *const words[] = { "hvm", "vfb", "vkb", "p9", "channel", "bootloader" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return false;
	return text[strspn(text, "\xef\xbb\xbf \t\r\n")] != '<';
}

/* What can be read once only is for the whole xlx. */
static bool file_is_quick(const char *file)
{
	_cleanup_close_ int fd = !strcmp(file, "-") ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[8192];
	struct stat st;
	ssize_t n = fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0 || n == (ssize_t)sizeof(text) - 1)
		return false;
	text[n] = '\0';
	return text_is_quick(text);
}

static void find_whole(const struct job *job)
{
	bool quick = true;

	for (int i = 0; i < job->n_files && quick; i++)
		quick = file_is_quick(job->files[i]);
	for (int i = 0; i < job->n_overrides && quick; i++)
		quick = text_is_quick(job->overrides[i]);
	if (!quick)
		xlx_whole_now();
}

/* What is done by a QEMU, which is not run as root but as a user of this host; a boot loader; and a definition, which is XML. */
static bool needs_whole(const struct uvp_config *config)
{
	struct uvpi_pvdevs devs;
	const char *key;
	uint8_t uuid[16];
	bool any;

	if (config->type == UVPI_TYPE_HVM || uvpi_config_extra_get(config, "bootloader") || uvpi_def_name_get(config->name, uuid))
		return true;
	for (int i = 0; i < config->n_disks; i++)
		if (uvpi_disk_needs_qemu(&config->disks[i]))
			return true;
	if (uvpi_pvdevs_fill(config, &devs, &key, NULL) < 0)
		return true;
	any = uvpi_pvdevs_any(&devs);
	uvpi_pvdevs_done(&devs);
	return any;
}

/* What is to be said of a file waits until it is sure which xlx says it. */
struct reading {
	struct uvp_error err;
	int r;
	char **warnings;
	int n_warnings;
};

static void hold_warning(void *data, const char *where, const char *text)
{
	struct reading *reading = data;
	char **more = realloc(reading->warnings, ((size_t)reading->n_warnings + 1) * sizeof(*more));

	if (!more)
		return;
	reading->warnings = more;
	if (asprintf(&more[reading->n_warnings], "%s: %s", where, text) >= 0)
		reading->n_warnings++;
}

static void read_file(const struct job *job, const char *file, struct reading *reading, struct uvp_config **ret_config)
{
	_cleanup_config_ struct uvp_config *config = NULL;

	reading->r = uvp_config_read(file, job->overrides, job->n_overrides, hold_warning, reading, &config, &reading->err);
	if (reading->r == 0)
		reading->r = uvp_config_check_supported(config, &reading->err);
	if (reading->r < 0)
		return;
	if (xlx_is_quick && needs_whole(config))
		xlx_whole_now();
	*ret_config = uvpi_steal(&config);
}

/* What was held back, and the exit status. */
static int say_reading(const struct job *job, struct reading *reading)
{
	for (int i = 0; i < reading->n_warnings; i++) {
		if (!job->making.quiet)
			xlx_warn("%s", reading->warnings[i]);
		free(reading->warnings[i]);
	}
	free(reading->warnings);
	return reading->r < 0 ? xlx_fail(&reading->err) : XLX_EXIT_OK;
}

static int read_files(const struct job *job, struct uvp_config **configs)
{
	_cleanup_free_ struct reading *readings = calloc((size_t)job->n_files, sizeof(*readings));
	int status = XLX_EXIT_OK;

	if (!readings)
		return xlx_usage(job->making.args, "out of memory");
	if (xlx_is_quick)
		find_whole(job);
	for (int i = 0; i < job->n_files; i++)
		read_file(job, job->files[i], &readings[i], &configs[i]);
	xlx_whole_never();
	for (int i = 0; i < job->n_files; i++)
		xlx_status_add(&status, say_reading(job, &readings[i]));
	return status;
}

static int create(struct job *job, const struct uvp_config *config)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = job->making.host ? 0 : uvp_host_open(&job->making.host, &err);

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

/* How many at once. 0 or an exit status. */
static int read_jobs(struct job *job, int *ret_jobs)
{
	const char *text = xlx_value(job->making.args, "jobs");
	uint64_t jobs = 0;
	int status = text ? xlx_number(job->making.args, text, "--jobs", 1, XLX_JOBS_MAX, &jobs) : 0;

	if (!status)
		*ret_jobs = (int)jobs;
	return status;
}

/* A file that is wrong does not keep the others from being started; a wish to stop does. */
static int create_all(struct job *job, int jobs)
{
	struct uvp_config *configs[MAX_FILES] = { NULL };
	int status = read_files(job, configs);

	if (!jobs)
		jobs = xlx_making_jobs(configs, job->n_files);
	if (jobs > 1 && !job->making.dry_run)
		xlx_make_many(&job->making, configs, job->n_files, jobs, &status);
	else
		for (int i = 0; i < job->n_files && !(i && stopped()); i++)
			if (configs[i])
				xlx_status_add(&status, create(job, configs[i]));
	for (int i = 0; i < job->n_files; i++)
		uvp_config_free(configs[i]);
	return status;
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct job *job = calloc(1, sizeof(*job));
	int status, jobs = 0;

	if (!job)
		return xlx_usage(args, "out of memory");
	status = xlx_making_init(&job->making, args);
	if (!status)
		status = sort_arguments(job);
	if (!status)
		status = read_jobs(job, &jobs);
	if (status)
		return status;
	if (job->making.json)
		job->making.made = uvpi_json_array();
	return xlx_making_end(&job->making, create_all(job, jobs));
}

const struct xlx_cmd cmd_create = {
	.name = "create",
	.group = "Domains",
	.summary = "make domains from configuration files and start them",
	.args = "[FILE]... [KEY=VALUE]...",
	.max_args = -1,
	.opts = options,
	.complete = XLX_COMPLETE_FILE,
	.quick = true,
	.run = run,
};
