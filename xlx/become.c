/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Becoming the whole xlx. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/xml_lib.h"
#include "xlx/cmd.h"
#include "xlx/out.h"
#include "xlx/whole.h"

#define INSTALLED UVP_LIBEXECDIR "/libuvp/xlx"

/* The quick one tells the whole one its version in it. */
#define VARIABLE "UVP_XLX_QUICK"

static char **arguments;

/* Where it was built, it is beside us. Nowhere else: whoever may write to the folder of a copy is not to choose what root runs. */
static void become_built(void)
{
	char path[PATH_MAX], own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (len <= 0)
		return;
	own[len] = '\0';
	snprintf(path, sizeof(path), "%s/xlx/xlx", xlx_built_in);
	if (strcmp(own, path) != 0)
		return;
	snprintf(path, sizeof(path), "%s/xlx/whole/xlx", xlx_built_in);
	execv(path, arguments);
}

void xlx_whole_now(void)
{
	if (!xlx_is_quick || !arguments)
		return;
	setenv(VARIABLE, PACKAGE_VERSION, 1);
	become_built();
	execv(INSTALLED, arguments);
	fprintf(stderr, "xlx: cannot start " INSTALLED ", which this needs: %s\nhint: install libuvp again\n", strerror(errno));
	_exit(XLX_EXIT_FAILED);
}

/* Half an installation must not go on for ever, nor as another release. */
static void check_pair(void)
{
	const char *other = getenv(VARIABLE);
	char version[64];

	if (!other)
		return;
	if (xlx_is_quick) {
		fputs("xlx: the program that this needs, " INSTALLED ", is a copy of xlx itself\nhint: install libuvp again\n",
		      stderr);
		_exit(XLX_EXIT_FAILED);
	}
	if (strcmp(other, PACKAGE_VERSION) != 0) {
		out_sanitize(other, version, sizeof(version));
		fprintf(stderr, "xlx: xlx is of version %s, and " INSTALLED ", which this needs, of version " PACKAGE_VERSION
			"\nhint: install libuvp again\n", version);
		_exit(XLX_EXIT_FAILED);
	}
	unsetenv(VARIABLE);
}

void xlx_whole_init(char **argv)
{
	check_pair();
	arguments = argv;
	if (xlx_is_quick)
		uvpi_xml_before_load = xlx_whole_now;
}

void xlx_whole_never(void)
{
	uvpi_xml_before_load = NULL;
}
