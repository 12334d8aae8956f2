/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding out what became of a domain that was handed over. */
#ifndef UVPI_MIGRATE_SETTLE_H
#define UVPI_MIGRATE_SETTLE_H

#include <stdint.h>

#include <uvp/migrate.h>

struct uvpi_handover;
struct uvpi_link;

/* Ask once, on a connection that the caller closes: the answer is in link->message. uuid, which may be NULL: is it defined there? */
int uvpi_settle_ask(const uint8_t *token, const uint8_t *uuid, const struct uvp_migrate *how, const struct uvp_op *op,
		    struct uvpi_link *link, struct uvp_error *err);

/* Ask the other host on a new connection, several times if it cannot be reached, and do what follows from its answer. The
 * caller has the domain's lock. When that fails, *ret_end is what the host has answered, or UNKNOWN. */
int uvpi_settle(struct uvp_domain *domain, const struct uvpi_handover *handover, const struct uvp_migrate *how,
		const struct uvp_op *op, enum uvp_migrate_end *ret_end, struct uvp_error *err);
/* Nothing of it is to be left there, and no decision kept: for a connection that broke before it was handed over (HERE) or when
 * it was known to run there (THERE). Tries once; what is left after a failure is harmless, and listed there. */
int uvpi_settle_tidy(const uint8_t token[16], const struct uvp_migrate *how, struct uvp_error *err);

#endif
