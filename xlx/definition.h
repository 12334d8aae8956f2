/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands about defined domains start with. Each returns 0, or an exit status after the error was printed. */
#ifndef XLX_DEFINITION_H
#define XLX_DEFINITION_H

#include <uvp/define.h>

#include "core/host.h"
#include "xlx/cmd.h"

/* The host, or NULL where there is no Xen: definitions can be changed there all the same. */
int xlx_open_host_if_any(struct uvp_host **ret_host);
/* The definition that a name, a UUID, or the id of a running domain means. host may be NULL. */
int xlx_find_definition(struct uvp_host *host, const char *text, struct uvp_definition *ret_definition);
/* Both, for argument i. */
int xlx_open_definition(const struct xlx_args *args, int i, struct uvp_host **ret_host,
			struct uvp_definition *ret_definition);

/* What cannot run today can be kept for a release or a host that can. */
void xlx_warn_unsupported(const struct uvp_config *config);

/* Of the definition that was just saved; config may have no UUID. */
void xlx_warn_same_mac(const struct uvp_config *config, const struct uvp_definition *definition);

/* "revision 3": lent until the next call. */
const char *xlx_revision(const struct uvp_definition *definition);
/* "2026-11-28 18:05:11", or "-" for 0. */
void xlx_format_date(int64_t seconds, char *buf, int len);

/* One change for people: "memory: 256 -> 512". Cut off at len. */
void xlx_format_change(const struct uvp_change *change, char *buf, int len);

#endif
