/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making domains, from files and from definitions. */
#include "config.h"

#include "xlx/making.h"

#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/json.h"
#include "core/num.h"
#include "domain/domain.h"
#include "domain/hostd.h"
#include "xlx/console_loop.h"
#include "xlx/out.h"
#include "xlx/sched.h"

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

static void report_plan(const struct xlx_making *job, const struct uvp_config *config)
{
	char name[256];

	if (job->quiet || job->json)
		return;
	out_sanitize(config->name, name, sizeof(name));
	printf("'%s' can be created: %s, %u vCPU%s, %llu MiB\n", name, uvpi_type_name(config->type), config->vcpus,
	       config->vcpus == 1 ? "" : "s", (unsigned long long)(config->memory_kib / 1024));
}

static void report_domain(const struct xlx_making *job, const char *domain_name, uint32_t id, const uint8_t uuid_bytes[16])
{
	char name[256], uuid[UVPI_UUID_TEXT];
	struct uvpi_json *object;

	if (job->json) {
		object = uvpi_json_object();
		uvpi_format_uuid(uuid_bytes, uuid);
		uvpi_json_set_str(object, "name", domain_name);
		uvpi_json_set_u64(object, "domid", id);
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_add(job->made, object);
	} else if (!job->quiet) {
		out_sanitize(domain_name, name, sizeof(name));
		printf("'%s' is domain %u\n", name, id);
	}
}

/* Xen may have had to round it. */
static void report_cap(struct xlx_making *job, const struct uvp_config *config)
{
	struct uvp_cap cap;
	char text[32];

	snprintf(text, sizeof(text), "%uMHz", config->sched.cap_mhz);
	if (config->sched.cap_mhz && (job->host || uvp_host_open(&job->host, NULL) == 0) &&
	    uvp_cap_parse(job->host, text, &cap, NULL) == 0)
		xlx_print_cap(&cap);
}

void xlx_report_made(struct xlx_making *job, const struct uvp_config *config, uint32_t id, const uint8_t uuid[16])
{
	report_domain(job, config->name, id, uuid);
	if (!job->quiet && !job->json)
		report_cap(job, config);
	if (!job->quiet)
		warn_without_hostd(config);
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
static void sit_at_console(struct xlx_making *job, struct uvp_domain *domain)
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

int xlx_make(struct xlx_making *job, const struct uvp_config *config, const struct uvp_definition *definition,
	     struct uvp_error *err)
{
	bool console = xlx_has(job->args, "console") && !job->dry_run;
	unsigned int flags = (console || xlx_has(job->args, "paused") ? UVP_CREATE_PAUSED : 0) |
			     (job->dry_run ? UVP_CREATE_DRY_RUN : 0) | (xlx_has(job->args, "no-pool") ? UVP_CREATE_NO_POOL : 0);
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_op op = UVP_OP_INIT;
	struct bar bar;
	int r;

	bar_init(&bar, stderr, job->quiet ? BAR_NONE : job->mode, uvpi_now_ms);
	op.progress = bar_update;
	op.warning = xlx_warn_op;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = definition ? uvp_definition_start(job->host, definition, flags, &op, &domain, err) :
			 uvp_domain_create(job->host, config, flags, &op, &domain, err);
	bar_done(&bar);
	if (r < 0)
		return r;
	if (job->dry_run) {
		report_plan(job, config);
		return 0;
	}
	xlx_report_made(job, config, uvp_domain_id(domain), uvp_domain_uuid(domain));
	if (console)
		sit_at_console(job, domain);
	return 0;
}

int xlx_making_init(struct xlx_making *job, const struct xlx_args *args)
{
	*job = (struct xlx_making){ .args = args };
	job->quiet = xlx_has(args, "quiet");
	job->dry_run = xlx_has(args, "dry-run") || xlx_dry_run();
	job->json = xlx_has(args, "json");
	if (xlx_has(args, "console") && xlx_has(args, "paused"))
		return xlx_usage(args, "-c and -p exclude each other: a paused domain says nothing");
	return bar_mode_of(args, &job->mode) ? 0 : XLX_EXIT_USAGE;
}

int xlx_making_end(struct xlx_making *job, int first)
{
	int status = job->made ? out_json(job->made) : 0;

	uvp_host_close(job->host);
	return first ? first : status;
}
