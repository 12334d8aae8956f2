/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stream of a domain that moves: its memory, round by round, until the rest of it fits into the pause that is allowed. */
#include "migrate/send.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "stream/describe.h"
#include "stream/suspend.h"

#define SUSPEND_MS 120000
#define BUILT_MS 180000  /* devices on a busy host */

static int suspend(void *data)
{
	struct uvpi_send *s = data;

	struct uvp_op op = s->quiet;

	/* It has its own time for that, unless there is less. */
	if (op.deadline_ms > uvpi_now_ms() + SUSPEND_MS)
		op.deadline_ms = -1;
	if (uvpi_suspend(s->domain, &op, &s->why) < 0)
		return 0;
	s->suspended_at = uvpi_now_ms();
	s->suspended = true;
	UVPI_STEP("suspended");
	if (uvpi_slow_check_limit(&s->slow, s->domain, &s->why) < 0)
		return 0;
	return uvpi_machine_hold(&s->machine, &s->why) == 0;
}

uint64_t uvpi_send_wire(const struct uvpi_send *s)
{
	return s->link.bytes + uvpi_lanes_bytes(&s->lanes);
}

/* What is kept until a connection takes it does not wait for what comes next. */
static int flush(struct uvpi_send *s, struct uvp_error *err)
{
	return s->lanes.n > 1 ? uvpi_lanes_flush(&s->lanes, s->op, err) : 0;
}

static int log_dirty(void *data, bool on, struct uvp_error *err)
{
	struct uvpi_send *s = data;

	return uvpi_machine_log_dirty(&s->machine, on, err);
}

static int wait_ready(void *data, unsigned int n, struct uvp_error *err)
{
	struct uvpi_send *s = data;
	int r = flush(s, err);

	for (; r == 0 && s->ready < n; s->ready++)
		r = uvpi_link_receive(&s->link, UVPI_WIRE_READY, uvpi_now_ms() + BUILT_MS, s->op, err);
	UVPI_STEP("it is ready there");
	return r;
}

static int take_why(struct uvpi_send *s, struct uvp_error *err)
{
	if (err)
		*err = s->why;
	return -s->why.code;
}

int uvpi_send_check_time(struct uvpi_send *s, struct uvp_error *err)
{
	if (!s->how->timeout_ms || uvpi_now_ms() - s->began < s->how->timeout_ms)
		return 0;
	s->late = s->late || err;
	return uvpi_fail(err, UVP_E_TIMEOUT, 0, "it was not there after %" PRIu32 " s", s->how->timeout_ms / 1000);
}

/* What the guest has written is in the images, for whoever reads them on the other host, before that runs it. */
static int sync_disks(struct uvpi_send *s, struct uvp_error *err)
{
	for (int i = 0; i < s->config->n_disks; i++) {
		const struct uvpi_disk *disk = &s->config->disks[i];
		_cleanup_close_ int fd = -1;

		if (disk->readonly || !disk->target || disk->script || disk->format == UVPI_DISK_EMPTY ||
		    !uvpi_backend_is_here(disk->backend))
			continue;
		fd = open(disk->target, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && fsync(fd) < 0)
			return uvpi_fail_errno(err, errno, "disk '%s': cannot write '%.200s' out", disk->vdev, disk->target);
		if (uvpi_send_check_time(s, err) < 0)
			return -UVP_E_TIMEOUT;
	}
	return 0;
}

static enum uvpi_stream_round next_round(void *data, unsigned int round, unsigned long pages)
{
	struct uvpi_send *s = data;
	enum uvpi_rounds_answer answer = uvpi_rounds_next(&s->rounds, pages, s->raw / 4096, uvpi_send_wire(s), uvpi_now_ms());

