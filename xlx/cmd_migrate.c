/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx migrate */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uvp/define.h>
#include <uvp/migrate.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/bar.h"
#include "xlx/domains.h"
#include "xlx/open.h"
#include "xlx/out.h"

#define LONGEST_MS (24 * 60 * 60 * 1000)

static struct uvpi_json *json_error(const struct uvp_error *err)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_str(object, "code", uvp_errcode_name(err->code));
	uvpi_json_set_str(object, "message", err->message);
	uvpi_json_set_str(object, "hint", *err->hint ? err->hint : NULL);
	return object;
}

static struct uvpi_json *json_refusals(const struct uvp_migrate_report *report)
{
	struct uvpi_json *array = uvpi_json_array();

	for (int i = 0; i < report->n_refusals; i++)
		uvpi_json_add(array, json_error(&report->refusals[i]));
	return array;
}

/* err: why it failed otherwise than by a refusal, of which there may be some all the same; NULL: it did not. */
static int print_json(const struct uvp_migrate_report *report, bool moved, bool can, const struct uvp_error *err)
{
	struct uvpi_json *object = uvpi_json_object(), *warnings = uvpi_json_array();

	for (int i = 0; i < report->n_warnings; i++)
		uvpi_json_add_str(warnings, report->warnings[i]);
	if (err && !report->n_refusals)
		uvpi_json_set_str(object, "can", NULL);
	else
		uvpi_json_set_bool(object, "can", can);
	uvpi_json_set_bool(object, "moved", moved);
	uvpi_json_set(object, "refusals", json_refusals(report));
	if (err)
		uvpi_json_set(object, "error", json_error(err));
	else
		uvpi_json_set_str(object, "error", NULL);
	uvpi_json_set(object, "warnings", warnings);
	uvpi_json_set_u64(object, "rounds", report->rounds);
	uvpi_json_set_u64(object, "connections", report->connections);
	uvpi_json_set_u64(object, "wire_bytes", report->wire_bytes);
	uvpi_json_set_u64(object, "stream_bytes", report->stream_bytes);
	uvpi_json_set_u64(object, "total_ms", report->total_ms);
	uvpi_json_set_u64(object, "pause_ms", report->pause_ms);
	uvpi_json_set_u64(object, "forecast_ms", report->forecast_ms);
	uvpi_json_set_u64(object, "cap", report->cap);
	return out_json(object);
}

static void print_report(const struct uvp_migrate_report *report)
{
	char wire[32], stream[32];

	out_format_size(report->wire_bytes, wire, sizeof(wire));
	out_format_size(report->stream_bytes, stream, sizeof(stream));
	printf("moved in %.1f s: %s for %s of memory and state, %u round%s", (double)report->total_ms / 1000, wire, stream, report->rounds,
	       report->rounds == 1 ? "" : "s");
	if (report->connections > 1)
		printf(", %" PRIu64 " connections", report->connections);
	printf("; it stood still for %" PRIu64 " ms\n", report->pause_ms);
}

/* where: NULL when that is not known */
static int print_settled(const char *where, const struct uvp_error *err)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_str(object, "runs", where);
	if (err)
		uvpi_json_set(object, "error", json_error(err));
	else
		uvpi_json_set_str(object, "error", NULL);
	return out_json(object);
}

/* Before anything was looked at, or asked. */
static int fail(const struct xlx_args *args, const struct uvp_error *err)
{
	static const struct uvp_migrate_report nothing;
	int status = 0;

	if (xlx_has(args, "json"))
		status = xlx_has(args, "settle") ? print_settled(NULL, err) : print_json(&nothing, false, false, err);
	return status ? status : xlx_fail(err);
}

static const char *place(enum uvp_migrate_end end, const char *here)
{
	return end == UVP_MIGRATE_THERE ? "there" : end == UVP_MIGRATE_HERE ? here : NULL;
}

/* where: what is known all the same, or NULL */
static int fail_settle(const struct xlx_args *args, const char *where, const struct uvp_error *err)
{
	int status = xlx_has(args, "json") ? print_settled(where, err) : 0;

	return status ? status : xlx_fail(err);
}

static int settle_saved(const struct xlx_args *args, const struct uvp_migrate *how, const struct uvp_op *op)
{
	struct uvp_error err = UVP_ERROR_INIT;
	enum uvp_migrate_end end = UVP_MIGRATE_UNKNOWN;

	if (uvp_saved_settle(xlx_arg(args, 0), how, op, &end, &err) < 0)
		return fail_settle(args, place(end, "file"), &err);
	if (xlx_has(args, "json"))
		return print_settled(place(end, "file"), NULL);
	printf("'%s': %s\n", xlx_arg(args, 0),
	       end == UVP_MIGRATE_THERE ? "what was saved in it runs there, and the file is gone" : "it is as it was, and can be restored here");
	return XLX_EXIT_OK;
}

