/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Confirmation of destructive commands. */
#include "xlx/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "xlx/bar.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

int xlx_ask(bool yes, const char *fmt, ...)
{
	char raw[512], question[512], answer[16];
	va_list ap;

	if (yes)
		return XLX_EXIT_OK;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	out_sanitize(raw, question, sizeof(question));
	bar_clear_current();
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		fprintf(stderr, "xlx: not confirmed, nothing was changed: %s\n"
				"hint: there is no terminal to ask on; give --yes\n",
			question);
		return XLX_EXIT_FAILED;
	}
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin)) {
		answer[strcspn(answer, "\n")] = '\0';
		if (!strcasecmp(answer, "y") || !strcasecmp(answer, "yes"))
			return XLX_EXIT_OK;
	} else {
		fputc('\n', stderr);
	}
	fputs("xlx: nothing was changed\n", stderr);
	return XLX_EXIT_FAILED;
}
