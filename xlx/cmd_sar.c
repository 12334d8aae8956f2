/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx sar: what the host and its domains did. Reads what uvp-hostd keeps; asks neither Xen nor xenstored. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "xlx/open.h"
#include "xlx/sar.h"

#define NS INT64_C(1000000000)
#define LAST (INT64_MAX / NS - 1) /* the last second of which samples can tell, in 2262 */

struct wish {
	const char *domain; /* NULL: the host */
	const struct sar_view *view;
	int64_t since, until, step; /* seconds */
};

/* ---- arguments ---- */

/* "HH:MM" and "HH:MM:SS" are of the last 24 hours, "YYYY-MM-DD" begins the day, and may be followed by one of those. */
static bool parse_clock(const char *text, int64_t now, int64_t *ret_s)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M" };
	time_t t = (time_t)now;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(formats); i++) {
		bool today = formats[i][1] == 'H';
		struct tm tm;
		const char *end;

		localtime_r(&t, &tm);
		tm.tm_sec = tm.tm_min = tm.tm_hour = 0;
		tm.tm_isdst = -1;
		end = strptime(text, formats[i], &tm);
		if (!end || *end)
			continue;
		*ret_s = (int64_t)mktime(&tm);
		if (today && *ret_s > now) {
			tm.tm_mday--;
			tm.tm_isdst = -1;
			*ret_s = (int64_t)mktime(&tm);
		}
		return true;
	}
	return false;
}

static int read_time(const struct xlx_args *args, const char *option, int64_t now, int64_t *at)
{
	const char *text = xlx_value(args, option);
	int64_t ms;

	if (!text)
		return 0;
	if (!strcmp(text, "now")) {
		*at = now;
		return 0;
	}
	if (parse_clock(text, now, at)) {
		*at = *at < 0 ? 0 : *at > LAST ? LAST : *at;
		return 0;
	}
	if (uvpi_parse_duration(text, option, &ms, NULL) < 0)
		return xlx_usage(args, "--%s: '%s' is neither a time (14:30, 2026-01-31, \"2026-01-31 14:30\") nor how long ago (90s, 10m, 2h, 7d)",
				 option, text);
	*at = ms / 1000 < now ? now - ms / 1000 : 0;
	return 0;
}

/* Not more than some sixty lines. */
static int64_t good_step(int64_t seconds)
{
	static const int64_t steps[] = { 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200 };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(steps); i++)
		if (seconds / steps[i] <= 60)
			return steps[i];
	return 86400;
}

static int read_step(const struct xlx_args *args, struct wish *wish)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int64_t ms;

	wish->step = good_step(wish->until - wish->since);
	if (!xlx_value(args, "step"))
		return 0;
	if (uvpi_parse_duration(xlx_value(args, "step"), "--step", &ms, &err) < 0)
		return xlx_fail(&err);
	if (ms < 1000 || ms % 1000)
		return xlx_usage(args, "--step must be a number of whole seconds, 1s or more");
	wish->step = ms / 1000;
	return 0;
}

/* [DOMAIN] [VIEW]: one word that names a view is the view. */
static int read_words(const struct xlx_args *args, struct wish *wish)
{
	int n = xlx_n_args(args);
	const char *last = n ? xlx_arg(args, n - 1) : NULL;
	const struct sar_view *view = last ? sar_view_find(last) : NULL;

	if (n == 2 && !view)
		return xlx_usage(args, "'%s' is none of host, cpu, mem, disk, net", last);
	wish->view = view ? view : sar_view_find("host");
	wish->domain = xlx_value(args, "domain");
	if (n == 2 || (n == 1 && !view)) {
		if (wish->domain)
			return xlx_usage(args, "--domain and an argument DOMAIN exclude each other");
		wish->domain = xlx_arg(args, 0);
	}
	return 0;
}

static int read_wish(const struct xlx_args *args, struct wish *wish)
{
	int64_t now = (int64_t)time(NULL);
	int status = read_words(args, wish);

	wish->since = now - 3600;
	wish->until = now;
	if (xlx_has(args, "json") && xlx_has(args, "csv"))
		return xlx_usage(args, "--json and --csv exclude each other");
	if ((xlx_has(args, "json") || xlx_has(args, "csv")) && xlx_value(args, "svg") && !strcmp(xlx_value(args, "svg"), "-"))
		return xlx_usage(args, "the plot, and JSON or CSV, cannot both go to standard output: name a file with --svg");
	if (!status)
		status = read_time(args, "until", now, &wish->until);
	if (!status && !xlx_value(args, "since"))
		wish->since = wish->until - 3600;
	if (!status)
		status = read_time(args, "since", now, &wish->since);
	if (!status && wish->since >= wish->until)
		status = xlx_usage(args, "--since must be before --until");
	return status ? status : read_step(args, wish);
}