	s->round = s->rounds.round;
	s->dirty_rate = (uint64_t)(s->rounds.dirty_rate * 4096 * 1000);
	s->forecast = s->rounds.pause_ms;
	if (uvpi_op_cancelled(&s->quiet) || uvpi_send_check_time(s, &s->why) < 0)
		return UVPI_ROUND_ABORT;
	/* libxenguest asks from a thread of its own */
	if (s->info.hvm && flush(s, &s->why) < 0)
		return UVPI_ROUND_ABORT;
	if (answer == UVPI_ROUNDS_GO_ON)
		return UVPI_ROUND_GO_ON;
	if (answer == UVPI_ROUNDS_STOP) {
		/* so that little of it is left when the guest waits for that */
		sync_disks(s, NULL);
		return UVPI_ROUND_LAST;
	}
	if (s->how->flags & UVP_MIGRATE_SLOW_DOWN) {
		int r = uvpi_slow_down(&s->slow, s->domain, &s->why);

		if (r < 0)
			return UVPI_ROUND_ABORT;
		if (r > 0) {
			uvpi_rounds_again(&s->rounds, pages);
			return UVPI_ROUND_GO_ON;
		}
	}
	if (s->how->flags & UVP_MIGRATE_STOP) {
		s->anyway = true;
		return UVPI_ROUND_LAST;
	}
	uvpi_fail(&s->why, UVP_E_TIMEOUT, 0,
		  "its memory changes as fast as it can be sent: %lu pages are left after round %u, and would keep it still for %" PRIu64 " ms",
		  pages, round, s->rounds.pause_ms);
	uvpi_hint(&s->why, "allow for that with --max-downtime, slow it down with --auto-converge, or stop it anyway with --stop");
	return UVPI_ROUND_ABORT;
}

static bool is_enough(void *data, unsigned long pages)
{
	struct uvpi_send *s = data;
	bool enough = uvpi_rounds_enough(&s->rounds, pages, s->raw / 4096, uvpi_send_wire(s), uvpi_now_ms());

	s->forecast = s->rounds.pause_ms;
	return enough || s->anyway;
}

/* So that others have a part of the connection, too. Time in which little was sent is not made up for. The rest of a guest that
 * waits for it is not held back; the forecast takes it for as slow all the same: how fast it would go nobody knows, because in
 * the time in which nothing may be sent the buffers of the connection empty themselves. */
static void hold_back(struct uvpi_send *s, uint64_t bytes)
{
	int64_t now = uvpi_now_ms();

	if (s->free_at < now)
		s->free_at = now;
	s->free_at += (int64_t)(bytes * 1000 / s->how->bandwidth);
	while (s->free_at > now && !s->suspended && uvpi_send_check_time(s, NULL) == 0) {
		int64_t left = s->free_at - now;

		if (uvpi_op_pause(s->op, left > 1000 ? 1000 : (int)left))
			break;
		now = uvpi_now_ms();
	}
}

/* In parts, so that something goes every second: the other host takes a connection that is silent for one that is broken. */
static int write_some(struct uvpi_send *s, const void *data, uint32_t len, struct uvp_error *err)
{
	const uint8_t *at = data;
	int r = 0;

	while (len && r == 0) {
		uint32_t n = s->how->bandwidth && s->how->bandwidth < len && !s->suspended ? (uint32_t)s->how->bandwidth : len;

		r = uvpi_link_write(&s->link, at, n, s->op, err);
		at += n;
		len -= n;
		if (r == 0 && s->how->bandwidth && !s->suspended)
			hold_back(s, n);
		if (r == 0)
			r = uvpi_send_check_time(s, err);
	}
	return r;
}

static int write_any(struct uvpi_send *s, bool any, const uint8_t *header, const void *body, uint32_t len, struct uvp_error *err)
{
	int r = uvpi_lanes_write(&s->lanes, any, header, UVPI_STREAM_RECORD, body, len, s->op, err);

	if (r == 0 && s->how->bandwidth && !s->suspended)
		hold_back(s, UVPI_STREAM_RECORD + len);
	UVPI_STEP("record sent");
	return r < 0 ? r : uvpi_send_check_time(s, err);
}

static int write_record(struct uvpi_send *s, uint32_t type, const void *body, uint32_t len, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_RECORD];
	int r;

	uvpi_stream_put_record(header, type, s->sequence++, body, len);
	if (s->lanes.n > 1)
		return write_any(s, uvpi_stream_is_memory(type), header, body, len, err);
	r = write_some(s, header, sizeof(header), err);
	if (r == 0)
		r = write_some(s, body, len, err);
	UVPI_STEP("record sent");
	return r;
}

