/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What most commands start with. Each returns 0, or an exit status after the error was printed. */
#ifndef XLX_OPEN_H
#define XLX_OPEN_H

#include <stdint.h>

#include <uvp/cpu.h>
#include <uvp/domain.h>

#include "core/host.h"
#include "domain/domain.h"
#include "xlx/cmd.h"

int xlx_open_host(struct uvp_host **ret_host);
/* The host, and the domain that argument i names. */
int xlx_open_domain(const struct xlx_args *args, int i, struct uvp_host **ret_host,
		    struct uvp_domain **ret_domain);
/* The host, and the pool that the text names. */
int xlx_open_pool(const char *name, struct uvp_host **ret_host, struct uvp_pool *ret_pool);

/* A whole number from an argument or option; usage errors name `what`. */
int xlx_number(const struct xlx_args *args, const char *text, const char *what, uint64_t min, uint64_t max,
	       uint64_t *ret_value);

/* "'web' (7)" or "7" for messages and confirmations. */
void xlx_domain_text(const struct uvp_domain *domain, char *buf, int len);

#endif
