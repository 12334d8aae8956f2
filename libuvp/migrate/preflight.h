/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that can be known to be in a domain's way before any of it moves. Each function adds what it finds to the
 * message's refusals and warnings; it fails only when it cannot look. */
#ifndef UVPI_MIGRATE_PREFLIGHT_H
#define UVPI_MIGRATE_PREFLIGHT_H

#include "migrate/link.h"
#include "migrate/wire.h"

struct uvp_config;
struct uvp_domain;
struct uvp_host;

void uvpi_preflight_refuse(struct uvpi_wire_message *list, const struct uvp_error *why);
/* On the host where it runs: can a guest like this move at all, with these UVP_MIGRATE_...? */
int uvpi_preflight_source(const struct uvp_domain *domain, const struct uvp_config *config, unsigned int flags,
			   struct uvpi_wire_message *list, struct uvp_error *err);
/* On the host where it is to go. offer is not trusted; config is made of what is in it. */
int uvpi_preflight_target(struct uvp_host *host, const struct uvpi_wire_message *offer, struct uvp_config *config,
			  struct uvpi_wire_message *list, struct uvp_error *err);
/* The same for a definition, in `asked`, of a domain that does not run. */
int uvpi_preflight_stopped(struct uvp_host *host, struct uvpi_wire_message *asked, struct uvp_config *config,
			   struct uvpi_wire_message *list, struct uvp_error *err);
/* Add what is in a message to the report. */
void uvpi_preflight_report(const struct uvpi_wire_message *list, struct uvp_migrate_report *report);
/* Wait for what the other host says to an offer, and add it to the report. Fails with the first refusal that the report has then,
 * whoever's it is. */
int uvpi_preflight_verdict(struct uvpi_link *link, struct uvp_migrate_report *report, const struct uvp_op *op, struct uvp_error *err);
/* One that has greeted and would not say READY, when that is needed. */
void uvpi_preflight_version(const struct uvpi_link *link, bool live, struct uvp_migrate_report *report);
/* What each disk's image looks like here, in the order of the configuration. */
int uvpi_preflight_disks(const struct uvp_config *config, struct uvpi_wire_message *offer, struct uvp_error *err);

#endif
