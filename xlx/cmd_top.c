/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx top: the host on one screen. */
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "xlx/open.h"
#include "xlx/top/dump.h"
#include "xlx/top/loop.h"
#include "xlx/top/keep.h"
#include "xlx/top/past.h"
#include "xlx/top/source.h"
#include "xlx/top/ui.h"

struct wish {
	struct top_ui ui;
	struct top_past past;
	int64_t ago_ms; /* 0: now */
	int width, height;
	uint64_t count; /* rounds of --plain; 0: without end */
	bool once, json, plain;
};

static int read_size(const struct xlx_args *args, struct wish *wish)
{
	const char *text = xlx_value(args, "size"), *x = text ? strchr(text, 'x') : NULL;
	char width[16];
	uint64_t w, h;

	wish->width = 100;
	wish->height = 30;
	if (!text)
		return 0;
	snprintf(width, sizeof(width), "%.*s", x ? (int)(x - text) : 0, text);
	if (!x || uvpi_parse_u64(width, "--size", TOP_MIN_WIDTH, 1000, &w, NULL) < 0 ||
	    uvpi_parse_u64(x + 1, "--size", TOP_MIN_HEIGHT, 1000, &h, NULL) < 0)
		return xlx_usage(args, "--size: '%s' is not COLUMNSxROWS, from %dx%d to 1000x1000", text, TOP_MIN_WIDTH, TOP_MIN_HEIGHT);
	wish->width = (int)w;
	wish->height = (int)h;
	return 0;
}

static int read_interval(const struct xlx_args *args, struct wish *wish)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int64_t ms;

	if (!xlx_value(args, "interval"))
		return 0;
	if (uvpi_parse_duration(xlx_value(args, "interval"), "--interval", &ms, &err) < 0)
		return xlx_fail(&err);
	if (ms < TOP_MIN_INTERVAL_MS || ms > TOP_MAX_INTERVAL_MS)
		return xlx_usage(args, "--interval must be from 100ms to 60s");
	wish->ui.interval_ms = (int)ms;
	return 0;
}

static int read_view(const struct xlx_args *args, struct wish *wish)
{
	const char *view = xlx_value(args, "view"), *sort = xlx_value(args, "sort"), *filter = xlx_value(args, "filter"),
		   *columns = xlx_value(args, "columns");
	char why[160];
	int found;

	if (columns && !top_columns_parse(&wish->ui, columns, why, sizeof(why)))
		return xlx_usage(args, "--columns: %s", why);
	wish->ui.columns_given = columns;
	wish->ui.tree |= xlx_has(args, "tree");
	if (view) {
		found = top_view_find(view);
		if (found < 0 || (found == TOP_DOMAIN && !xlx_n_args(args)))
			return xlx_usage(args, "--view: '%s' is none of domains, cpus, memory, disks, networks, jobs, events, columns, help%s", view,
					 found < 0 ? "" : "; name a domain to see it");
		if (found != TOP_DOMAIN && xlx_n_args(args))
			return xlx_usage(args, "--view %s is of all domains, and '%s' alone would be shown in full: leave one of them out", view,
					 xlx_arg(args, 0));
		wish->ui.view = (enum top_view)found;
		if (wish->plain && !top_plain_has(wish->ui.view))
			return xlx_usage(args, "--view %s is of the screen; --plain tells of domains, cpus, memory, disks, networks, jobs, events",
					 view);
	}
	if (sort) {
		wish->ui.sort = top_column_find(sort);
		if (wish->ui.sort < 0)
			return xlx_usage(args, "--sort: there is no column '%s'", sort);
	}
	if (filter) {
		if (strlen(filter) >= sizeof(wish->ui.filter))
			return xlx_usage(args, "--filter: longer than %zu characters", sizeof(wish->ui.filter) - 1);
		if (!top_filter_check(filter, why, sizeof(why)))
			return xlx_usage(args, "--filter: %s", why);
		snprintf(wish->ui.filter, sizeof(wish->ui.filter), "%s", filter);
	}
	return 0;
}

/* What would say nothing is refused rather than ignored. */
static int check_together(const struct xlx_args *args, const struct wish *wish)
{
	static const char *const of_screen[] = { "sort", "columns", "tree", "filter" };

	if (wish->json && wish->plain)
		return xlx_usage(args, "--json and --plain exclude each other");
	for (size_t i = 0; wish->json && i < UVPI_ARRAY_SIZE(of_screen); i++)
		if (xlx_has(args, of_screen[i]))
			return xlx_usage(args, "--%s is of the screen; --json tells all figures of all domains", of_screen[i]);
	if (xlx_value(args, "size") && (wish->plain || !wish->once))
		return xlx_usage(args, "--size is for --once");
	if (xlx_value(args, "count") && (!wish->plain || wish->once))
		return xlx_usage(args, "--count is for --plain without --once");
	if (xlx_value(args, "ago") && (wish->plain || wish->json))
		return xlx_usage(args, "--ago is for the screen and --once");
	return 0;
}

