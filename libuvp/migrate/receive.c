/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host where a domain arrives. It is built paused and under a claim of its name; only when the sender has let go of it is
 * it this host's. Nothing the sender says is believed: the configuration is parsed and checked like a file, and is that
 * which was looked at before. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uvp/migrate.h>

#include "build/build.h"
#include "config/model.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "domain/domain.h"
#include "migrate/defined.h"
#include "migrate/handover.h"
#include "migrate/join.h"
#include "migrate/link.h"
#include "migrate/preflight.h"
#include "migrate/stopped.h"
#include "stream/file.h"

#define OFFER_MS 60000
#define GO_MS 300000   /* for a sender that has the last of it written */
#define DONE_MS 120000 /* for it to end what it has */

struct receive {
	struct uvp_host *host;
	const struct uvp_op *op;
	struct uvpi_link link;
	struct uvpi_join join; /* other connections for the same domain */
	uint8_t token[UVPI_WIRE_TOKEN];
	struct uvp_domain *domain;
	char *definition; /* NULL: there is none */
	bool autostart;
	uint32_t order, delay_ms;
	int ready; /* for the decision; -1: nothing is prepared */
	bool undecided; /* whether it is ours could not be written down: whoever is asked about it decides */
};

/* ---- asked about one ---- */

static int answer(struct receive *rx, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	struct uvp_op op = UVP_OP_INIT;
	enum uvpi_wire_state state = UVPI_WIRE_OFF;
	int r;

	if (!message)
		return uvpi_no_memory(err);
	memcpy(rx->token, rx->link.message.token, sizeof(rx->token));
	message->flags = rx->link.message.has_uuid && uvpi_def_exists(rx->link.message.uuid) ? UVPI_WIRE_DEFINED : 0;
	r = uvpi_handover_call_off(rx->token, &state, err);
	UVPI_STEP("decided");
	if (r == 0)
		r = uvpi_handover_find(rx->host, rx->token, &domain, err);
	/* Whoever received it was killed on his way, or waits still. */
	if (r == 0 && domain)
		r = state == UVPI_WIRE_TAKEN ? uvpi_handover_run(domain, err) : uvp_domain_destroy(domain, &op, err);
	if (r < 0)
		return r;
	message->type = UVPI_WIRE_ANSWER;
	message->state = state;
	r = uvpi_link_send(&rx->link, message, rx->op, err);
	if (r == 0)
		r = uvpi_link_receive(&rx->link, UVPI_WIRE_DONE, uvpi_now_ms() + DONE_MS, rx->op, err);
	if (r == 0)
		uvpi_handover_forget(rx->token);
	return r;
}

/* ---- a domain that comes ---- */

static int prepare(struct receive *rx, struct uvp_error *err)
{
	int r = uvpi_handover_prepare(rx->token, &rx->ready, err);

	if (r < 0) {
		uvpi_prefix(err, "this host cannot write down that a domain is its own");
		uvpi_hint(err, "make room in the file system of /var/lib/uvp there");
	}
	return r;
}

static int give_verdict(struct receive *rx, struct uvp_config **ret_config, bool *ret_come, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *verdict = calloc(1, sizeof(*verdict));
	const struct uvpi_wire_message *offer = &rx->link.message;
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvp_config *config = NULL;
	int r;

	if (!verdict)
		return uvpi_no_memory(err);
	verdict->type = UVPI_WIRE_VERDICT;
	memcpy(rx->token, offer->token, sizeof(rx->token));
	r = uvp_config_parse("its configuration", offer->config, strlen(offer->config), NULL, 0, NULL, NULL, &config, &why);
	if (r == 0)
		r = uvpi_stream_check_config(config, &offer->domain, &why);
	if (r == 0)
		r = uvpi_stream_as_saved(config, &offer->domain, NULL, &why);
	if (r == 0)
		r = uvpi_preflight_target(rx->host, offer, config, verdict, &why);
	if (r == 0)
		r = prepare(rx, &why);
	if (r == 0 && !verdict->n_refusals && offer->flags & UVP_MIGRATE_CHECK)
		verdict->connections = uvpi_join_granted(offer->connections);
	else if (r == 0 && !verdict->n_refusals)
		r = uvpi_join_listen(&rx->join, rx->token, offer->connections, verdict, &why);
	if (r < 0)
		uvpi_preflight_refuse(verdict, &why);
	rx->definition = offer->definition ? strdup(offer->definition) : NULL;
	rx->autostart = offer->autostart;
	rx->order = offer->order;
	rx->delay_ms = offer->delay_ms;
	if (offer->definition && !rx->definition)
		return uvpi_no_memory(err);
	*ret_come = !verdict->n_refusals && !(offer->flags & UVP_MIGRATE_CHECK);
	*ret_config = config;
	return uvpi_link_send(&rx->link, verdict, rx->op, err);
}

