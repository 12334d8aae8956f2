/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Progress of long calls on stderr. */
#include "xlx/bar.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/jobs.h"
#include "core/num.h"
#include "xlx/out.h"

#define BAR_TERMINAL_MS 100 /* no eye reads more than ten changes a second */
#define BAR_LINES_MS 10000
#define BAR_JSON_MS 500
#define BAR_JOB_MS 300

static struct bar *current;

bool bar_mode_of(const struct xlx_args *args, enum bar_mode *ret_mode)
{
	const char *how = xlx_value(args, "progress"), *from = how ? "--progress" : "XLX_PROGRESS";

	if (!how)
		how = getenv(from);
	if (!how || !*how)
		*ret_mode = isatty(STDERR_FILENO) ? BAR_TERMINAL : BAR_LINES;
	else if (!strcmp(how, "json"))
		*ret_mode = BAR_JSON;
	else if (!strcmp(how, "none"))
		*ret_mode = BAR_NONE;
	else
		return xlx_usage(args, "%s: '%s' is neither 'json' nor 'none'", from, how), false;
	return true;
}

void bar_init(struct bar *bar, FILE *out, enum bar_mode mode, int64_t (*now)(void))
{
	struct winsize size = { 0 };

	memset(bar, 0, sizeof(*bar));
	bar->out = out;
	bar->mode = mode;
	bar->now = now;
	bar->job = -1;
	bar->width = 80;
	if (mode == BAR_TERMINAL && !ioctl(fileno(out), TIOCGWINSZ, &size) && size.ws_col >= 20)
		bar->width = size.ws_col;
	bar->started = now();
	bar->drawn_at = bar->started;
	current = bar;
}

static void format_amount(const struct uvp_progress *p, char *buf, size_t len)
{
	char done[32], total[32];

	switch (p->unit) {
	case UVP_UNIT_BYTES:
		out_format_size(p->done, done, sizeof(done));
		out_format_size(p->total, total, sizeof(total));
		break;
	case UVP_UNIT_SECONDS:
		snprintf(done, sizeof(done), "%" PRIu64 " s", p->done);
		snprintf(total, sizeof(total), "%" PRIu64 " s", p->total);
		break;
	case UVP_UNIT_ITEMS:
	case UVP_UNIT_NONE:
	default:
		snprintf(done, sizeof(done), "%" PRIu64, p->done);
		snprintf(total, sizeof(total), "%" PRIu64, p->total);
	}
	if (p->total)
		snprintf(buf, len, "%s of %s", done, total);
	else if (p->done)
		snprintf(buf, len, "%s", done);
	else
		buf[0] = '\0';
}

/* done as a share of total without overflow of the product. */
static unsigned int share_of(uint64_t done, uint64_t total, unsigned int parts)
{
	if (!total)
		return 0;
	if (done >= total)
		return parts;
	return (unsigned int)((double)done / (double)total * parts);
}

static void draw_terminal(struct bar *bar, const struct uvp_progress *p)
{
	char amount[80], line[256];
	int len;

	format_amount(p, amount, sizeof(amount));
	len = snprintf(line, sizeof(line), "%s", bar->phase);
	if (amount[0])
		len += snprintf(line + len, sizeof(line) - (size_t)len, ": %s", amount);
	/* The bar itself takes what is left of the line, if that is enough to be seen. */
	if (p->total && bar->width - len > 20) {
		int cells = bar->width - len - 10 < 40 ? bar->width - len - 10 : 40;
		int full = (int)share_of(p->done, p->total, (unsigned int)cells);

		len += snprintf(line + len, sizeof(line) - (size_t)len, " [%.*s%*s] %3u%%", full,
				"########################################", cells - full, "",
				share_of(p->done, p->total, 100));
	}
	if (len >= bar->width)
		line[bar->width - 1] = '\0';
	fprintf(bar->out, "\r%s\033[K", line);
	bar->on_screen = true;
}

static void draw_json(struct bar *bar, const struct uvp_progress *p)
{
	static const char *const units[] = { "none", "bytes", "items", "seconds" };

	char phase[2 * sizeof(bar->phase)], *to = phase;

	/* A phase may hold a domain's name, and another tool may have chosen that. */
	for (const char *from = bar->phase; *from; from++) {
		if (*from == '"' || *from == '\\')
			*to++ = '\\';
		*to++ = *from;
	}
	*to = '\0';
	fprintf(bar->out,
		"{\"phase\":\"%s\",\"done\":%" PRIu64 ",\"total\":%" PRIu64 ",\"unit\":\"%s\"}\n", phase,
		p->done, p->total, (unsigned int)p->unit < 4 ? units[p->unit] : "none");
}

/* For those who watch the host: what ends at once is not worth a file. */
static void tell_others(struct bar *bar, const struct uvp_progress *p)
{
	struct uvpi_job job = { .started_s = (int64_t)time(NULL), .done = p->done, .total = p->total, .unit = p->unit };

	/* a clock of a test */
	if (bar->now != uvpi_now_ms)
		return;
	/* Whoever waits for a guest may not tell of it again. */
	if ((bar->now() - bar->started < BAR_JOB_MS && strncmp(p->phase, "waiting", 7) != 0) ||
	    (bar->job >= 0 && bar->now() - bar->told_at < BAR_JOB_MS))
		return;
	bar->told_at = bar->now();
	if (bar->job < 0)
		bar->job = uvpi_job_begin();
	job.started_s -= (bar->told_at - bar->started) / 1000;
	out_sanitize(p->phase, job.phase, sizeof(job.phase));
	uvpi_job_command(job.command, sizeof(job.command));
	uvpi_job_update(bar->job, &job);
}

void bar_update(void *data, const struct uvp_progress *p)
{
	struct bar *bar = data;
	int64_t now = bar->now();
	char phase[sizeof(bar->phase)];
	bool new_phase, complete;
	int64_t pause = bar->mode == BAR_TERMINAL ? BAR_TERMINAL_MS :
			bar->mode == BAR_JSON	  ? BAR_JSON_MS :
						    BAR_LINES_MS;
	char amount[80];

	tell_others(bar, p);
	if (bar->mode == BAR_NONE)
		return;
	out_sanitize(p->phase, phase, sizeof(phase));
	new_phase = strcmp(bar->phase, phase) != 0;
	memcpy(bar->phase, phase, sizeof(phase));
	complete = p->total && p->done >= p->total && bar->done != p->done;
	/* What is over at once needs no word: the first line comes after the first pause. JSON tells each phase, and its end. */
	if (now - bar->drawn_at < pause && !((new_phase || complete) && bar->mode == BAR_JSON))
		return;
	bar->drawn_at = now;
	bar->done = p->done;
	if (bar->mode == BAR_TERMINAL) {
		draw_terminal(bar, p);
	} else if (bar->mode == BAR_JSON) {
		draw_json(bar, p);
	} else {
		format_amount(p, amount, sizeof(amount));
		fprintf(bar->out, "xlx: %s%s%s\n", bar->phase, amount[0] ? ": " : "", amount);
	}
	fflush(bar->out);
}

static void clear(struct bar *bar)
{
	if (!bar->on_screen)
		return;
	fputs("\r\033[K", bar->out);
	fflush(bar->out);
	bar->on_screen = false;
}

void bar_done(struct bar *bar)
{
	clear(bar);
	uvpi_job_end(bar->job);
	bar->job = -1;
	if (current == bar)
		current = NULL;
}

void bar_clear_current(void)
{
	if (current)
		clear(current);
}
