/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A saved domain moves out of its file: what the other host gets is what restoring would read, and it goes on there. The file stays
 * until then, and is what the domain itself is for one that runs: there is always one of the two that may be used. */
#include "migrate/saved_move.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uvp/cpu.h>

#include "config/model.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "define/store.h"
#include "domain/domain.h"
#include "migrate/lanes.h"
#include "migrate/preflight.h"
#include "migrate/saved_note.h"
#include "migrate/settle.h"
#include "stream/suspend.h"

#define FLAGS (UVP_MIGRATE_CHECK | UVP_MIGRATE_TRUST_DISKS)
#define ANSWER_MS 60000
#define BUILT_MS 180000
#define RUNNING_MS 30000

/* ---- before anything moves ---- */

static int read_at(const struct uvpi_saved_move *s, void *buf, size_t len, uint64_t at, struct uvp_error *err)
{
	ssize_t n = pread(s->fd, buf, len, (off_t)at);

	if (n < 0)
		return uvpi_fail_errno(err, errno, "cannot read it");
	return (size_t)n < len ? uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: it ends too early") : 0;
}

/* The configuration as it is in the file, whose first records have been found in order. */
static int read_config(struct uvpi_saved_move *s, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_RECORD];
	struct uvpi_stream_record record;
	uint64_t at = UVPI_STREAM_HEADER;
	uint32_t number = 0;
	int r;

	do {
		r = read_at(s, header, sizeof(header), at, err);
		if (r == 0)
			r = uvpi_stream_get_record(header, number++, &record, err);
		if (r < 0)
			return r;
		at += UVPI_STREAM_RECORD + (record.type == UVPI_STREAM_CONFIG ? 0 : record.len);
	} while (record.type != UVPI_STREAM_CONFIG);
	s->config = calloc(1, record.len + 1);
	if (!s->config)
		return uvpi_no_memory(err);
	return read_at(s, s->config, record.len, at, err);
}

static int check_here(struct uvpi_saved_move *s, struct uvp_host *host, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r;

	if (s->reader.xl.on) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is a file of 'xl save', which says too little of the guest's CPU to be moved");
		uvpi_hint(err, "copy it to '%.100s', and restore it there", s->how->host);
		return -UVP_E_UNSUPPORTED;
	}
	if (!s->reader.cpu) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the file does not say what its guest reads of CPUID, which the other host would have to know");
		uvpi_hint(err, "copy it to '%.100s', and restore it there", s->how->host);
		return -UVP_E_UNSUPPORTED;
	}
	if (s->reader.config->nomigrate)
		return uvpi_fail(err, UVP_E_DENIED, 0, "its configuration says that it must stay on this host (nomigrate=1)");
	r = uvpi_def_running(host, s->uuid, &domain, err);
	if (r > 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "the domain in it runs here: it was saved with --live or restored");
		uvpi_hint(err, "move that one, by its name");
	}
	return r;
}

/* The reader closes what it reads. */
int uvpi_saved_read_head(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 3), r;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot read it");
	r = uvpi_stream_open(&s->reader, fd, err);
	if (r == 0)
		memcpy(s->uuid, s->reader.domain.uuid, sizeof(s->uuid));
	return r;
}

/* The only one who moves it; and nobody makes it meanwhile. */
int uvpi_saved_take_lock(struct uvpi_saved_move *s, struct uvp_error *err)
{
	s->lock = uvpi_saving_begin_uuid(s->uuid, UVPI_SAVING_FILE, err);
	return s->lock < 0 ? s->lock : 0;
}

static int check_noted(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int r = uvpi_saved_noted(s->path, s->fd, &s->leaving, err);

	if (r > 0) {
		uvpi_fail(err, UVP_E_BUSY, 0, "it was handed over to host '%s' already, and the domain in it may run there", s->handover->host);
		uvpi_hint(err, "'xlx migrate --settle %.150s' asks there", s->path);
		return -UVP_E_BUSY;
	}
	if (r == 0)
		r = uvpi_leaving_noted(s->uuid, &s->leaving, err);
	return r > 0 ? uvpi_leaving_fail(&s->leaving, err) : r;
}

