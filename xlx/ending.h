/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx shutdown and xlx reboot share. */
#ifndef XLX_ENDING_H
#define XLX_ENDING_H

#include <uvp/domain.h>

#include "xlx/bar.h"
#include "xlx/cmd.h"
#include "xlx/domains.h"

#define XLX_OPTS_ENDING                                                                            \
	XLX_OPT_ALL,                                                                               \
		{ "wait", 'w', NULL,                                                               \
		  "wait until they have shut down; given twice: until they are gone", XLX_NO_VALUE }, \
		{ "timeout", 't', "TIME",                                                          \
		  "wait at most this long, such as 90s or 10m (default 5m); means --wait", XLX_VALUE }, \
		XLX_OPT_PROGRESS

/* Ask every domain first, then wait for them together. Returns the exit status. */
int xlx_end_domains(const struct xlx_args *args, enum uvp_shutdown how, unsigned int flags);

#endif
