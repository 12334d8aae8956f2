/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making domains, from files and from definitions: what create and start have in common. */
#ifndef XLX_MAKING_H
#define XLX_MAKING_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/define.h>

#include "xlx/bar.h"
#include "xlx/cmd.h"

/* The options of it. */
#define XLX_OPTS_MAKING \
	{ "paused", 'p', NULL, "leave the domain paused: 'xlx unpause' starts it", XLX_NO_VALUE }, \
		{ "no-pool", 0, NULL, "take no domain that 'xlx pool' has prepared", XLX_NO_VALUE }, \
		{ "console", 'c', NULL, "sit at the domain's console once it runs", XLX_NO_VALUE }, \
		{ "quiet", 'q', NULL, "print nothing but errors", XLX_NO_VALUE }, \
		{ "dry-run", 'n', NULL, "make every check and change nothing", XLX_NO_VALUE }

struct uvpi_json;

struct xlx_making {
	const struct xlx_args *args;
	bool quiet, dry_run, json;
	enum bar_mode mode;
	struct uvp_host *host;
	struct uvpi_json *made; /* with json: an array */
	int console_status;
};

/* Read the options. 0 or an exit status. */
int xlx_making_init(struct xlx_making *making, const struct xlx_args *args);
/* Print what was made, and close the host. Returns the first status that is not 0. */
int xlx_making_end(struct xlx_making *making, int first);
/* Make one domain, from its configuration or (then the configuration is only reported) from its definition. */
int xlx_make(struct xlx_making *making, const struct uvp_config *config, const struct uvp_definition *definition,
	     struct uvp_error *err);
/* Say that it was made. */
void xlx_report_made(struct xlx_making *making, const struct uvp_config *config, uint32_t id, const uint8_t uuid[16]);

#endif
