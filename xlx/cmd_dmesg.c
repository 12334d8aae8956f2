/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx dmesg: the hypervisor's log. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/json.h"
#include "xlx/open.h"
#include "xlx/out.h"

/* Xen's buffer is 16 KiB or as large as conring_size= says. */
#define PIECE 16384
#define LOG_MAX (64u << 20)

/* The whole log, as it is at this moment; the caller frees it. Clearing takes away what was read and no more. */
static int read_log(struct uvp_host *host, bool clear, char **ret_text, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t used = 0, size = 0;
	uint32_t position = 0;
	int n;

	do {
		if (size - used < PIECE + 1) {
			char *bigger = realloc(text, size * 2 + PIECE + 1);

			if (!bigger)
				return uvpi_no_memory(err);
			text = bigger;
			size = size * 2 + PIECE + 1;
		}
		n = uvp_host_read_log(host, text + used, PIECE, clear, &position, err);
		if (n < 0)
			return n;
		used += (size_t)n;
	} while (n == PIECE && used < LOG_MAX);
	text[used] = '\0';
	*ret_text = uvpi_steal(&text);
	return 0;
}

/* Guests write to this log too: nothing in it may move the cursor of an operator's terminal. */
static void print_line(const char *line)
{
	char clean[4096];

	out_sanitize(line, clean, sizeof(clean));
	puts(clean);
}

static int print_lines(char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		if (len && line[len - 1] == '\r')
			line[len - 1] = '\0';
		if (rest || *line)
			print_line(line);
	}
	return XLX_EXIT_OK;
}

static int print_json(char *text)
{
	struct uvpi_json *array = uvpi_json_array();
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (rest || *line)
			uvpi_json_add_str(array, line);
	}
	return out_json(array);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_free_ char *text = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	if (read_log(host, xlx_has(args, "clear"), &text, &err))
		return xlx_fail(&err);
	return xlx_has(args, "json") ? print_json(text) : print_lines(text);
}

static const struct xlx_opt opts[] = {
	{ "clear", 'c', NULL, "empty the log after it was read", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an array of lines", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_dmesg = {
	.name = "dmesg",
	.group = "Host",
	.summary = "show the hypervisor's log",
	.opts = opts,
	.run = run,
};
