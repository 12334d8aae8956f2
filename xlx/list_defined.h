/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defined domains in lists of domains. */
#ifndef XLX_LIST_DEFINED_H
#define XLX_LIST_DEFINED_H

#include <uvp/define.h>
#include <uvp/list.h>

/* The id of a domain that is defined and does not run. */
#define XLX_NO_ID UINT32_MAX

struct xlx_defined {
	struct uvp_definition *definitions;
	struct uvp_domain_info *infos; /* of those that do not run, with XLX_NO_ID */
	int n_definitions, n_infos;
	struct uvp_error error; /* with n_definitions < 0 */
};

/* Read the definitions, without a word: the quick xlx may become the whole one for it. */
void xlx_defined_read(struct xlx_defined *defined);
/* Compare them with the domains that run. Says which are damaged. 0, or an exit status. */
int xlx_defined_compare(struct xlx_defined *defined, const struct uvp_domain_list *running);
void xlx_defined_close(struct xlx_defined *defined);
/* NULL: it has none. */
const struct uvp_definition *xlx_defined_get(const struct xlx_defined *defined, const uint8_t uuid[16]);

#endif
