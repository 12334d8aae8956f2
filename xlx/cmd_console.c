/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx console: sit at a domain's console. */
#include "config.h"

#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "domain/domain.h"
#include "xlx/cmd.h"
#include "xlx/console_loop.h"

static const struct xlx_opt options[] = {
	{ "type", 't', "TYPE", "'pv' or 'serial'; default: the serial port where there is one", XLX_VALUE },
	{ "num", 'n', "NUM", "which console of that type, from 0", XLX_VALUE },
	{ "escape", 'e', "KEY", "key that leaves: '^]' (the default), one character, or 'none'", XLX_VALUE },
	{ "read-only", 'r', NULL, "show the output, send nothing", XLX_NO_VALUE },
	{ "log", 'l', "FILE", "append the output to FILE as well", XLX_VALUE },
	{ "timeout", 0, "TIME", "leave this long after input from a file or pipe has ended (default 5s)", XLX_VALUE },
	{ "steal", 0, NULL, "end the client that holds the console, and take its place", XLX_NO_VALUE },
	{ NULL },
};

static int read_options(const struct xlx_args *args, struct xlx_console *what, struct uvp_error *err)
{
	const char *type = xlx_value(args, "type"), *num = xlx_value(args, "num");
	const char *escape = xlx_value(args, "escape"), *timeout = xlx_value(args, "timeout");
	int r = 0;

	if (type && !strcmp(type, "pv"))
		what->options.type = UVP_CONSOLE_PV;
	else if (type && !strcmp(type, "serial"))
		what->options.type = UVP_CONSOLE_SERIAL;
	else if (type && !strcmp(type, "vuart"))
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "console type 'vuart' is for Arm guests; this is x86");
	else if (type)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.32s' is no console type: expected 'pv' or 'serial'", type);
	if (num)
		r = uvpi_parse_u32(num, "the console's number", 0, 65535, &what->options.num, err);
	if (r >= 0 && escape)
		r = xlx_console_parse_escape(escape, &what->escape, err);
	if (r >= 0 && timeout)
		r = uvpi_parse_duration(timeout, "the time to go on after the end of input", &what->timeout_ms, err);
	what->read_only = xlx_has(args, "read-only");
	what->log = xlx_value(args, "log");
	if (xlx_has(args, "steal"))
		what->options.flags |= UVP_CONSOLE_STEAL;
	return r;
}

static int run(const struct xlx_args *args)
{
	struct xlx_console what = XLX_CONSOLE_INIT;
	struct uvp_error err = UVP_ERROR_INIT;
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r = read_options(args, &what, &err);

	if (r >= 0)
		r = uvp_host_open(&host, &err);
	if (r >= 0)
		r = uvp_domain_lookup(host, xlx_arg(args, 0), &domain, &err);
	if (r < 0)
		return xlx_fail(&err);
	what.domain = domain;
	return xlx_console_run(&what);
}

const struct xlx_cmd cmd_console = {
	.name = "console",
	.group = "Domains",
	.summary = "sit at a domain's console",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.opts = options,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