static void report_round(struct uvpi_send *s)
{
	char phase[128], over[32] = "";
	uint64_t expected = s->info.pages * 4096, forecast = s->forecast, wire = uvpi_send_wire(s);

	if (s->lanes.n > 1)
		snprintf(over, sizeof(over), ", %d connections", s->lanes.n);
	if (s->suspended)
		snprintf(phase, sizeof(phase), "sending what is left%s, %.1f to 1", over, (double)s->raw / (double)wire);
	else if (forecast)
		snprintf(phase, sizeof(phase), "round %u%s, it changes %.1f MiB/s, pause %" PRIu64 " ms, %.1f to 1", (unsigned int)s->round,
			 over, (double)s->dirty_rate / (1 << 20), forecast, (double)s->raw / (double)wire);
	else
		snprintf(phase, sizeof(phase), "round %u%s, %.1f to 1", (unsigned int)s->round, over, (double)s->raw / (double)wire);
	uvpi_op_progress(s->op, phase, s->raw, expected > s->raw ? expected : s->raw, UVP_UNIT_BYTES);
}

static int send_piece(void *data, const struct uvpi_packed *piece, struct uvp_error *err)
{
	struct uvpi_send *s = data;
	int r = write_record(s, piece->type, piece->body, piece->len, err);

	if (r < 0)
		return r;
	s->raw += piece->raw;
	report_round(s);
	return 0;
}

static int write_head(struct uvpi_send *s, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_HEADER], body[UVPI_STREAM_DOMAIN_LEN];
	char level[UVPI_STREAM_LEVEL_MAX];
	int r;

	uvpi_stream_put_header(header);
	uvpi_stream_put_domain(body, &s->head);
	r = uvpi_link_write(&s->link, header, sizeof(header), s->op, err);
	if (r == 0)
		r = write_record(s, UVPI_STREAM_CONFIG, s->text, (uint32_t)strlen(s->text), err);
	if (r == 0)
		r = write_record(s, UVPI_STREAM_DOMAIN, body, sizeof(body), err);
	if (r == 0)
		r = uvpi_stream_describe_level(s->domain, level, err);
	return r <= 0 ? r : write_record(s, UVPI_STREAM_LEVEL, level, (uint32_t)r, err);
}

static int write_machine(struct uvpi_send *s, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *body = NULL;
	uint32_t len;
	int r = uvpi_machine_record(&s->machine, &body, &len, err);

	return r < 0 || !len ? r : write_record(s, UVPI_STREAM_MACHINE, body, len, err);
}

int uvpi_send_guest(struct uvpi_send *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	uint8_t body[UVPI_STREAM_END_LEN];
	struct uvpi_stream_end end;
	int r = write_head(s, err), ended;

	if (r < 0)
		return r;
	s->pipe = (struct uvpi_stream_pipe){ .xc = uvpi_hyp_xc(s->domain->host->hyp), .domid = s->domain->domid, .hvm = s->info.hvm,
					     .max_pages = s->config->maxmem_kib / 4 };
	if (s->how->flags & UVP_MIGRATE_NO_LIVE) {
		r = suspend(s) ? 0 : take_why(s, err);
	} else {
		s->pipe.suspend = suspend;
		s->pipe.round = next_round;
		s->pipe.log_dirty = log_dirty;
		s->pipe.ready = wait_ready;
		s->pipe.enough = is_enough;
		s->pipe.data = s;
	}
	if (r == 0)
		r = uvpi_stream_pipe_start(&s->pipe, err);
	if (r < 0)
		return r;
	r = uvpi_packer_pump(s->packer, &s->pipe, s->op, send_piece, s, err);
	ended = uvpi_stream_pipe_end(&s->pipe, &why);
	if (s->why.code && (r == 0 ? ended < 0 : r == -UVP_E_CANCELLED && !uvpi_op_cancelled(s->op)))
		return take_why(s, err);
	if (r == 0 && ended < 0 && uvpi_op_cancelled(s->op))
		uvpi_fail(&why, UVP_E_CANCELLED, 0, "stopped as you asked");
	if (r == 0 && ended < 0) {
		r = -why.code;
		if (err)
			*err = why;
	}
	if (r == 0)
		r = write_machine(s, err);
	if (r < 0)
		return r;
	end = (struct uvpi_stream_end){ s->raw, s->sequence };
	uvpi_stream_put_end(body, &end);
	r = write_record(s, UVPI_STREAM_END, body, sizeof(body), err);
	if (r == 0)
		r = flush(s, err);
	/* while the other host makes it of what it has */
	return r < 0 ? r : sync_disks(s, err);
}
