/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx unpause */
#include <stdio.h>

#include "core/hyp.h"
#include "domain/domain.h"
#include "xlx/domains.h"

/* A move leaves a cap to one that it has suspended; to ask for the others would take as long as xenstored does. */
static bool stands_still(struct uvp_domain *domain)
{
	struct uvpi_dominfo info;

	return uvpi_domain_look(domain, &info, NULL) == 0 && (info.paused || info.shutdown);
}

static int run_unpause(const struct xlx_args *args)
{
	struct xlx_domains domains;

	if (!xlx_domains_open(args, &domains))
		return xlx_domains_close(&domains);
	for (int i = 0; i < domains.n; i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		int r;

		if (stands_still(domains.list[i]))
			xlx_mend_move(domains.list[i]);
		r = uvp_domain_unpause(domains.list[i], &err);
		if (r < 0)
			xlx_status_add(&domains.status, xlx_fail(&err));
		else if (r > 0 && !xlx_has(args, "all"))
			fprintf(stderr, "%s is running already\n", xlx_domain_label(domains.list[i]));
	}
	return xlx_domains_close(&domains);
}

static const struct xlx_opt opts[] = {
	XLX_OPT_ALL,
	{ NULL },
};

const struct xlx_cmd cmd_unpause = {
	.name = "unpause",
	.group = "Domains",
	.summary = "let paused domains run again",
	.args = "DOMAIN...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.quick = true,
	.run = run_unpause,
};