static int settle(const struct xlx_args *args, struct uvp_domain *domain, const struct uvp_migrate *how, const struct uvp_op *op)
{
	struct uvp_error err = UVP_ERROR_INIT;
	enum uvp_migrate_end end = UVP_MIGRATE_UNKNOWN;
	char name[64];

	xlx_domain_text(domain, name, sizeof(name));
	xlx_mend_move(domain);
	if (uvp_migrate_settle(domain, how, op, &end, &err) < 0)
		return fail_settle(args, place(end, "here"), &err);
	if (xlx_has(args, "json"))
		return print_settled(place(end, "here"), NULL);
	printf("%s %s\n", name, end == UVP_MIGRATE_THERE ? "runs there; what was left of it here is gone" : "runs here, as it did before");
	return XLX_EXIT_OK;
}

/* The library has put before it what could not be done. This host's may be there when the other one cannot be asked, and then
 * that is the error. */
static bool is_first_refusal(const struct uvp_migrate_report *report, const struct uvp_error *err)
{
	size_t len = strlen(err->message), least = strlen(report->refusals[0].message);

	return report->n_refusals && err->code == report->refusals[0].code && len >= least &&
	       !strcmp(err->message + len - least, report->refusals[0].message);
}

static void print_refusals(const struct uvp_migrate_report *report, int from)
{
	for (int i = from; i < report->n_refusals; i++)
		xlx_fail(&report->refusals[i]);
}

/* domain, or definition with its host, or neither: then it is a file. */
static int move(const struct xlx_args *args, struct uvp_host *host, struct uvp_domain *domain,
		const struct uvp_definition *definition, const struct uvp_migrate *how, struct uvp_op *op)
{
	_cleanup_free_ struct uvp_migrate_report *report = calloc(1, sizeof(*report));
	struct uvp_error err = UVP_ERROR_INIT;
	bool json = xlx_has(args, "json"), checked = how->flags & UVP_MIGRATE_CHECK, refused;
	enum bar_mode mode;
	struct bar bar;
	int r, status;

	if (!report)
		return xlx_usage(args, "out of memory");
	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op->progress = bar_update;
	op->progress_data = &bar;
	if (domain)
		r = uvp_domain_migrate(domain, how, op, report, &err);
	else if (definition)
		r = uvp_definition_migrate(host, definition, how, op, report, &err);
	else
		r = uvp_saved_migrate(host, xlx_arg(args, 0), how, op, report, &err);
	bar_done(&bar);
	refused = r < 0 && is_first_refusal(report, &err);
	for (int i = 0; i < report->n_warnings && !json; i++)
		xlx_warn("'%s': %s", xlx_arg(args, 0), report->warnings[i]);
	if (json) {
		status = print_json(report, r == 0 && !checked, r == 0, r < 0 && !refused ? &err : NULL);
		if (status || r == 0)
			return status;
		return refused ? xlx_exit_status(err.code) : xlx_fail(&err);
	}
	if (r < 0) {
		status = xlx_fail(&err);
		print_refusals(report, refused);
		return status;
	}
	if (checked)
		printf("'%s' can move to '%s'\n", xlx_arg(args, 0), how->host);
	else if (!domain && !definition)
		printf("what was saved in '%s' runs on '%s' now, and the file is gone\n", xlx_arg(args, 0), how->host);
	else if (!domain)
		printf("'%s' does not run, and is defined on '%s' now\n", xlx_arg(args, 0), how->host);
	else
		print_report(report);
	return XLX_EXIT_OK;
}

/* An option that is a duration: the number stays when it was not given. */
static int read_ms(const struct xlx_args *args, const char *option, const char *what, uint32_t *ret_ms)
{
	struct uvp_error err = UVP_ERROR_INIT;
	const char *text = xlx_value(args, option);
	int64_t ms;

	if (!text)
		return 0;
	if (uvpi_parse_duration(text, what, &ms, &err) < 0)
		return xlx_usage(args, "%s", err.message);
	if (ms < 1 || ms > LONGEST_MS)
		return xlx_usage(args, "%s: within 1ms and a day", what);
	*ret_ms = (uint32_t)ms;
	return 0;
}

