/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening what a command's arguments name. */
#include "xlx/open.h"

#include <stdio.h>

#include "core/num.h"
#include "xlx/out.h"

int xlx_open_host(struct uvp_host **ret_host)
{
	struct uvp_error err = UVP_ERROR_INIT;

	return uvp_host_open(ret_host, &err) ? xlx_fail(&err) : 0;
}

int xlx_open_domain(const struct xlx_args *args, int i, struct uvp_host **ret_host,
		    struct uvp_domain **ret_domain)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_host(ret_host);

	if (status)
		return status;
	return uvp_domain_lookup(*ret_host, xlx_arg(args, i), ret_domain, &err) ? xlx_fail(&err) : 0;
}

int xlx_open_pool(const char *name, struct uvp_host **ret_host, struct uvp_pool *ret_pool)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_host(ret_host);

	if (status)
		return status;
	return uvp_pool_lookup(*ret_host, name, ret_pool, &err) ? xlx_fail(&err) : 0;
}

int xlx_number(const struct xlx_args *args, const char *text, const char *what, uint64_t min, uint64_t max,
	       uint64_t *ret_value)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (!uvpi_parse_u64(text, what, min, max, ret_value, &err))
		return 0;
	return xlx_usage(args, "%s", err.message);
}

void xlx_domain_text(const struct uvp_domain *domain, char *buf, int len)
{
	char name[256];

	out_sanitize(uvp_domain_name(domain), name, sizeof(name));
	if (*name)
		snprintf(buf, (size_t)len, "'%s' (%u)", name, uvp_domain_id(domain));
	else
		snprintf(buf, (size_t)len, "%u", uvp_domain_id(domain));
}