static int look(struct uvpi_saved_move *s, struct uvp_host *host, struct uvp_error *err)
{
	struct stat st;
	int r = uvpi_saved_open_to_move(s->path, &s->fd, err);

	if (r == 0 && fstat(s->fd, &st) < 0)
		r = uvpi_fail_errno(err, errno, "cannot read it");
	if (r < 0)
		return r;
	s->size = (uint64_t)st.st_size;
	r = uvpi_saved_read_head(s, err);
	if (r == 0)
		r = uvpi_saved_take_lock(s, err);
	if (r == 0)
		r = check_noted(s, err);
	if (r == 0)
		r = check_here(s, host, err);
	if (r == 0)
		r = read_config(s, err);
	return r < 0 ? r : uvpi_defined_get(s->uuid, &s->defined, err);
}

static int offer(struct uvpi_saved_move *s, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	_cleanup_free_ char *cpu = NULL;
	int r;

	if (!message)
		return uvpi_no_memory(err);
	r = uvp_cpu_policy_format(s->reader.cpu, &cpu, err);
	if (r == 0)
		r = uvpi_token_new(s->handover->token, err);
	if (r == 0)
		r = uvpi_preflight_disks(s->reader.config, message, err);
	if (r < 0)
		return r;
	message->type = UVPI_WIRE_OFFER;
	message->config = s->config;
	message->policy = cpu;
	message->domain = s->reader.domain;
	message->token = s->handover->token;
	message->flags = s->how->flags;
	uvpi_defined_offer(&s->defined, message);
	return uvpi_link_send(&s->link, message, &s->op, err);
}

static int check_there(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int r = uvpi_link_open(&s->link, s->how, &s->op, err);

	if (r == 0)
		r = offer(s, err);
	if (r == 0)
		r = uvpi_preflight_verdict(&s->link, s->report, &s->op, err);
	if (r == 0 || s->report->n_refusals)
		snprintf(s->report->there, sizeof(s->report->there), "%.127s", s->how->host);
	return r;
}

/* ---- moving ---- */

/* With --bandwidth in parts, so that something goes every second. */
static int send_bytes(struct uvpi_saved_move *s, const uint8_t *data, uint64_t len, struct uvp_error *err)
{
	uint64_t most = s->how->bandwidth && s->how->bandwidth < len ? s->how->bandwidth : len;
	int r = 0;

	for (uint64_t n; len && r == 0; data += n, len -= n) {
		int64_t due = uvpi_now_ms(), left;

		n = len < most ? len : most;
		r = uvpi_link_write(&s->link, data, n, &s->op, err);
		due += s->how->bandwidth ? (int64_t)(n * 1000 / s->how->bandwidth) : 0;
		while (r == 0 && (left = due - uvpi_now_ms()) > 0 && !uvpi_op_pause(&s->op, left > 1000 ? 1000 : (int)left))
			;
	}
	return r;
}

/* Record by record: the other host waits for the last one, and does not get what is damaged. */
static int send_file(struct uvpi_saved_move *s, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *buf = malloc(UVPI_STREAM_RECORD + UVPI_STREAM_BODY_MAX);
	struct uvpi_stream_record record = { .type = UINT32_MAX };
	uint64_t at = UVPI_STREAM_HEADER;
	int r;

	if (!buf)
		return uvpi_no_memory(err);
	r = read_at(s, buf, UVPI_STREAM_HEADER, 0, err);
	if (r == 0)
		r = send_bytes(s, buf, UVPI_STREAM_HEADER, err);
	for (uint32_t number = 0; r == 0 && record.type != UVPI_STREAM_END; number++) {
		r = read_at(s, buf, UVPI_STREAM_RECORD, at, err);
		if (r == 0)
			r = uvpi_stream_get_record(buf, number, &record, err);
		if (r == 0)
			r = read_at(s, buf + UVPI_STREAM_RECORD, record.len, at + UVPI_STREAM_RECORD, err);
		if (r == 0)
			r = uvpi_stream_check_body(&record, buf + UVPI_STREAM_RECORD, err);
		if (r == 0)
			r = send_bytes(s, buf, UVPI_STREAM_RECORD + record.len, err);
		at += UVPI_STREAM_RECORD + record.len;
		uvpi_op_progress(&s->op, "sending", at, s->size, UVP_UNIT_BYTES);
		UVPI_STEP("record sent");
	}
	return r;
}

