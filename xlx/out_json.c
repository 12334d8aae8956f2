/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON on standard output. Its own file, so that only commands that have it bring json-c in. */
#include "xlx/out.h"

#include <stdio.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/json.h"
#include "xlx/cmd.h"

int out_json(struct uvpi_json *value)
{
	struct uvp_error err = UVP_ERROR_INIT;
	_cleanup_free_ char *text = NULL;
	int rc = uvpi_json_text(value, isatty(STDOUT_FILENO), &text, &err);

	uvpi_json_free(value);
	if (rc < 0)
		return xlx_fail(&err);
	puts(text);
	return XLX_EXIT_OK;
}
