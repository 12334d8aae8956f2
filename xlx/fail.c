/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How commands fail: messages for people on stderr, exit statuses for scripts. */
#include "xlx/cmd.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/jobs.h"
#include "xlx/bar.h"
#include "xlx/out.h"

/* xlx(1) prints this table; tests/cli/man-sync.sh compares them. */
static const struct {
	int status;
	int code; /* -1: of no uvp_errcode */
	const char *meaning;
} statuses[] = {
	{ XLX_EXIT_OK, UVP_E_OK, "done" },
	{ XLX_EXIT_FAILED, -1, "failed, or several objects failed for different reasons" },
	{ XLX_EXIT_USAGE, -1, "wrong option or argument on the command line" },
	{ 3, UVP_E_INVALID, "a value, a file or a configuration is wrong" },
	{ 4, UVP_E_NOT_FOUND, "the domain, file or object is not there" },
	{ 5, UVP_E_EXISTS, "the name or object is taken" },
	{ 6, UVP_E_BUSY, "somebody else holds it" },
	{ 7, UVP_E_DENIED, "missing privilege" },
	{ 8, UVP_E_UNSUPPORTED, "this host, guest or release cannot do it" },
	{ 9, UVP_E_NO_MEMORY, "not enough memory" },
	{ 10, UVP_E_NO_SPACE, "a disk or a quota is full" },
	{ 11, UVP_E_TIMEOUT, "a deadline passed" },
	{ 12, UVP_E_CANCELLED, "stopped by a signal" },
	{ 13, UVP_E_PROTOCOL, "a guest or peer sent something that it must not" },
	{ 14, UVP_E_IO, "a read or write failed" },
	{ 15, UVP_E_HYPERVISOR, "Xen refused a hypercall" },
	{ 16, UVP_E_INTERNAL, "a mistake in xlx or libuvp itself" },
};

int xlx_exit_status(int code)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return XLX_EXIT_FAILED;
}

void xlx_print_exit_status(void)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(statuses); i++)
		printf("%d %s\n", statuses[i].status, statuses[i].meaning);
}

/* Why this command fails, for those who look afterwards. */
static char failure[160];

int xlx_fail(const struct uvp_error *err)
{
	char text[sizeof(err->message)];

	bar_clear_current();
	out_sanitize(err->message, text, sizeof(text));
	if (!failure[0])
		out_sanitize(text, failure, sizeof(failure));
	fprintf(stderr, "xlx: %s\n", text);
	if (err->hint[0]) {
		out_sanitize(err->hint, text, sizeof(text));
		fprintf(stderr, "hint: %s\n", text);
	}
	if (xlx_verbose() && err->sys_errno)
		fprintf(stderr, "code: %s (%d), errno %d (%s)\n", uvp_errcode_name(err->code), err->code,
			err->sys_errno, strerror(err->sys_errno));
	else if (xlx_verbose())
		fprintf(stderr, "code: %s (%d)\n", uvp_errcode_name(err->code), err->code);
	return xlx_exit_status(err->code);
}

void xlx_warn(const char *fmt, ...)
{
	char raw[1024], text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	out_sanitize(raw, text, sizeof(text));
	bar_clear_current();
	fprintf(stderr, "xlx: warning: %s\n", text);
}

void xlx_warn_op(void *data, const struct uvp_error *warning)
{
	char hint[sizeof(warning->hint)];

	xlx_warn("%s", warning->message);
	out_sanitize(warning->hint, hint, sizeof(hint));
	if (hint[0])
		fprintf(stderr, "hint: %s\n", hint);
	(void)data;
}

/* The reason of a write that failed before is lost; whether there is a reader still can be seen. */
static bool reader_is_gone(int of)
{
	struct pollfd fd = { .fd = of, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLERR;
}

/* The screen that began this was left, or lost: how it ended is among the events. */
static void tell_of_end(int status)
{
	char command[128], text[300];

	if (!getenv(XLX_FROM_SCREEN) || !reader_is_gone(STDERR_FILENO))
		return;
	uvpi_job_command(command, sizeof(command));
	snprintf(text, sizeof(text), "%.90s: %s", command, !status ? "done" : failure[0] ? failure : "failed");
	uvpi_event_add((int64_t)time(NULL), status ? 3 : 5, text);
}

int xlx_finish(int status)
{
	bool failed = ferror(stdout);

	tell_of_end(status);
	errno = 0;
	if (fflush(stdout))
		failed = true;
	if (!failed)
		return status;
	/* A reader that had enough (`xlx dmesg | head`) needs no message. */
	if (errno != EPIPE && (errno || !reader_is_gone(STDOUT_FILENO)))
		fprintf(stderr, "xlx: cannot write to standard output%s%s\n", errno ? ": " : "",
			errno ? strerror(errno) : "");
	return status ? status : xlx_exit_status(UVP_E_IO);
}