/* Of a file in which the guest's parameters come early, it says first that it is ready. */
static int wait_built(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + BUILT_MS;
	int r;

	do
		r = uvpi_link_receive_any(&s->link, deadline, &s->op, err);
	while (r == 0 && s->link.message.type == UVPI_WIRE_READY);
	if (r == 0 && s->link.message.type != UVPI_WIRE_BUILT)
		r = uvpi_fail(err, UVP_E_PROTOCOL, 0, "host '%s' sent message %u where %u is due", s->link.peer, s->link.message.type,
			      UVPI_WIRE_BUILT);
	return r;
}

/* The file may be restored here: say so, and what has become of the other end. */
static int give_up(struct uvpi_saved_move *s, int r, struct uvp_error *err)
{
	struct uvp_error theirs = UVP_ERROR_INIT;

	if (r == -UVP_E_IO && !s->link.aborted && uvpi_link_receive_any(&s->link, uvpi_now_ms() + 2000, NULL, &theirs) < 0 &&
	    s->link.aborted) {
		r = -theirs.code;
		if (err)
			*err = theirs;
	}
	if (!s->link.aborted) { /* it ends there by that, too */
		uvpi_link_close(&s->link);
		if (uvpi_settle_tidy(s->handover->token, s->how, &theirs) < 0)
			uvpi_debug("cannot tidy up there: %s", theirs.message);
	}
	if (err && !err->hint[0])
		uvpi_hint(err, "the file is as it was, and can be restored here");
	return r;
}

/* Nothing but another tool can have made it meanwhile. */
static int check_again(struct uvpi_saved_move *s, struct uvp_host *host, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r = uvpi_def_running(host, s->uuid, &domain, err);

	if (r > 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "the domain in it was started here meanwhile");
		uvpi_hint(err, "it is domain %" PRIu32 "; the other host does not get it", domain->domid);
	}
	return r;
}

static int write_down(struct uvpi_saved_move *s, struct uvp_host *host, struct uvp_error *err)
{
	struct uvpi_handover *handover = s->handover;
	int r;

	snprintf(handover->host, sizeof(handover->host), "%s", s->how->host);
	snprintf(handover->ssh, sizeof(handover->ssh), "%s", s->how->ssh ? s->how->ssh : "-");
	handover->autostart = s->defined.autostart;
	handover->order = s->defined.definition.order;
	handover->delay_ms = s->defined.definition.delay_ms;
	s->leaving.state = UVPI_LEAVING_ASKED;
	snprintf(s->leaving.path, sizeof(s->leaving.path), "%s", s->path);
	r = uvpi_leaving_mark(s->fd, s->leaving.mark, err);
	if (r >= 0)
		r = uvpi_leaving_note(s->uuid, &s->leaving, err);
	if (r == 0)
		r = uvpi_saved_note(s->path, s->leaving.mark, handover, err);
	if (r == 0)
		r = uvpi_defined_switch_off(&s->defined, err);
	return r < 0 ? r : check_again(s, host, err);
}

static int finish(struct uvpi_saved_move *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	bool kept = !s->link.message.n_warnings;
	int r;

	uvpi_preflight_report(&s->link.message, s->report);
	r = uvpi_saved_end_here(s, kept, err);
	if (r < 0)
		return r;
	if (uvpi_link_tell(&s->link, UVPI_WIRE_DONE, NULL) < 0 ||
	    uvpi_link_receive(&s->link, UVPI_WIRE_DONE, uvpi_now_ms() + ANSWER_MS, NULL, NULL) < 0)
		uvpi_settle_tidy(s->handover->token, s->how, &why);
	UVPI_STEP("said done");
	return uvpi_saved_forget(s, err);
}

