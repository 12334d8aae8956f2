/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "daemon/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The macros of this header would put our own file and line into every message: it is the caller's that counts. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "core/cleanup.h"
#include "core/jobs.h"

static const char *const level_names[] = {
	[DAEMON_ERROR] = "error", [DAEMON_WARNING] = "warning", [DAEMON_NOTICE] = "notice",
	[DAEMON_INFO] = "info",   [DAEMON_DEBUG] = "debug",
};

static struct {
	const char *name;
	enum daemon_level max;
	bool journal, events;
} logger = { .name = "daemon", .max = DAEMON_INFO };

/* systemd tells device and inode of the stream that it connected. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char text[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(stream, text);
}

void daemon_log_open(const char *name, enum daemon_level max)
{
	logger.name = name;
	logger.max = max;
	logger.journal = stderr_is_journal();
}

void daemon_log_events(void)
{
	logger.events = true;
}

int daemon_level_by_name(const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(level_names); i++)
		if (level_names[i] && !strcmp(name, level_names[i]))
			return (int)i;
	return -1;
}

/* Names and messages may hold what a guest or a file said. */
static void make_harmless(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void emit(enum daemon_level level, const char *domain, const char *code, const char *text)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s", text);
	make_harmless(line);
	if (logger.events && level <= DAEMON_NOTICE)
		uvpi_event_add((int64_t)time(NULL), (int)level, line);
	if (!logger.journal) {
		fprintf(stderr, "%s: %s: %s\n", logger.name, level_names[level], line);
		return;
	}
	sd_journal_send("MESSAGE=%s", line, "PRIORITY=%d", (int)level, "SYSLOG_IDENTIFIER=%s", logger.name,
			"UVP_DOMAIN=%s", domain ? domain : "", "UVP_CODE=%s", code, NULL);
}

void daemon_log(enum daemon_level level, const char *domain, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (level > logger.max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(level, domain, "", text);
}

void daemon_log_failure(enum daemon_level level, const char *domain, const struct uvp_error *err)
{
	char text[sizeof(err->message) + sizeof(err->hint) + 16];

	if (level > logger.max)
		return;
	snprintf(text, sizeof(text), "%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
	emit(level, domain, uvp_errcode_name(err->code), text);
}
