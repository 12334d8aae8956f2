/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx modify: change settings of a defined domain, in what runs as far as that is possible. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "domain/domain.h"
#include "define/store.h"
#include "xlx/bar.h"
#include "xlx/definition.h"
#include "xlx/domains.h"
#include "xlx/out.h"
#include "xlx/sched.h"

static const char *const effects[] = {
	[UVP_EFFECT_NEXT_BOOT] = "next-boot",
	[UVP_EFFECT_NOW] = "now",
	[UVP_EFFECT_FAILED] = "failed",
};

static int print_json(const struct uvp_change_list *changes)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < changes->n; i++) {
		const struct uvp_change *change = &changes->changes[i];
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_str(object, "key", change->key);
		uvpi_json_set_str(object, "from", change->from);
		uvpi_json_set_str(object, "to", change->to);
		uvpi_json_set_str(object, "effect", effects[change->effect]);
		uvpi_json_set_str(object, "reason", change->error.code ? change->error.message : NULL);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}

/* A cap in MHz that holds now: Xen may have had to round it. */
static void print_rounded(struct uvp_host *host, const struct uvp_change *change)
{
	struct uvp_cap cap;
	char text[32];

	if (!host || strcmp(change->key, "cap") != 0 || !change->to)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(change->to + 1, "\""), change->to + 1);
	if (*change->to == '"' && uvp_cap_parse(host, text, &cap, NULL) == 0)
		xlx_print_cap(&cap);
}

static void print_change(struct uvp_host *host, const struct uvp_change *change, bool running, bool dry_run)
{
	char text[512], why[512];

	xlx_format_change(change, text, sizeof(text));
	out_sanitize(change->error.message, why, sizeof(why));
	if (dry_run || !running)
		printf("%s\n", text);
	else if (change->effect == UVP_EFFECT_NOW)
		printf("%s: done\n", text);
	else
		printf("%s: at the next boot%s%s\n", text, change->error.code ? "; not now: " : "", why);
	print_rounded(host, change);
}

static int report(const struct xlx_args *args, struct uvp_host *host, const struct uvp_change_list *changes,
		  bool running, bool dry_run)
{
	int status = 0;

	if (xlx_has(args, "json"))
		status = print_json(changes);
	else if (!changes->n)
		printf("nothing to change\n");
	for (size_t i = 0; i < changes->n && !xlx_has(args, "json"); i++)
		print_change(host, &changes->changes[i], running, dry_run);
	for (size_t i = 0; i < changes->n; i++)
		if (changes->changes[i].effect == UVP_EFFECT_FAILED) {
			uvpi_prefix(&changes->changes[i].error, "%s is changed in the definition only", changes->changes[i].key);
			xlx_status_add(&status, xlx_fail(&changes->changes[i].error));
		}
	return status;
}

static bool is_running(struct uvp_host *host, const struct uvp_definition *definition)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;

	return uvpi_def_running(host, definition->uuid, &domain, NULL) > 0;
}

static void warn_same_mac(const struct uvp_change_list *changes, const struct uvp_definition *definition)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	bool vif = false;

	for (size_t i = 0; i < changes->n; i++)
		vif |= !strcmp(changes->changes[i].key, "vif");
	if (vif && uvp_definition_config(definition, 0, &config, NULL) == 0)
		xlx_warn_same_mac(config, definition);
}

static int run(const struct xlx_args *args)
{
	bool dry_run = xlx_has(args, "dry-run") || xlx_dry_run();
	unsigned int flags = (dry_run ? UVP_MODIFY_DRY_RUN : 0) | (xlx_has(args, "next-boot") ? UVP_MODIFY_NEXT_BOOT : 0);
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	_cleanup_free_ const char **settings = calloc((size_t)xlx_n_args(args), sizeof(*settings));
	struct uvp_definition definition;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	enum bar_mode mode;
	struct bar bar;
	int status, r;

	if (!settings) {
		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	status = xlx_open_definition(args, 0, &host, &definition);
	if (status)
		return status;
	for (int i = 1; i < xlx_n_args(args); i++)
		settings[i - 1] = xlx_arg(args, i);
	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = uvp_definition_modify(host, &definition, settings, xlx_n_args(args) - 1, flags, &op, &changes, &err);
	bar_done(&bar);
	if (r >= 0 && !dry_run)
		warn_same_mac(&changes, &definition);
	return r < 0 ? xlx_fail(&err) : report(args, host, &changes, is_running(host, &definition), dry_run);
}

static const struct xlx_opt opts[] = {
	{ "next-boot", 0, NULL, "leave the running domain as it is", XLX_NO_VALUE },
	{ "dry-run", 'n', NULL, "check it, and show what would change", XLX_NO_VALUE },
	{ "json", 'j', NULL, "print the changes as JSON", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_modify = {
	.name = "modify",
	.group = "Defined domains",
	.summary = "change settings of a defined domain",
	.args = "DOMAIN KEY=VALUE...",
	.min_args = 2,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
