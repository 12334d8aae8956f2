/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A defined domain that does not run: its definition moves, and nothing else. The receiver keeps it before the sender lets go
 * of it, so that it is on both hosts for a moment, but on neither in a way that starts it by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/migrate.h>

#include "config/model.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "domain/domain.h"
#include "migrate/defined.h"
#include "migrate/lanes.h"
#include "migrate/link.h"
#include "migrate/preflight.h"
#include "migrate/stopped.h"

#define ANSWER_MS 60000

struct stopped {
	const struct uvp_migrate *how;
	struct uvp_op op; /* until it is handed over */
	struct uvp_migrate_report *report;
	struct uvpi_link link;
	struct uvpi_defined defined;
};

/* ---- the sender ---- */

static int check_stopped(struct uvp_host *host, const uint8_t uuid[16], struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r = uvpi_def_running(host, uuid, &domain, err);

	return r > 0 ? uvpi_fail(err, UVP_E_BUSY, 0, "it runs by now") : r;
}

static int offer(struct stopped *s, struct uvp_error *err)
{
	const struct uvp_definition *definition = &s->defined.definition;
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	_cleanup_config_ struct uvp_config *config = NULL;
	int r;

	if (!message)
		return uvpi_no_memory(err);
	r = uvp_definition_config(definition, 0, &config, err);
	if (r == 0)
		r = uvpi_preflight_disks(config, message, err);
	if (r < 0)
		return r;
	message->type = UVPI_WIRE_KEEP;
	message->flags = s->how->flags;
	uvpi_defined_offer(&s->defined, message);
	message->has_uuid = true;
	memcpy(message->uuid, definition->uuid, sizeof(message->uuid));
	return uvpi_link_send(&s->link, message, &s->op, err);
}

static int hand_over(struct stopped *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = uvpi_defined_switch_off(&s->defined, err);

	if (r == 0)
		r = uvpi_link_tell(&s->link, UVPI_WIRE_GO, &why);
	if (r == 0)
		r = uvpi_link_receive(&s->link, UVPI_WIRE_RUNNING, uvpi_now_ms() + ANSWER_MS, NULL, &why);
	if (r == 0)
		r = uvp_definition_remove(&s->defined.definition, err);
	else if (s->link.aborted)
		uvpi_defined_switch_on(&s->defined);
	if (r == 0)
		uvpi_link_tell(&s->link, UVPI_WIRE_DONE, NULL);
	if (r == 0 || !why.code)
		return r;
	if (err)
		*err = why;
	if (!s->link.aborted)
		uvpi_hint(err, "it is defined here, but does not start at boot any more; whether it is defined there, too, 'xlx list --all' there tells");
	return r;
}

static int move(struct stopped *s, struct uvp_error *err)
{
	int r = uvpi_link_open(&s->link, s->how, &s->op, err);

	if (r == 0)
		r = offer(s, err);
	if (r == 0)
		r = uvpi_preflight_verdict(&s->link, s->report, &s->op, err);
	if (r == 0 || s->report->n_refusals)
		snprintf(s->report->there, sizeof(s->report->there), "%.127s", s->how->host);
	if (r < 0)
		return r;
	if (uvpi_lanes_wanted(s->how) > 1 && s->report->n_warnings < UVP_MIGRATE_REFUSALS)
		snprintf(s->report->warnings[s->report->n_warnings++], sizeof(s->report->warnings[0]),
			 "it does not run: its definition goes over one connection");
	return s->how->flags & UVP_MIGRATE_CHECK ? 0 : hand_over(s, err);
}

int uvp_definition_migrate(struct uvp_host *host, const struct uvp_definition *definition, const struct uvp_migrate *how,
			   const struct uvp_op *op, struct uvp_migrate_report *ret_report, struct uvp_error *err)
{
	struct stopped *s = calloc(1, sizeof(*s));
	struct uvp_migrate_report *report = calloc(1, sizeof(*report));
	int64_t began = uvpi_now_ms();
	int r;

	if (!s || !report) {
		free(s);
		free(report);
		return uvpi_no_memory(err);
	}
	*s = (struct stopped){ .how = how, .report = report, .link = UVPI_LINK_INIT };
	s->op = uvpi_op_until(op, how->timeout_ms ? began + how->timeout_ms : -1);
	r = uvpi_defined_get(definition->uuid, &s->defined, err);
	if (r == 0 && !s->defined.there)
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "it is not defined any more");
	if (r == 0)
		r = check_stopped(host, definition->uuid, err);
	if (r == 0)
		r = move(s, err);
	report->wire_bytes = s->link.bytes;
	uvpi_link_close(&s->link);
	report->total_ms = (uint64_t)(uvpi_now_ms() - began);
	if (r < 0)
		uvpi_prefix(err, "cannot move '%s' to '%.100s'", definition->name, how->host);
	if (ret_report)
		*ret_report = *report;
	uvpi_defined_done(&s->defined);
	free(s);
	free(report);
	return r;
}

/* ---- the receiver ---- */

int uvpi_stopped_receive(struct uvp_host *host, struct uvpi_link *link, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *verdict = calloc(1, sizeof(*verdict));
	_cleanup_free_ char *text = strdup(link->message.definition);
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvpi_wire_message *asked = &link->message;
	bool autostart = asked->autostart, check = asked->flags & UVP_MIGRATE_CHECK;
	uint32_t order = asked->order, delay_ms = asked->delay_ms;
	struct uvp_error why = UVP_ERROR_INIT;
	int r;

	if (!verdict || !text)
		return uvpi_no_memory(err);
	verdict->type = UVPI_WIRE_VERDICT;
	r = uvp_config_parse("its definition", text, strlen(text), NULL, 0, NULL, NULL, &config, &why);
	if (r == 0 && (!config->has_uuid || memcmp(config->uuid, asked->uuid, sizeof(config->uuid))))
		r = uvpi_fail(&why, UVP_E_PROTOCOL, 0, "its definition is that of another domain");
	if (r == 0)
		r = uvpi_preflight_stopped(host, asked, config, verdict, &why);
	if (r < 0)
		uvpi_preflight_refuse(verdict, &why);
	r = uvpi_link_send(link, verdict, op, err);
	if (r < 0 || verdict->n_refusals || check)
		return r;
	r = uvpi_link_receive(link, UVPI_WIRE_GO, uvpi_now_ms() + ANSWER_MS, op, err);
	if (r == 0)
		r = uvpi_defined_keep(host, text, autostart, order, delay_ms, err);
	UVPI_STEP("defined");
	return r < 0 ? r : uvpi_link_tell(link, UVPI_WIRE_RUNNING, err);
}