static int read_wish(const struct xlx_args *args, struct wish *wish)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status;

	top_ui_init(&wish->ui);
	/* A choice that cannot be read must not keep the screen away. */
	if (top_keep_load(&wish->ui, &err) < 0)
		top_say(&wish->ui, true, err.message, err.hint);
	wish->json = xlx_has(args, "json");
	wish->plain = xlx_has(args, "plain");
	wish->once = xlx_has(args, "once") || wish->json;
	status = check_together(args, wish);
	if (status)
		return status;
	wish->past.folder = xlx_value(args, "dir") ? xlx_value(args, "dir") : UVPI_HISTORY_DIR;
	if (xlx_value(args, "ago") && uvpi_parse_duration(xlx_value(args, "ago"), "--ago", &wish->ago_ms, &err) < 0)
		return xlx_fail(&err);
	status = xlx_value(args, "count") ? xlx_number(args, xlx_value(args, "count"), "--count", 1, UINT32_MAX, &wish->count) : 0;
	if (!status)
		status = read_size(args, wish);
	if (!status)
		status = read_interval(args, wish);
	return status ? status : read_view(args, wish);
}

/* The first two samples: a rate needs both. False when the operator would not wait. */
static int take_two(struct top_source *source, struct top_model *model, const struct wish *wish)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct pollfd cancel = { .fd = xlx_cancel_fd(), .events = POLLIN };

	if (top_source_take(source, model, &err) < 0)
		return xlx_fail(&err);
	if (poll(&cancel, 1, wish->ui.interval_ms) > 0)
		return XLX_EXIT_FAILED;
	return top_source_take(source, model, &err) < 0 ? xlx_fail(&err) : 0;
}

static int go_back(struct wish *wish, const struct top_model *now)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = top_past_go(&wish->past, wish->ago_ms / 1000, false, top_wall_ns(), now, &err);

	if (r == 0)
		uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "the history in '%s' does not go back so far", wish->past.folder);
	if (r <= 0) {
		uvpi_hint(&err, "uvp-hostd keeps the history; 'xlx sar --since 7d' tells how far it goes back");
		return xlx_fail(&err);
	}
	wish->ui.past_at = wish->past.at_ns / 1000000000;
	wish->ui.past_age = top_wall_ns() / 1000000000 - wish->ui.past_at;
	return 0;
}

static int show_once(struct top_source *source, struct top_model *model, struct wish *wish)
{
	struct top_frame *frame;
	int status = wish->ago_ms ? go_back(wish, model) : take_two(source, model, wish);

	if (status)
		return status;
	if (wish->past.model)
		model = wish->past.model;
	else if (wish->ui.view == TOP_DOMAIN && !wish->json && !wish->plain)
		top_past_curves(wish->past.folder, model, wish->ui.interval_ms, top_wall_ns(), NULL);
	if (wish->json)
		return top_dump_json(model, &wish->ui);
	if (wish->plain)
		return top_dump_plain(model, &wish->ui);
	frame = top_draw(model, &wish->ui, wish->width, wish->height, 0);
	status = frame ? top_dump_frame(frame) : XLX_EXIT_FAILED;
	top_frame_free(frame);
	return status;
}

/* As on the screen: what was there stays, and is told with its age. Returns an exit status. */
static int take_next(struct top_source *source, struct top_model *model, struct top_ui *ui)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = top_source_take(source, model, &err);

	snprintf(ui->failure, sizeof(ui->failure), "%s", r < 0 ? err.message : "");
	snprintf(ui->failure_hint, sizeof(ui->failure_hint), "%s", r < 0 ? err.hint : "");
	ui->age = top_wall_ns() / 1000000000 - model->taken_at;
	return r < 0 ? xlx_exit_status(err.code) : 0;
}