/* What comes is what was looked at. */
static int check_same(const struct uvpi_stream_reader *reader, const struct uvp_config *config,
		      const struct uvpi_stream_domain *offered, struct uvp_error *err)
{
	if (!uvpi_config_equal(reader->config, config) || memcmp(reader->domain.uuid, offered->uuid, sizeof(offered->uuid)) ||
	    reader->domain.memory_kib != offered->memory_kib || reader->domain.vcpus != offered->vcpus)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the domain that came is not the one that was offered");
	return 0;
}

static int say_ready(void *data, struct uvp_error *err)
{
	struct receive *rx = data;

	return uvpi_link_tell(&rx->link, UVPI_WIRE_READY, err);
}

static int build(struct receive *rx, const struct uvp_config *config, struct uvp_error *err)
{
	struct uvpi_stream_domain offered = rx->link.message.domain;
	char token[UVPI_TOKEN_TEXT];
	struct uvpi_stream_reader reader;
	struct uvpi_stream_many many = { NULL };
	int fd = fcntl(rx->link.in, F_DUPFD_CLOEXEC, 3), r;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot read the stream");
	uvpi_token_text(rx->token, token);
	r = rx->join.n > 1 ? uvpi_join_read(&rx->join, rx->link.in, &many, err) : 0;
	if (r < 0) {
		close(fd);
		return r;
	}
	r = uvpi_stream_open_connection(&reader, fd, many.merge ? &many : NULL, rx->op, err);
	reader.incoming = token;
	reader.ready = say_ready;
	reader.ready_data = rx;
	if (r == 0 && reader.xl.on)
		r = uvpi_fail(err, UVP_E_PROTOCOL, 0, "what came is a file of another tool's");
	if (r == 0)
		r = uvpi_stream_as_saved(reader.config, &reader.domain, NULL, err);
	if (r == 0)
		r = check_same(&reader, config, &offered, err);
	if (r == 0)
		r = uvpi_create_from(rx->host, reader.config, &reader, UVP_CREATE_PAUSED, rx->op, &rx->domain, err);
	uvpi_stream_close(&reader);
	uvpi_merge_free(many.merge);
	if (r == -UVP_E_INVALID && uvpi_link_ended(&rx->link))
		r = uvpi_fail(err, UVP_E_IO, 0, "the connection broke before all of it had come");
	return r;
}

/* Until the sender has said that it is this host's. */
static int wait_for_word(struct receive *rx, struct uvp_error *err)
{
	enum uvpi_wire_state state = UVPI_WIRE_UNSET;
	int r = uvpi_link_tell(&rx->link, UVPI_WIRE_BUILT, err);

	UVPI_STEP("said built");
	if (r == 0)
		r = uvpi_link_receive(&rx->link, UVPI_WIRE_GO, uvpi_now_ms() + GO_MS, rx->op, err);
	if (r < 0)
		return r;
	r = uvpi_handover_take(rx->token, &state, err);
	rx->undecided = r < 0;
	if (r == 0 && state != UVPI_WIRE_TAKEN)
		r = uvpi_fail(err, UVP_E_CANCELLED, 0, "the sender asked in the meantime, and was told that it stays there");
	return r;
}

