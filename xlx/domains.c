/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For commands about several domains or all. */
#include "xlx/domains.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "domain/domain.h"
#include "migrate/slow.h"
#include "xlx/open.h"
#include "xlx/out.h"

void xlx_status_add(int *status, int more)
{
	if (!*status)
		*status = more;
	else if (more && more != *status)
		*status = XLX_EXIT_FAILED;
}

const char *xlx_domain_label(const struct uvp_domain *domain)
{
	static char label[UVPI_LABEL];
	char raw[UVPI_LABEL];

	out_sanitize(uvpi_domain_label(domain, raw), label, sizeof(label));
	return label;
}

static bool no_room(struct xlx_domains *d, int n)
{
	struct uvp_error err = UVP_ERROR_INIT;

	d->list = calloc((size_t)n + 1, sizeof(struct uvp_domain *));
	if (d->list)
		return false;
	uvpi_no_memory(&err);
	d->status = xlx_fail(&err);
	return true;
}

static bool open_all(struct xlx_domains *d)
{
	struct uvp_error err = UVP_ERROR_INIT;
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_domains(d->host->hyp, 1, &infos, &err);

	if (n < 0) {
		d->status = xlx_fail(&err);
		return false;
	}
	if (no_room(d, n))
		return false;
	for (int i = 0; i < n; i++) {
		int r;

		if (infos[i].xenstore_domain || infos[i].dying)
			continue;
		r = uvp_domain_open(d->host, infos[i].domid, &d->list[d->n], &err);
		if (!r)
			d->n++;
		else if (r != -UVP_E_NOT_FOUND) /* it ended meanwhile */
			xlx_status_add(&d->status, xlx_fail(&err));
	}
	return true;
}

bool xlx_domains_open(const struct xlx_args *args, struct xlx_domains *d)
{
	struct uvp_error err = UVP_ERROR_INIT;
	bool all = xlx_has(args, "all");

	*d = (struct xlx_domains){ 0 };
	if (all && xlx_n_args(args))
		return d->status = xlx_usage(args, "--all and names exclude each other"), false;
	if (!all && !xlx_n_args(args))
		return d->status = xlx_usage(args, "name a domain, or give --all"), false;
	if (uvp_host_open(&d->host, &err)) {
		d->status = xlx_fail(&err);
		return false;
	}
	if (all)
		return open_all(d);
	if (no_room(d, xlx_n_args(args)))
		return false;
	for (int i = 0; i < xlx_n_args(args); i++) {
		if (!uvp_domain_lookup(d->host, xlx_arg(args, i), &d->list[d->n], &err))
			d->n++;
		else
			xlx_status_add(&d->status, xlx_fail(&err));
	}
	return d->n > 0;
}

int xlx_domains_close(struct xlx_domains *d)
{
	for (int i = 0; i < d->n; i++)
		uvp_domain_free(d->list[i]);
	free(d->list);
	uvp_host_close(d->host);
	return d->status;
}

void xlx_mend_move(struct uvp_domain *domain)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_slow_mended mended = { 0 };
	char name[300];
	int r = uvpi_slow_is_noted(domain, &err);

	/* That xenstored does not answer says whoever needs it. */
	if (r < 0)
		uvpi_debug("whether it was slowed down is not known: %s", err.message);
	if (r <= 0)
		return;
	r = uvpi_slow_mend(domain, &mended, &err);
	if (r < 0) {
		uvpi_prefix(&err, "what a killed 'xlx migrate' left stays as it is");
		xlx_warn_op(NULL, &err);
	}
	if (r <= 0)
		return;
	xlx_domain_text(domain, name, sizeof(name));
	if (mended.cap)
		xlx_warn("domain %s had a cap of %" PRIu32 ", which a killed 'xlx migrate --auto-converge' left; it has its own again, %" PRIu32,
			 name, mended.left, mended.own);
	if (mended.limit)
		xlx_warn("domain %s had a limit of memory of 0, which a killed 'xlx migrate' left; it has its own again, %" PRIu64 " KiB", name,
			 mended.limit_kib);
}