static int show_plain(struct top_source *source, struct top_model *model, struct wish *wish)
{
	struct pollfd cancel = { .fd = xlx_cancel_fd(), .events = POLLIN };
	struct uvp_error err = UVP_ERROR_INIT;

	/* before there is anything to tell, a failure is the end */
	if (top_source_take(source, model, &err) < 0)
		return xlx_fail(&err);
	for (uint64_t round = 1; poll(&cancel, 1, wish->ui.interval_ms) <= 0; round++) {
		int told, status = take_next(source, model, &wish->ui);

		if (round > 1)
			putchar('\n');
		told = top_dump_plain(model, &wish->ui);
		if (told || fflush(stdout))
			return told;
		/* whoever wants so many rounds learns that the last of them has old figures */
		if (round == wish->count)
			return status;
	}
	return 0;
}

static int show_screen(struct top_source *source, struct top_model *model, struct wish *wish)
{
	struct uvp_error err = UVP_ERROR_INIT;
	const char *no_color = getenv("NO_COLOR");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "xlx: the screen needs a terminal\nhint: use --once, --plain or --json\n");
		return XLX_EXIT_USAGE;
	}
	if (top_source_take(source, model, &err) < 0)
		return xlx_fail(&err);
	if (wish->ago_ms && go_back(wish, model))
		return XLX_EXIT_FAILED;
	return top_loop(source, model, &wish->ui, &wish->past, !no_color || !*no_color);
}

static int open_source(const struct xlx_args *args, struct uvp_host **ret_host, struct wish *wish)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int status;

	if (!xlx_n_args(args))
		return xlx_open_host(ret_host);
	status = xlx_open_domain(args, 0, ret_host, &domain);
	if (status)
		return status;
	wish->ui.view = TOP_DOMAIN;
	wish->ui.selected.domid = domain->domid;
	memcpy(wish->ui.selected.uuid, domain->uuid, sizeof(domain->uuid));
	wish->ui.has_selected = true;
	return 0;
}

static void name_host(struct uvp_host *host, struct top_model *model)
{
	struct uvp_host_info info;

	if (gethostname(model->host, sizeof(model->host) - 1))
		snprintf(model->host, sizeof(model->host), "?");
	if (host && uvp_host_get_info(host, &info, NULL) == 0)
		snprintf(model->xen, sizeof(model->xen), "%u.%u%s", info.xen_major, info.xen_minor, info.xen_extra);
}

static int run_top(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_model_ struct top_model *model = top_model_new();
	struct top_source source = { 0 };
	struct wish wish = { 0 };
	int status = read_wish(args, &wish);

	if (!status && !model)
		status = XLX_EXIT_FAILED;
	/* What was can be seen on another host. */
	if (!status && (!wish.once || !wish.ago_ms || xlx_n_args(args)))
		status = open_source(args, &host, &wish);
	if (status)
		return status;
	/* Widths of characters are the terminal's; numbers stay as they are. */
	setlocale(LC_CTYPE, "");
	wish.ui.ascii = xlx_has(args, "ascii") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	source.host = host;
	source.all = wish.json;
	top_source_want(&source, &wish.ui);
	name_host(host, model);
	status = wish.once ? show_once(&source, model, &wish) : wish.plain ? show_plain(&source, model, &wish) :
			     show_screen(&source, model, &wish);
	top_past_done(&wish.past);
	top_ui_done(&wish.ui);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "once", 0, NULL, "print one picture and end", XLX_NO_VALUE },
	{ "size", 0, "COLUMNSxROWS", "of that picture (100x30)", XLX_VALUE },
	{ "view", 0, "VIEW", "domains, cpus, memory, disks, networks, jobs, events, columns or help", XLX_VALUE },
	{ "sort", 0, "COLUMN", "of the domains (CPU%)", XLX_VALUE },
	{ "columns", 0, "LIST", "the columns of the domains, with commas between", XLX_VALUE },
	{ "tree", 0, NULL, "domains by their pools of CPUs", XLX_NO_VALUE },
	{ "filter", 0, "FILTER", "only domains that pass: text, cpu>50, mem<512, state:paused", XLX_VALUE },
	{ "ago", 0, "DURATION", "begin, or print, what was so long ago", XLX_VALUE },
	{ "dir", 0, "FOLDER", "where uvp-hostd keeps what was", XLX_VALUE },
	{ "interval", 'd', "DURATION", "between two samples, 100ms to 60s (1s)", XLX_VALUE },
	{ "ascii", 0, NULL, "no characters beyond ASCII", XLX_NO_VALUE },
	{ "plain", 0, NULL, "the view in sentences, round after round, without a screen", XLX_NO_VALUE },
	{ "count", 0, "N", "end --plain after N rounds", XLX_VALUE },
	{ "json", 0, NULL, "print one object with all figures and end", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_top = {
	.name = "top",
	.group = "Host",
	.summary = "show the host, its domains and devices on one screen, as they change",
	.args = "[DOMAIN]",
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_top,
};