/* It runs; a definition that cannot be kept does not change that. */
static int say_running(struct receive *rx, int64_t since, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	struct uvp_error why = UVP_ERROR_INIT;

	if (!message)
		return uvpi_no_memory(err);
	message->type = UVPI_WIRE_RUNNING;
	if (rx->definition && uvpi_defined_keep(rx->host, rx->definition, rx->autostart, rx->order, rx->delay_ms, &why) < 0)
		snprintf(message->warnings[message->n_warnings++], sizeof(message->warnings[0]), "it is not defined there: %.220s",
			 why.message);
	UVPI_STEP("defined");
	if (rx->link.version >= UVPI_WIRE_READY_SINCE)
		message->ran_ms = (uint32_t)(uvpi_now_ms() - since);
	return uvpi_link_send(&rx->link, message, NULL, err);
}

static int run(struct receive *rx, struct uvp_error *err)
{
	int64_t since = uvpi_now_ms();
	int r;

	UVPI_STEP("taken");
	r = uvpi_handover_run(rx->domain, err);
	UVPI_STEP("settled");
	if (r == 0)
		r = say_running(rx, since, err);
	UVPI_STEP("said running");
	if (r == 0)
		r = uvpi_link_receive(&rx->link, UVPI_WIRE_DONE, uvpi_now_ms() + DONE_MS, NULL, err);
	if (r < 0)
		return r;
	uvpi_handover_forget(rx->token);
	return uvpi_link_tell(&rx->link, UVPI_WIRE_DONE, err);
}

static int take(struct receive *rx, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error undo = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	bool come = false;
	int r = give_verdict(rx, &config, &come, err);

	if (r < 0 || !come)
		return r;
	UVPI_STEP("said yes");
	r = uvpi_join_gather(&rx->join, &rx->link, rx->op, err);
	if (r < 0)
		return r;
	r = build(rx, config, err);
	uvpi_join_close(&rx->join);
	UVPI_STEP("built");
	if (r == 0)
		r = wait_for_word(rx, err);
	if (r == 0)
		return run(rx, err);
	if (!rx->domain || rx->undecided || uvp_domain_destroy(rx->domain, &op, &undo) == 0 || undo.code == UVP_E_NOT_FOUND)
		return r;
	uvpi_hint(err, "what came of it is left there: %.180s", undo.message);
	return r;
}

int uvp_migrate_receive(struct uvp_host *host, int in_fd, int out_fd, const struct uvp_op *op, struct uvp_error *err)
{
	struct receive *rx = calloc(1, sizeof(*rx));
	struct uvp_error why = UVP_ERROR_INIT;
	int r;

	if (!rx)
		return uvpi_no_memory(err);
	rx->host = host;
	rx->op = op;
	rx->ready = -1;
	uvpi_join_init(&rx->join);
	r = uvpi_link_accept(&rx->link, in_fd, out_fd, op, &why);
	if (r == 0)
		r = uvpi_link_receive_any(&rx->link, uvpi_now_ms() + OFFER_MS, op, &why);
	if (r == 0 && rx->link.message.type == UVPI_WIRE_OFFER)
		r = take(rx, &why);
	else if (r == 0 && rx->link.message.type == UVPI_WIRE_KEEP)
		r = uvpi_stopped_receive(host, &rx->link, op, &why);
	else if (r == 0 && rx->link.message.type == UVPI_WIRE_ASK)
		r = answer(rx, &why);
	else if (r == 0 && rx->link.message.type == UVPI_WIRE_JOIN)
		r = uvpi_join_serve(&rx->link, op, &why);
	else if (r == 0)
		r = uvpi_fail(&why, UVP_E_PROTOCOL, 0, "the sender sent message %u at the beginning", rx->link.message.type);
	if (r < 0) {
		uvpi_link_abort(&rx->link, &why);
		if (err)
			*err = why;
	}
	if (rx->ready >= 0 && !rx->undecided)
		uvpi_handover_unprepare(rx->token);
	if (rx->ready >= 0)
		close(rx->ready);
	uvpi_join_close(&rx->join);
	uvp_domain_free(rx->domain);
	free(rx->definition);
	uvpi_link_close(&rx->link);
	free(rx);
	return r;
}