static int hand_over(struct uvpi_saved_move *s, struct uvp_host *host, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	enum uvp_migrate_end end;
	int r = write_down(s, host, err);

	if (r < 0) {
		uvpi_defined_switch_on(&s->defined);
		uvpi_saved_forget(s, NULL);
		return give_up(s, r, err);
	}
	UVPI_STEP("handed over");
	r = uvpi_link_tell(&s->link, UVPI_WIRE_GO, &why);
	UVPI_STEP("said go");
	if (r == 0)
		r = uvpi_link_receive(&s->link, UVPI_WIRE_RUNNING, uvpi_now_ms() + RUNNING_MS, NULL, &why);
	if (r == 0)
		return finish(s, err);
	r = uvpi_saved_ask(s, NULL, &end, err);
	if (r < 0 || end == UVP_MIGRATE_THERE)
		return r;
	r = uvpi_fail(err, UVP_E_IO, 0, "the connection to '%s' broke as it was handed over", s->how->host);
	uvpi_hint(err, "the other host was asked, and gave it back: the file is as it was");
	return r;
}

static int move(struct uvpi_saved_move *s, struct uvp_host *host, struct uvp_error *err)
{
	int r = look(s, host, err);

	if (r == 0)
		r = check_there(s, err);
	if (r < 0 || s->how->flags & UVP_MIGRATE_CHECK)
		return r;
	r = send_file(s, err);
	if (r == 0)
		r = wait_built(s, err);
	return r < 0 ? give_up(s, r, err) : hand_over(s, host, err);
}

void uvpi_saved_done(struct uvpi_saved_move *s)
{
	uvpi_link_close(&s->link);
	uvpi_stream_close(&s->reader);
	uvpi_defined_done(&s->defined);
	free(s->config);
	if (s->lock >= 0)
		uvpi_saving_end_uuid(s->uuid, s->lock);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

/* One that is gone has a full name, too. */
static int full_path(const char *path, char ret_path[PATH_MAX], struct uvp_error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX], full[PATH_MAX];

	if (realpath(path, ret_path))
		return 0;
	if (errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot open '%.200s'", path);
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	if (!realpath(folder, full) ||
	    snprintf(ret_path, PATH_MAX, "%s/%s", strcmp(full, "/") ? full : "", slash ? slash + 1 : path) >= PATH_MAX)
		return uvpi_fail_errno(err, errno, "cannot open '%.200s'", path);
	return 0;
}

/* Its folder is what is written to disk, too. */
int uvpi_saved_begin(const char *path, const struct uvp_migrate *how, char ret_path[PATH_MAX], struct uvpi_saved_move **ret_s, struct uvp_error *err)
{
	struct uvpi_saved_move *s;
	int r = full_path(path, ret_path, err);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return uvpi_no_memory(err);
	*s = (struct uvpi_saved_move){ .path = ret_path, .how = how, .link = UVPI_LINK_INIT, .lock = -1, .fd = -1, .reader = { .fd = -1 } };
	s->handover = &s->leaving.handover;
	*ret_s = s;
	return 0;
}

int uvp_saved_migrate(struct uvp_host *host, const char *path, const struct uvp_migrate *how, const struct uvp_op *op,
		      struct uvp_migrate_report *ret_report, struct uvp_error *err)
{
	struct uvp_migrate_report *report = calloc(1, sizeof(*report));
	int64_t began = uvpi_now_ms();
	char full[PATH_MAX];
	struct uvpi_saved_move *s = NULL;
	int r = report ? uvpi_saved_begin(path, how, full, &s, err) : uvpi_no_memory(err);

	if (r < 0) {
		free(report);
		return r;
	}
	s->report = report;
	s->op = uvpi_op_until(op, how->timeout_ms ? began + how->timeout_ms : -1);
	if (how->flags & ~FLAGS)
		r = uvpi_fail(err, UVP_E_INVALID, 0, "flags 0x%x are for domains that run", how->flags & ~FLAGS);
	else if (uvpi_lanes_wanted(how) > 1)
		r = uvpi_fail(err, UVP_E_INVALID, 0, "several connections are for domains that run");
	else
		r = move(s, host, err);
	report->wire_bytes = s->link.bytes;
	report->total_ms = (uint64_t)(uvpi_now_ms() - began);
	if (r < 0)
		uvpi_prefix(err, "cannot move what is saved in '%.150s' to '%.100s'", path, how->host);
	if (ret_report)
		*ret_report = *report;
	uvpi_saved_done(s);
	free(report);
	return r;
}