/* ---- the report ---- */

static int load(const char *folder, const struct wish *wish, struct uvpi_history *history)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvpi_history_load(folder, wish->since * NS, wish->until * NS + NS - 1, history, &err) == 0)
		return 0;
	if (err.code == UVP_E_NOT_FOUND)
		uvpi_hint(&err, "uvp-hostd keeps the history: see whether it runs ('xlx hostd-status'), and that /etc/uvp/hostd.conf "
				"does not say history = no");
	return xlx_fail(&err);
}

static int fail_empty(void)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "the history has no two samples of that time");
	uvpi_hint(&err, "uvp-hostd takes one each second while it runs; a wider --since may find older ones");
	return xlx_fail(&err);
}

static int fail_domain(const char *domain)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "the history of that time knows no domain '%s'", domain);
	uvpi_hint(&err, "a name, an id or a UUID will do, also of a domain that is gone; a wider --since may find it");
	return xlx_fail(&err);
}

static int fail_ambiguous(const char *domain)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_fail(&err, UVP_E_INVALID, 0, "'%s' is not the only domain whose name begins with its first %d bytes, and the history keeps no more",
		  domain, UVPI_HISTORY_NAME - 1);
	uvpi_hint(&err, "name it by its id or its UUID");
	return xlx_fail(&err);
}

static int print(const struct xlx_args *args, const struct sar_report *report)
{
	int status = xlx_value(args, "svg") ? sar_write_svg(report, xlx_value(args, "svg")) : XLX_EXIT_OK;

	if (status)
		return status;
	if (xlx_has(args, "json"))
		return sar_print_json(report);
	if (xlx_has(args, "csv"))
		return sar_print_csv(report);
	return xlx_value(args, "svg") ? status : sar_print_table(report);
}

static int report_on(const struct xlx_args *args, const struct wish *wish, const struct uvpi_history *history)
{
	struct uvpi_history_who who = { 0 };
	_cleanup_free_ struct uvpi_history_row *rows = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct sar_report report = { .series = wish->view->host };
	struct sar_nodes nodes;

	if (history->n < 2)
		return fail_empty();
	if (wish->domain) {
		if (!uvpi_history_find(history, wish->domain, &who))
			return fail_domain(wish->domain);
		if (who.ambiguous)
			return fail_ambiguous(wish->domain);
		report.series = wish->view->domain;
		report.domain = *who.domain->name ? who.domain->name : wish->domain;
	}
	if (uvpi_history_rows(history, who.domain ? &who : NULL, wish->step, &rows, &report.n, &err) < 0)
		return xlx_fail(&err);
	report.rows = rows;
	if (!who.domain && wish->view->nodes)
		report.series = sar_add_nodes(report.series, rows, report.n, &nodes);
	return print(args, &report);
}

static int run(const struct xlx_args *args)
{
	const char *folder = xlx_value(args, "dir");
	struct uvpi_history history = { 0 };
	struct wish wish = { 0 };
	int status = read_wish(args, &wish);

	if (!status)
		status = load(folder ? folder : UVPI_HISTORY_DIR, &wish, &history);
	if (!status)
		status = report_on(args, &wish, &history);
	uvpi_history_done(&history);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "since", 's', "TIME", "begin there: a time, or how long ago (1h)", XLX_VALUE },
	{ "until", 'u', "TIME", "end there (now)", XLX_VALUE },
	{ "step", 0, "DURATION", "a line for each (some sixty lines)", XLX_VALUE },
	{ "domain", 'd', "DOMAIN", "of this domain, whatever it is called", XLX_VALUE },
	{ "csv", 0, NULL, "print comma-separated values", XLX_NO_VALUE },
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ "svg", 0, "FILE", "write a plot; '-' is standard output", XLX_VALUE },
	{ "dir", 0, "FOLDER", "read the history that is kept there", XLX_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_sar = {
	.name = "sar",
	.group = "Host",
	.summary = "report what the host and its domains did",
	.args = "[DOMAIN] [host|cpu|mem|disk|net]",
	.min_args = 0,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
