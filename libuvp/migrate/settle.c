/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "domain/domain.h"
#include "migrate/defined.h"
#include "migrate/handover.h"
#include "migrate/link.h"
#include "migrate/slow.h"
#include "stream/suspend.h"

#define ANSWER_MS 120000 /* it may have to end what came, and its devices */
#define TRIES 3
#define BETWEEN_MS 3000

/* One that goes on slowly, and with the memory that it has, is better than one that does not. */
static void put_back(struct uvp_domain *domain, const struct uvp_op *op)
{
	struct uvp_error why = UVP_ERROR_INIT;
	char label[UVPI_LABEL];

	if (uvpi_slow_put_back(domain, NULL, &why) >= 0)
		return;
	uvpi_prefix(&why, "%s goes on, but not as it was", uvpi_domain_label(domain, label));
	if (!why.hint[0])
		uvpi_hint(&why, "'xlx info' puts its cap and its limit of memory back; or 'xlx sched --cap' and 'xlx mem-max' set them");
	uvpi_op_warn(op, &why);
}

static int resume(struct uvp_domain *domain, const struct uvpi_handover *handover, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_defined defined;
	int r;

	put_back(domain, op);
	r = uvpi_resume(domain, err);
	if (r < 0)
		return r;
	UVPI_STEP("goes on");
	/* As long as there is the note, all of this can be done again. */
	if (uvpi_defined_get(domain->uuid, &defined, NULL) == 0) {
		uvpi_handover_was_on(handover, &defined);
		uvpi_defined_switch_on(&defined);
	}
	uvpi_defined_done(&defined);
	UVPI_STEP("switched on");
	return uvpi_handover_take_back(domain, err);
}

/* It is the other host's; the definition is, too, if that has it. Otherwise it stays here, to be moved by hand. */
static int end(struct uvp_domain *domain, bool defined_there, struct uvp_error *err)
{
	struct uvpi_defined defined;
	struct uvp_op sure = UVP_OP_INIT;
	int r;

	/* First: as long as the domain is here, its note has the rest done. */
	if (defined_there) {
		if (uvpi_defined_get(domain->uuid, &defined, NULL) == 0 && defined.there)
			uvp_definition_remove(&defined.definition, NULL);
		uvpi_defined_done(&defined);
		UVPI_STEP("definition gone");
	}
	r = uvp_domain_destroy(domain, &sure, err);
	if (r == 0)
		uvpi_slow_forget(domain);
	return r;
}

int uvpi_settle_ask(const uint8_t *token, const uint8_t *uuid, const struct uvp_migrate *how, const struct uvp_op *op,
		    struct uvpi_link *link, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	int r;

	if (!message)
		return uvpi_no_memory(err);
	message->type = UVPI_WIRE_ASK;
	message->token = token;
	message->has_uuid = uuid != NULL;
	if (uuid)
		memcpy(message->uuid, uuid, sizeof(message->uuid));
	r = uvpi_link_open(link, how, op, err);
	if (r == 0)
		r = uvpi_link_send(link, message, op, err);
	return r < 0 ? r : uvpi_link_receive(link, UVPI_WIRE_ANSWER, uvpi_now_ms() + ANSWER_MS, op, err);
}

int uvpi_settle_tidy(const uint8_t token[16], const struct uvp_migrate *how, struct uvp_error *err)
{
	struct uvpi_link *link = malloc(sizeof(*link));
	int r;

	if (!link)
		return uvpi_no_memory(err);
	r = uvpi_settle_ask(token, NULL, how, NULL, link, err);
	if (r == 0)
		r = uvpi_link_tell(link, UVPI_WIRE_DONE, err);
	uvpi_link_close(link);
	free(link);
	return r;
}

static int ask(struct uvp_domain *domain, const struct uvpi_handover *handover, const struct uvp_migrate *how,
	       const struct uvp_op *op, struct uvpi_link *link, enum uvp_migrate_end *ret_end, struct uvp_error *err)
{
	int r = uvpi_settle_ask(handover->token, domain->uuid, how, op, link, err);

	if (r < 0)
		return r;
	UVPI_STEP("was told");
	*ret_end = link->message.state == UVPI_WIRE_TAKEN ? UVP_MIGRATE_THERE : UVP_MIGRATE_HERE;
	r = *ret_end == UVP_MIGRATE_THERE ? end(domain, link->message.flags & UVPI_WIRE_DEFINED, err) :
					     resume(domain, handover, op, err);
	UVPI_STEP("did it");
	if (r == 0)
		uvpi_link_tell(link, UVPI_WIRE_DONE, NULL);
	return r;
}

