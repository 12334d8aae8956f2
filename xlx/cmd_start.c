/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx start: start defined domains. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/devspec.h"
#include "config/model.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/json.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "xlx/definition.h"
#include "xlx/domains.h"
#include "xlx/making.h"

static int start(struct xlx_making *making, const struct uvp_definition *definition)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_definition_config(definition, 0, &config, &err);

	if (r == 0)
		r = uvp_config_check_supported(config, &err);
	if (r == 0)
		r = xlx_make(making, config, definition, &err);
	return r < 0 ? xlx_fail(&err) : making->console_status;
}

static int start_named(struct xlx_making *making)
{
	int status = 0;

	for (int i = 0; i < xlx_n_args(making->args); i++) {
		struct uvp_definition definition;
		int one = xlx_find_definition(NULL, xlx_arg(making->args, i), &definition);

		xlx_status_add(&status, one ? one : start(making, &definition));
	}
	return status;
}

/* ---- all ---- */

static int by_order(const void *a, const void *b)
{
	const struct uvp_definition *left = a, *right = b;

	if (left->autostart != right->autostart)
		return left->autostart ? -1 : 1;
	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return strcmp(left->name, right->name);
}

static bool is_running(struct uvp_host *host, const struct uvp_definition *definition)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_domains(host->hyp, 0, &infos, NULL);

	return n > 0 && uvpi_name_domain(infos, n, definition->uuid);
}

/* The pause between two starts; true when the operator wants no more. */
static bool pause_for(uint32_t ms)
{
	struct uvp_op op = UVP_OP_INIT;

	op.cancel_fd = xlx_cancel_fd();
	return uvpi_op_pause(&op, (int)ms);
}

struct all {
	struct xlx_making *making;
	struct uvp_definition *list;
	bool *tried; /* or not to be started */
	int n, status;
	uint32_t delay;
	bool stopped;
};

static void start_one(struct all *all, int i);

/* One of the list that is to be started still, and which this name or UUID means; -1: none. */
static int find_server(const struct all *all, const char *backend)
{
	for (int i = 0; i < all->n; i++) {
		char uuid[UVPI_UUID_TEXT];

		uvpi_format_uuid(all->list[i].uuid, uuid);
		if (!all->tried[i] && (!strcmp(all->list[i].name, backend) || !strcasecmp(uuid, backend)))
			return i;
	}
	return -1;
}

/* Those that serve it come first, whatever their order. */
static void start_servers(struct all *all, const struct uvp_definition *definition)
{
	_cleanup_config_ struct uvp_config *config = NULL;

	if (uvp_definition_config(definition, 0, &config, NULL) < 0)
		return;
	for (int i = 0; i < config->n_disks + config->n_vifs && !all->stopped; i++) {
		const char *backend = i < config->n_disks ? config->disks[i].backend : config->vifs[i - config->n_disks].backend;
		int server = uvpi_backend_is_here(backend) ? -1 : find_server(all, backend);

		if (server >= 0)
			start_one(all, server);
	}
}

static void start_one(struct all *all, int i)
{
	const struct uvp_definition *definition = &all->list[i];
	int one;

	all->tried[i] = true;
	if (definition->error.code) {
		xlx_status_add(&all->status, xlx_fail(&definition->error));
		return;
	}
	start_servers(all, definition);
	if (all->stopped)
		return;
	if (pause_for(all->delay)) {
		xlx_warn("stopped as you asked; '%s' and those after it are not started", definition->name);
		xlx_status_add(&all->status, xlx_exit_status(UVP_E_CANCELLED));
		all->stopped = true;
		return;
	}
	one = start(all->making, definition);
	xlx_status_add(&all->status, one);
	all->delay = definition->autostart && !one && !all->making->dry_run ? definition->delay_ms : 0;
}

static int start_all(struct xlx_making *making, bool marked_only)
{
	_cleanup_free_ struct uvp_definition *list = NULL;
	_cleanup_free_ bool *tried = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct all all = { .making = making, .n = uvp_definition_list(&list, &err) };

	if (all.n < 0)
		return xlx_fail(&err);
	tried = calloc((size_t)all.n + 1, sizeof(*tried));
	if (!tried) {
		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	if (all.n)
		qsort(list, (size_t)all.n, sizeof(*list), by_order);
	all.list = list;
	all.tried = tried;
	for (int i = 0; i < all.n; i++)
		tried[i] = (marked_only && !list[i].autostart && !list[i].error.code) || is_running(making->host, &list[i]);
	for (int i = 0; i < all.n && !all.stopped; i++)
		if (!tried[i])
			start_one(&all, i);
	return all.status;
}

static int run(const struct xlx_args *args)
{
	bool all = xlx_has(args, "all"), marked = xlx_has(args, "autostart");
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_making making;
	int status;

	if (all + marked + (xlx_n_args(args) > 0) != 1)
		return xlx_usage(args, "give the domains, --all or --autostart");
	if (xlx_has(args, "console") && xlx_n_args(args) != 1)
		return xlx_usage(args, "-c works with one domain only");
	status = xlx_making_init(&making, args);
	if (status)
		return status;
	if (uvp_host_open(&making.host, &err) < 0)
		return xlx_fail(&err);
	if (making.json)
		making.made = uvpi_json_array();
	status = all || marked ? start_all(&making, marked) : start_named(&making);
	return xlx_making_end(&making, status);
}

static const struct xlx_opt opts[] = {
	{ "all", 'a', NULL, "every defined domain that does not run", XLX_NO_VALUE },
	{ "autostart", 0, NULL, "those that start at boot, in their order and with their delays", XLX_NO_VALUE },
	XLX_OPTS_MAKING,
	{ "json", 'j', NULL, "print what was started as JSON", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_start = {
	.name = "start",
	.group = "Defined domains",
	.summary = "start defined domains",
	.args = "[DOMAIN]...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
