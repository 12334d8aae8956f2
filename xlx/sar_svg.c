/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small plot: a panel for each unit among the series, time from left to right, gaps left open. */
#include "xlx/sar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/utf8.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

#define WIDTH 720
#define LEFT 80
#define RIGHT 20
#define TOP 40
#define PANEL 150
#define BETWEEN 50

/* Told apart also by those who see few colours, and in print: Okabe and Ito's set. */
static const char *const colours[] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000" };
static const char *const unit_texts[SAR_N_UNITS] = { "per cent", "bytes", "bytes a second", "a second", "number" };

static void put_text(FILE *out, const char *text)
{
	char clean[256];
	const char *end;
	uint32_t code;

	out_sanitize(text, clean, sizeof(clean));
	end = clean + strlen(clean);
	for (const char *c = clean; c < end; c += uvpi_utf8_decode(c, end, &code))
		if (strchr("<>&\"", *c))
			fprintf(out, "&#%d;", *c);
		else if (!uvpi_utf8_xml_char(c, end))
			fputc('?', out);
		else
			fwrite(c, 1, uvpi_utf8_decode(c, end, &code), out);
}

static double highest(const struct sar_report *report, enum sar_unit unit)
{
	double max = unit == SAR_PERCENT ? 100 : 1;

	for (const struct sar_series *s = report->series; s->name; s++)
		for (size_t i = 0; s->unit == unit && i < report->n; i++)
			if (sar_known(report, &report->rows[i], s) && sar_value(&report->rows[i], s) > max)
				max = sar_value(&report->rows[i], s);
	return max;
}

static void draw_line(FILE *out, const struct sar_report *report, const struct sar_series *series, double max, int y,
		      const char *colour)
{
	bool open = false;

	fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"", colour);
	for (size_t i = 0; i < report->n; i++) {
		double x = LEFT + (report->n > 1 ? (double)i / (double)(report->n - 1) : 0.5) * (WIDTH - LEFT - RIGHT);

		if (!sar_known(report, &report->rows[i], series)) {
			open = false;
			continue;
		}
		fprintf(out, "%s%.1f %.1f", open ? "L" : "M", x, y + PANEL - sar_value(&report->rows[i], series) / max * PANEL);
		/* a point of its own is seen, too */
		if (!open)
			fprintf(out, "h0.1");
		open = true;
	}
	fprintf(out, "\"/>\n");
}

static void draw_panel(FILE *out, const struct sar_report *report, enum sar_unit unit, int y)
{
	double max = highest(report, unit);
	int x = LEFT, colour = 0;
	char text[32];

	sar_format(max, unit, text, sizeof(text));
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#999\"/>\n", LEFT, y,
		WIDTH - LEFT - RIGHT, PANEL);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 6, y + 10, text);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", LEFT - 6, y + PANEL);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", WIDTH - RIGHT, y - 6, unit_texts[unit]);
	for (const struct sar_series *s = report->series; s->name; s++) {
		const char *stroke = colours[colour++ % (int)UVPI_ARRAY_SIZE(colours)];

		if (s->unit != unit)
			continue;
		fprintf(out, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", x, y - 6, stroke, s->name);
		x += 20 + 7 * (int)strlen(s->name);
		draw_line(out, report, s, max, y, stroke);
	}
}

static void put_time(FILE *out, int64_t time_s, int x, int y, const char *anchor)
{
	time_t t = (time_t)time_s;
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, text);
}

static bool has_unit(const struct sar_report *report, enum sar_unit unit)
{
	for (const struct sar_series *s = report->series; s->name; s++)
		if (s->unit == unit)
			return true;
	return false;
}

static void draw(FILE *out, const struct sar_report *report)
{
	int y = TOP, panels = 0;

	for (enum sar_unit unit = 0; unit < SAR_N_UNITS; unit++)
		panels += has_unit(report, unit);
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
		     "font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		WIDTH, TOP + panels * (PANEL + BETWEEN));
	fprintf(out, "<text x=\"%d\" y=\"15\" font-size=\"13\">", LEFT);
	put_text(out, report->domain ? report->domain : "host");
	fprintf(out, "</text>\n");
	for (enum sar_unit unit = 0; unit < SAR_N_UNITS; unit++) {
		if (!has_unit(report, unit))
			continue;
		draw_panel(out, report, unit, y);
		put_time(out, report->rows[0].time_s, LEFT, y + PANEL + 14, "start");
		put_time(out, report->rows[report->n - 1].time_s, WIDTH - RIGHT, y + PANEL + 14, "end");
		y += PANEL + BETWEEN;
	}
	fprintf(out, "</svg>\n");
}

/* ---- where it goes ---- */

static int fail_write(const char *path)
{
	struct uvp_error err = UVP_ERROR_INIT;

	uvpi_fail_errno(&err, errno, "cannot write the plot '%s'", path);
	return xlx_fail(&err);
}

/* Into what is there and stays what it is. Takes over fd. */
static int write_into(const struct sar_report *report, int fd, const char *path)
{
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool bad;

	if (!out)
		return fail_write(path);
	draw(out, report);
	bad = ferror(out);
	return fclose(out) || bad ? fail_write(path) : XLX_EXIT_OK;
}

static int write_beside(const struct sar_report *report, const char *path, mode_t mode)
{
	char beside[PATH_MAX];
	int fd, status;
	FILE *out;
	bool bad;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside)) {
		errno = ENAMETOOLONG;
		return fail_write(path);
	}
	fd = mkostemp(beside, O_CLOEXEC);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out)
		return fail_write(path);
	draw(out, report);
	bad = ferror(out) || fchmod(fd, mode) < 0;
	if (fclose(out) == 0 && !bad && rename(beside, path) == 0)
		return XLX_EXIT_OK;
	status = fail_write(path);
	unlink(beside);
	return status;
}

/* Standard output or error, also by a name like /dev/stdout; or -1. */
static int same_as_ours(const struct stat *there)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		struct stat ours;

		if (fstat(fd, &ours) == 0 && ours.st_dev == there->st_dev && ours.st_ino == there->st_ino)
			return fd;
	}
	return -1;
}

int sar_write_svg(const struct sar_report *report, const char *path)
{
	_cleanup_free_ char *target = NULL;
	struct stat there;
	int ours = -1;

	if (!strcmp(path, "-"))
		ours = STDOUT_FILENO;
	/* as any file that a person makes */
	else if (lstat(path, &there) < 0)
		return errno == ENOENT ? write_beside(report, path, 0644) : fail_write(path);
	else if (stat(path, &there) < 0)
		return fail_write(path);
	else
		ours = same_as_ours(&there);
	if (ours >= 0) {
		fflush(stdout);
		return write_into(report, fcntl(ours, F_DUPFD_CLOEXEC, 0), path);
	}
	if (!S_ISREG(there.st_mode))
		return write_into(report, open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), path);
	/* what a link leads to, not the link */
	target = realpath(path, NULL);
	return target ? write_beside(report, target, there.st_mode & 0777) : fail_write(path);
}