static int read_limits(const struct xlx_args *args, struct uvp_migrate *how)
{
	struct uvp_error err = UVP_ERROR_INIT;
	const char *bandwidth = xlx_value(args, "bandwidth"), *connections = xlx_value(args, "connections");
	int status = read_ms(args, "max-downtime", "--max-downtime", &how->max_pause_ms);

	if (!status)
		status = read_ms(args, "timeout", "--timeout", &how->timeout_ms);
	if (!status && connections && uvpi_parse_u32(connections, "--connections", 1, UVP_MIGRATE_CONNECTIONS, &how->connections, &err) < 0)
		return xlx_usage(args, "%s", err.message);
	if (!status && connections && xlx_has(args, "settle"))
		return xlx_usage(args, "--connections is for a domain that moves, and not for --settle");
	if (status || !bandwidth)
		return status;
	if (uvpi_parse_size(bandwidth, "--bandwidth", 1 << 20, &how->bandwidth, &err) < 0)
		return xlx_usage(args, "%s", err.message);
	if (how->bandwidth < 1024)
		return xlx_usage(args, "--bandwidth: 1k at least");
	return how->connections > 1 && how->bandwidth < 1 << 20 ? xlx_usage(args, "--connections is for a --bandwidth of 1m at least") : 0;
}

/* DOMAIN is the file of a saved one, or was, when that is to be settled: a name has no slash. */
static bool is_file(const struct xlx_args *args)
{
	return strchr(xlx_arg(args, 0), '/') && (xlx_has(args, "settle") || access(xlx_arg(args, 0), F_OK) == 0);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_migrate how = UVP_MIGRATE_INIT;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_definition definition;
	struct uvp_op op = UVP_OP_INIT;
	int status;

	how.host = xlx_arg(args, 1);
	how.ssh = xlx_value(args, "ssh");
	how.flags = (xlx_has(args, "check") ? UVP_MIGRATE_CHECK : 0) | (xlx_has(args, "trust-disks") ? UVP_MIGRATE_TRUST_DISKS : 0) |
		    (xlx_has(args, "no-live") ? UVP_MIGRATE_NO_LIVE : 0) | (xlx_has(args, "stop") ? UVP_MIGRATE_STOP : 0) |
		    (xlx_has(args, "auto-converge") ? UVP_MIGRATE_SLOW_DOWN : 0);
	if (!how.host && !xlx_has(args, "settle"))
		return xlx_usage(args, "no host given");
	status = read_limits(args, &how);
	if (status)
		return status;
	if (uvp_host_open(&host, &err) < 0)
		return fail(args, &err);
	op.cancel_fd = xlx_cancel_fd();
	op.warning = xlx_warn_op;
	if (is_file(args))
		return xlx_has(args, "settle") ? settle_saved(args, &how, &op) : move(args, host, NULL, NULL, &how, &op);
	if (uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err) < 0 &&
	    (err.code != UVP_E_NOT_FOUND || xlx_has(args, "settle") || uvp_definition_find(xlx_arg(args, 0), &definition, NULL) < 0))
		return fail(args, &err);
	return xlx_has(args, "settle") ? settle(args, domain, &how, &op) : move(args, host, domain, &definition, &how, &op);
}

static const struct xlx_opt opts[] = {
	{ "check", 0, NULL, "only find out, on both hosts, whether it can move", XLX_NO_VALUE },
	{ "no-live", 0, NULL, "suspend the domain first, and send its memory once", XLX_NO_VALUE },
	{ "max-downtime", 0, "DURATION", "stop the guest when what is left takes no longer (default 300ms)", XLX_VALUE },
	{ "auto-converge", 0, NULL, "give a guest that is too busy less and less of the CPUs", XLX_NO_VALUE },
	{ "stop", 0, NULL, "suspend one that stays too busy all the same", XLX_NO_VALUE },
	{ "bandwidth", 0, "SIZE", "send so many MiB a second at most, until the guest is suspended", XLX_VALUE },
	{ "connections", 0, "NUMBER", "send the memory over so many connections (1 to 16, default 1)", XLX_VALUE },
	{ "timeout", 0, "DURATION", "give up when it takes longer than that", XLX_VALUE },
	{ "trust-disks", 0, NULL, "files that look unlike on the two hosts are the same storage", XLX_NO_VALUE },
	{ "ssh", 's', "COMMAND", "make the connection by this instead of ssh; \"\": HOST is the command", XLX_VALUE },
	{ "settle", 0, NULL, "ask what became of a domain whose move broke off at its end", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object: can, moved, refusals, error, warnings, and what it took; with --settle: runs, error", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_migrate = {
	.name = "migrate",
	.group = "Domains",
	.summary = "move a domain to another host while it runs",
	.args = "DOMAIN|FILE [HOST]",
	.min_args = 1,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN_FILE,
	.run = run,
};
