/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For commands about several domains or all; xlx/open.h is for those about one. */
#ifndef XLX_DOMAINS_H
#define XLX_DOMAINS_H

#include <uvp/domain.h>

#include "xlx/cmd.h"

#define XLX_OPT_ALL { "all", 'a', NULL, "every domain but domain 0 and xenstore's own", XLX_NO_VALUE }

struct xlx_domains {
	struct uvp_host *host;
	struct uvp_domain **list;
	int n;
	int status; /* so far: that of the names that were not found */
};

/* Open the host and find the domains named by all arguments, or with --all every one that may be acted upon. Says what
 * is wrong; names that cannot be found leave their mark in the status, the others are acted upon. False, with
 * status set, when there is nothing to go on with. Either way, close afterwards. */
bool xlx_domains_open(const struct xlx_args *args, struct xlx_domains *domains);
/* Returns the status. */
int xlx_domains_close(struct xlx_domains *domains);

/* Several objects with one exit status: theirs if they failed for one reason, XLX_EXIT_FAILED otherwise. */
void xlx_status_add(int *status, int more);

/* "domain 'web1'" or "domain 7", for messages; lent until the next call. */
const char *xlx_domain_label(const struct uvp_domain *domain);

/* Put back, and say so, what a killed 'xlx migrate' left: a cap, a limit of memory of 0. */
void xlx_mend_move(struct uvp_domain *domain);

#endif
