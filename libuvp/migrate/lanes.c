/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/lanes.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"

#define JOINED_MS 60000

/* ---- beginning and end ---- */

static int join(struct uvpi_link *link, const uint8_t *token, const uint8_t *secret, uint32_t which, const struct uvp_op *op,
		struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	int r;

	if (!message)
		return uvpi_no_memory(err);
	message->type = UVPI_WIRE_JOIN;
	message->token = token;
	message->secret = secret;
	message->connections = which;
	r = uvpi_link_send(link, message, op, err);
	return r < 0 ? r : uvpi_link_receive(link, UVPI_WIRE_JOINED, uvpi_now_ms() + JOINED_MS, op, err);
}

uint32_t uvpi_lanes_wanted(const struct uvp_migrate *how)
{
	bool says = how->size >= offsetof(struct uvp_migrate, connections) + sizeof(how->connections);

	return says && how->connections ? how->connections : 1;
}

int uvpi_lanes_open(struct uvpi_lanes *lanes, struct uvpi_link *first, const struct uvp_migrate *how, const uint8_t *token,
		    const struct uvp_op *op, struct uvp_error *err)
{
	uint32_t n = first->message.connections;
	uint8_t secret[UVPI_WIRE_SECRET];
	int r = 0;

	*lanes = (struct uvpi_lanes){ .n = 1, .lanes[0].link = first };
	if (n < 2 || uvpi_lanes_wanted(how) < 2)
		return 0;
	if (!first->message.secret || n > uvpi_lanes_wanted(how))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "host '%s' grants connections in a way that cannot be", first->peer);
	memcpy(secret, first->message.secret, sizeof(secret));
	lanes->others = calloc(n - 1, sizeof(*lanes->others));
	if (!lanes->others)
		return uvpi_no_memory(err);
	for (; (uint32_t)lanes->n < n && r == 0; lanes->n++) {
		struct uvpi_link *link = &lanes->others[lanes->n - 1];

		lanes->lanes[lanes->n].link = link;
		r = uvpi_link_open_more(link, how, op, err);
		if (r == 0)
			r = join(link, token, secret, (uint32_t)lanes->n, op, err);
		if (r < 0)
			uvpi_prefix(err, "connection %d of %u", lanes->n + 1, n);
	}
	explicit_bzero(secret, sizeof(secret));
	if (r < 0)
		return r;
	lanes->opened = lanes->n;
	UVPI_STEP("connections joined");
	return 0;
}

uint64_t uvpi_lanes_bytes(const struct uvpi_lanes *lanes)
{
	uint64_t bytes = lanes->closed_bytes;

	for (int i = 1; i < lanes->n; i++)
		bytes += lanes->lanes[i].link->bytes;
	return bytes;
}

/* All are told before any is waited for. */
void uvpi_lanes_close(struct uvpi_lanes *lanes)
{
	int64_t deadline = uvpi_now_ms() + UVPI_LINK_END_MS;

	lanes->closed_bytes = uvpi_lanes_bytes(lanes);
	for (int i = 1; i < lanes->n; i++)
		uvpi_link_hang_up(lanes->lanes[i].link);
	for (int i = 0; i < lanes->n; i++) {
		if (i)
			uvpi_link_close_by(lanes->lanes[i].link, deadline);
		free(lanes->lanes[i].buf);
		lanes->lanes[i] = (struct uvpi_lane){ .link = i ? NULL : lanes->lanes[i].link };
	}
	free(lanes->others);
	lanes->others = NULL;
	lanes->n = lanes->n ? 1 : 0;
}

/* ---- sending ---- */

static bool is_pending(const struct uvpi_lane *lane)
{
	return lane->at < lane->len;
}

/* As much as each takes now. */
static int push(struct uvpi_lanes *lanes, struct uvp_error *err)
{
	for (int i = 0; i < lanes->n; i++) {
		struct uvpi_lane *lane = &lanes->lanes[i];
		int r = 1;

		for (; is_pending(lane) && r > 0; lane->at += r > 0 ? (size_t)r : 0)
			r = uvpi_link_try(lane->link, lane->buf + lane->at, lane->len - lane->at, err);
		if (r < 0) {
			lanes->broken = true;
			uvpi_prefix(err, "connection %d of %d", i + 1, lanes->n);
			return r;
		}
	}
	return 0;
}

static int wait_until(struct uvpi_lanes *lanes, int64_t deadline, const struct uvp_op *op, struct uvp_error *err)
{
	bool less = op && op->deadline_ms >= 0 && op->deadline_ms < deadline;
	struct pollfd p[UVPI_WIRE_CONNECTIONS + 1];
	int r;

	for (int i = 0; i < lanes->n; i++)
		p[i] = (struct pollfd){ is_pending(&lanes->lanes[i]) ? lanes->lanes[i].link->out : -1, POLLOUT, 0 };
	r = uvpi_op_poll(p, lanes->n, less ? op->deadline_ms : deadline, op, err);
	if (r)
		return r < 0 ? r : 0;
	return uvpi_fail(err, UVP_E_TIMEOUT, 0,
			 less ? "the time was over before host '%s' had all of it" : "host '%s' does not take what is sent",
			 lanes->lanes[0].link->peer);
}

/* One that has nothing on its way, or NULL; which: -1, any. */
static struct uvpi_lane *idle(struct uvpi_lanes *lanes, int which)
{
	for (int i = 0; i < lanes->n; i++) {
		int at = which < 0 ? (lanes->next + i) % lanes->n : which;

		if (is_pending(&lanes->lanes[at]))
			continue;
		lanes->next = at + 1;
		return &lanes->lanes[at];
	}
	return NULL;
}

/* Any one counts that takes something. */
static int wait_idle(struct uvpi_lanes *lanes, int which, struct uvpi_lane **ret_lane, const struct uvp_op *op, struct uvp_error *err)
{
	int r = push(lanes, err);

	while (r == 0 && !(*ret_lane = idle(lanes, which))) {
		r = wait_until(lanes, uvpi_now_ms() + UVPI_LINK_SEND_MS, op, err);
		if (r == 0)
			r = push(lanes, err);
	}
	return r;
}

int uvpi_lanes_write(struct uvpi_lanes *lanes, bool any, const void *header, size_t header_len, const void *body, size_t len,
		     const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_lane *lane;
	int r = wait_idle(lanes, any ? -1 : 0, &lane, op, err);

	if (r < 0)
		return r;
	if (lane->size < header_len + len) {
		uint8_t *buf = realloc(lane->buf, header_len + len);

		if (!buf)
			return uvpi_no_memory(err);
		lane->buf = buf;
		lane->size = header_len + len;
	}
	memcpy(lane->buf, header, header_len);
	memcpy(lane->buf + header_len, body, len);
	lane->len = header_len + len;
	lane->at = 0;
	return push(lanes, err);
}

int uvpi_lanes_flush(struct uvpi_lanes *lanes, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_lane *lane;
	int r = 0;

	for (int i = 0; i < lanes->n && r == 0; i++)
		r = wait_idle(lanes, i, &lane, op, err);
	return r;
}
