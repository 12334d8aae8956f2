/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for completion. */
#include "xlx/names.h"

#include <string.h>

#include "xlx/cmd.h"

int xlx_list_names(const char *kind)
{
	return strcmp(kind, "domains") && strcmp(kind, "pools") ? XLX_EXIT_USAGE : XLX_EXIT_OK;
}
