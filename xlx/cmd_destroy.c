/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx destroy: end domains at once and remove everything they have. */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "device/driver.h"
#include "domain/domain.h"
#include "xlx/ask.h"
#include "xlx/bar.h"
#include "xlx/cmd.h"
#include "xlx/domains.h"
#include "xlx/out.h"

static const struct xlx_opt options[] = {
	{ "all", 'a', NULL, "every domain but domain 0", XLX_NO_VALUE },
	{ "yes", 'y', NULL, "do not ask before a running domain is ended", XLX_NO_VALUE },
	{ "force", 'f', NULL, "the same as --yes", XLX_NO_VALUE },
	XLX_OPT_PROGRESS,
	{ NULL },
};

/* xl's destroy never asks, and scripts rely on it: only somebody who sits at a terminal is asked. */
static bool may_ask(const struct xlx_args *args)
{
	return !xlx_has(args, "yes") && !xlx_has(args, "force") && !xlx_force() && isatty(STDIN_FILENO) &&
	       isatty(STDERR_FILENO);
}

static bool is_running(struct uvp_host *host, const struct uvp_domain *domain)
{
	struct uvpi_dominfo info;

	return uvpi_hyp_domain(host->hyp, uvp_domain_id(domain), &info, NULL) == 0 && !info.paused &&
	       !info.shutdown && !info.dying;
}

static int destroy(struct uvp_domain *domain, enum bar_mode mode)
{
	char clients[UVPI_DRIVER_CLIENTS];
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	struct bar bar;
	int r;

	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	op.warning = xlx_warn_op;
	if (uvpi_driver_clients(domain->host, domain->domid, clients))
		xlx_warn("%s served %s, which get no answers from those disks and interfaces any more", xlx_domain_label(domain), clients);
	r = uvp_domain_destroy(domain, &op, &err);
	bar_done(&bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static int destroy_named(const struct xlx_args *args, struct uvp_host *host, const char *name, enum bar_mode mode)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_domain_lookup(host, name, &domain, &err) < 0)
		return xlx_fail(&err);
	if (may_ask(args) && uvp_domain_id(domain) && is_running(host, domain)) {
		int status = xlx_ask(false, "domain %u '%s' is running; end it at once, without telling its system?",
				     uvp_domain_id(domain), uvp_domain_name(domain));

		if (status)
			return status;
	}
	return destroy(domain, mode);
}

static int destroy_one(struct uvp_host *host, const struct uvpi_dominfo *info, enum bar_mode mode)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = info->xenstore_domain ? -UVP_E_NOT_FOUND : uvp_domain_open(host, info->domid, &domain, &err);

	if (r == -UVP_E_NOT_FOUND) /* ended by itself meanwhile; or it is the one that serves xenstore */
		return XLX_EXIT_OK;
	return r < 0 ? xlx_fail(&err) : destroy(domain, mode);
}

static int destroy_all(const struct xlx_args *args, struct uvp_host *host, enum bar_mode mode)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n = uvpi_hyp_domains(host->hyp, 1, &infos, &err), first = XLX_EXIT_OK, status;

	if (n < 0)
		return xlx_fail(&err);
	if (n && may_ask(args)) {
		status = xlx_ask(false, "end all %d domains at once, without telling their systems?", n);
		if (status)
			return status;
	}
	/* Whoever serves others goes when they have gone; in a circle, where that is never, all the same. */
	for (int left = n, before = n + 1; left;) {
		bool all = left == before;

		before = left;
		left = 0;
		for (int i = 0; i < before; i++) {
			char clients[UVPI_DRIVER_CLIENTS];

			if (!all && uvpi_driver_clients(host, infos[i].domid, clients))
				infos[left++] = infos[i];
			else if ((status = destroy_one(host, &infos[i], mode)) && !first)
				first = status;
		}
	}
	return first;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	enum bar_mode mode;
	int first = XLX_EXIT_OK;

	if (!xlx_n_args(args) == !xlx_has(args, "all"))
		return xlx_usage(args, "give the domains, or --all");
	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	if (uvp_host_open(&host, &err) < 0)
		return xlx_fail(&err);
	if (xlx_has(args, "all"))
		return destroy_all(args, host, mode);
	for (int i = 0; i < xlx_n_args(args); i++) {
		int status = destroy_named(args, host, xlx_arg(args, i), mode);

		if (status && !first)
			first = status;
	}
	return first;
}

const struct xlx_cmd cmd_destroy = {
	.name = "destroy",
	.group = "Domains",
	.summary = "end domains at once and remove everything they have",
	.args = "[DOMAIN]...",
	.max_args = -1,
	.opts = options,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run,
};
