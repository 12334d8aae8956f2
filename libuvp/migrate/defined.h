/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The definition of a domain that moves goes along with it. */
#ifndef UVPI_MIGRATE_DEFINED_H
#define UVPI_MIGRATE_DEFINED_H

#include <stdbool.h>

#include "define/store.h"

struct uvp_host;
struct uvpi_wire_message;

struct uvpi_defined {
	bool there; /* there is one */
	bool autostart, off; /* off: not at boot for now, because the domain may be another host's */
	struct uvp_definition definition;
	char *text; /* its configuration */
};

/* What is kept here for that UUID. */
int uvpi_defined_get(const uint8_t uuid[16], struct uvpi_defined *ret_defined, struct uvp_error *err);
void uvpi_defined_done(struct uvpi_defined *defined);
/* Into an offer, which borrows the text: nothing, if there is none. */
void uvpi_defined_offer(const struct uvpi_defined *defined, struct uvpi_wire_message *message);
/* Before the domain is handed over: this host does not start it at boot any more. And back. */
int uvpi_defined_switch_off(struct uvpi_defined *defined, struct uvp_error *err);
void uvpi_defined_switch_on(struct uvpi_defined *defined);
/* On the other host: keep what came. */
int uvpi_defined_keep(struct uvp_host *host, const char *text, bool autostart, uint32_t order, uint32_t delay_ms,
		      struct uvp_error *err);

#endif