/* A host that has answered, and then takes its time, has had two minutes already. */
static bool is_worth_another(const struct uvpi_link *link, int r)
{
	return r == -UVP_E_IO || (r == -UVP_E_TIMEOUT && !link->greeted);
}

static void say_state(struct uvp_domain *domain, const struct uvp_migrate *how, enum uvp_migrate_end end, struct uvp_error *err)
{
	char word[UVPI_LABEL], hint[sizeof(err->hint)];

	uvpi_domain_word(domain, word);
	snprintf(hint, sizeof(hint), "%s", err->hint);
	if (end == UVP_MIGRATE_UNKNOWN) {
		uvpi_prefix(err, "it was handed over to '%.100s', and whether it runs there is not known; here it is suspended", how->host);
		if (*hint) {
			uvpi_hint(err, "%.120s; then 'xlx migrate --settle %.80s' asks it, and lets it run here or removes it here", hint, word);
			return;
		}
		uvpi_hint(err, "when that host answers again, 'xlx migrate --settle %.100s' asks it, and lets it run here or removes it here", word);
		return;
	}
	if (end == UVP_MIGRATE_THERE)
		uvpi_prefix(err, "it runs on '%.100s', and what is left of it here cannot be removed", how->host);
	else
		uvpi_prefix(err, "'%.100s' does not have it, and it cannot be let go on here", how->host);
	if (!err->hint[0])
		uvpi_hint(err, "'xlx migrate --settle %.100s' tries again", word);
}

int uvpi_settle(struct uvp_domain *domain, const struct uvpi_handover *handover, const struct uvp_migrate *how,
		const struct uvp_op *op, enum uvp_migrate_end *ret_end, struct uvp_error *err)
{
	struct uvpi_link *link = malloc(sizeof(*link));
	struct uvp_error why = UVP_ERROR_INIT;
	int r = -UVP_E_IO;

	*ret_end = UVP_MIGRATE_UNKNOWN;
	if (!link)
		return uvpi_no_memory(err);
	link->greeted = false;
	for (int i = 0; i < TRIES && *ret_end == UVP_MIGRATE_UNKNOWN && is_worth_another(link, r); i++) {
		if (i && uvpi_op_pause(op, BETWEEN_MS))
			break;
		r = ask(domain, handover, how, op, link, ret_end, &why);
		uvpi_link_close(link);
	}
	free(link);
	if (r < 0)
		say_state(domain, how, *ret_end, &why);
	if (r < 0 && err)
		*err = why;
	return r;
}

int uvp_migrate_settle(struct uvp_domain *domain, const struct uvp_migrate *how, const struct uvp_op *op,
		       enum uvp_migrate_end *ret_end, struct uvp_error *err)
{
	struct uvp_migrate other = *how;
	struct uvpi_handover handover;
	char label[UVPI_LABEL];
	int lock = uvpi_saving_begin(domain, UVPI_SAVING_MOVE, err), r;

	*ret_end = UVP_MIGRATE_UNKNOWN;
	if (lock < 0) {
		uvpi_prefix(err, "cannot settle %s", uvpi_domain_label(domain, label));
		return lock;
	}
	r = uvpi_handover_noted(domain, &handover, err);
	if (r == 0)
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s was not handed over to another host: there is nothing to settle",
			      uvpi_domain_label(domain, label));
	if (r > 0) {
		if (!how->host)
			other.host = handover.host;
		if (!how->ssh && strcmp(handover.ssh, "-"))
			other.ssh = handover.ssh;
		r = uvpi_settle(domain, &handover, &other, op, ret_end, err);
		if (r < 0)
			uvpi_prefix(err, "cannot settle %s", uvpi_domain_label(domain, label));
	}
	uvpi_saving_end(domain, lock);
	return r;
}
