/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection to a QEMU: commands with ids, answers matched by them, events kept in between. */
#include "qmp/client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"

struct uvp_qmp {
	char *path; /* NULL when it cannot be made anew */
	int fd;     /* -1: broken */
	struct qmp_frame *frame;
	char buf[16384]; /* read, and not looked at yet: at..len */
	size_t at, len;
	uint64_t id;     /* of the newest command; older answers are late ones that nobody waits for */
	char version[48];
	struct qmp_value *events[QMP_EVENTS_MAX]; /* a ring */
	size_t first, n_events;
	uint64_t lost;
};

const char *qmp_clean(const char *text, char *buf, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		buf[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
	buf[i] = '\0';
	return buf;
}

/* ---- bytes ---- */

static void hang_up(struct uvp_qmp *qmp)
{
	if (qmp->fd >= 0)
		close(qmp->fd);
	qmp->fd = -1;
	qmp_frame_free(qmp->frame);
	qmp->frame = NULL;
	qmp->at = qmp->len = 0;
}

static int fail_broken(struct uvp_qmp *qmp, int error, struct uvp_error *err)
{
	int r;

	hang_up(qmp);
	if (error && error != EPIPE && error != ECONNRESET)
		return uvpi_fail_errno(err, error, "cannot talk to QEMU");
	r = uvpi_fail(err, UVP_E_IO, error, "QEMU closed the connection: it has ended, or was told to");
	return r;
}

/* Wait until the socket can be used: 1; the deadline: 0; CANCELLED. */
static int wait_socket(struct uvp_qmp *qmp, short events, int64_t deadline_ms, const struct uvp_op *op,
		       struct uvp_error *err)
{
	for (;;) {
		struct pollfd p[2] = { { qmp->fd, events, 0 }, { uvpi_op_cancel_fd(op), POLLIN, 0 } };
		int64_t left = deadline_ms - uvpi_now_ms();
		int r = poll(p, 2, left <= 0 ? 0 : left > 60000 ? 60000 : (int)left);

		if (r < 0 && errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for QEMU");
		if (r > 0 && p[1].revents)
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped while QEMU was to answer");
		if (r > 0)
			return 1;
		if (r == 0 && left <= 0)
			return 0;
	}
}

/* With the first byte goes the descriptor, if there is one. */
static ssize_t send_some(int sock, const char *data, size_t len, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { .buf = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_all(struct uvp_qmp *qmp, const char *text, int fd, int64_t deadline_ms, const struct uvp_op *op,
		    struct uvp_error *err)
{
	size_t len = strlen(text), at = 0;
	int r;

	while (at < len) {
		ssize_t n = send_some(qmp->fd, text + at, len - at, at ? -1 : fd);

		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return fail_broken(qmp, errno, err);
		r = wait_socket(qmp, POLLOUT, deadline_ms, op, err);
		if (r == 1)
			continue;
		/* Half a command cannot be taken back. */
		if (at)
			hang_up(qmp);
		return r < 0 ? r : uvpi_fail(err, UVP_E_TIMEOUT, 0, "QEMU does not read what it is told");
	}
	return 0;
}

/* One message of whatever kind. 1 and the message; 0: none until the deadline. */
static int next_message(struct uvp_qmp *qmp, int64_t deadline_ms, const struct uvp_op *op,
			struct qmp_value **ret_message, struct uvp_error *err)
{
	for (;;) {
		ssize_t n;
		int r;

		while (qmp->at < qmp->len) {
			size_t used = 0;

			r = qmp_frame_feed(qmp->frame, qmp->buf + qmp->at, qmp->len - qmp->at, &used, ret_message,
					   err);
			if (r < 0) {
				hang_up(qmp);
				return r;
			}
			qmp->at += used;
			if (r)
				return 1;
		}
		n = recv(qmp->fd, qmp->buf, sizeof(qmp->buf), MSG_DONTWAIT);
		if (n > 0) {
			qmp->at = 0;
			qmp->len = (size_t)n;
			/* A flood of messages must not keep the deadline from being looked at. */
			if (uvpi_now_ms() > deadline_ms + QMP_PATIENCE_MS)
				return 0;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return fail_broken(qmp, n ? errno : 0, err);
		r = wait_socket(qmp, POLLIN, deadline_ms, op, err);
		if (r <= 0)
			return r;
	}
}

/* ---- messages ---- */

static void keep_event(struct uvp_qmp *qmp, struct qmp_value *event)
{
	if (qmp->n_events == QMP_EVENTS_MAX) {
		qmp_value_free(qmp->events[qmp->first]);
		qmp->first = (qmp->first + 1) % QMP_EVENTS_MAX;
		qmp->n_events--;
		qmp->lost++;
	}
	qmp->events[(qmp->first + qmp->n_events++) % QMP_EVENTS_MAX] = event;
}

static int fail_refused(const struct qmp_value *error, const char *command, struct uvp_error *err)
{
	const char *class = qmp_value_str(error, "class"), *text = qmp_value_str(error, "desc");
	enum uvp_errcode code = UVP_E_INVALID;
	char buf[300];

	if (class && !strcmp(class, "CommandNotFound"))
		code = UVP_E_UNSUPPORTED;
	else if (class && !strcmp(class, "DeviceNotFound"))
		code = UVP_E_NOT_FOUND;
	return uvpi_fail(err, code, 0, "QEMU refuses '%.60s': %s", command,
			 text && *text ? qmp_clean(text, buf, sizeof(buf)) : "it does not say why");
}

/* 1: it was the answer to our command, which is in *ret_message; 0: something else, dealt with. */
static int sort_message(struct uvp_qmp *qmp, struct qmp_value **message, const char *command, struct uvp_error *err)
{
	int64_t id;

	if (qmp_value_str(*message, "event")) {
		keep_event(qmp, uvpi_steal(message));
		return 0;
	}
	if (!qmp_value_get(*message, "return") && !qmp_value_is_object(qmp_value_get(*message, "error"))) {
		hang_up(qmp);
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU sent something that is neither answer nor event");
	}
	if (!qmp_value_i64(*message, "id", &id)) {
		/* An error without an id is about text that QEMU could not read as a command. */
		hang_up(qmp);
		if (qmp_value_get(*message, "error"))
			return fail_refused(qmp_value_get(*message, "error"), command, err);
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU sent an answer without an id");
	}
	if (id >= 0 && (uint64_t)id < qmp->id)
		return 0; /* to a command that was given up */
	if (id < 0 || (uint64_t)id != qmp->id) {
		hang_up(qmp);
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU answered a command that was not given");
	}
	return qmp_value_get(*message, "error") ? fail_refused(qmp_value_get(*message, "error"), command, err) : 1;
}

static int wait_answer(struct uvp_qmp *qmp, const char *command, int64_t deadline_ms, const struct uvp_op *op,
		       struct qmp_value **ret_message, struct uvp_error *err)
{
	for (;;) {
		_cleanup_value_ struct qmp_value *message = NULL;
		int r = next_message(qmp, deadline_ms, op, &message, err);

		if (r == 0) {
			r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "QEMU did not answer '%.60s' in time", command);
			uvpi_hint(err, "it may be busy still; what was asked of it may yet happen");
		}
		if (r < 0)
			return r;
		r = sort_message(qmp, &message, command, err);
		if (r == 1 && ret_message)
			*ret_message = uvpi_steal(&message);
		if (r)
			return r < 0 ? r : 0;
	}
}

/* Takes the arguments over. */
static int send_command(struct uvp_qmp *qmp, const char *command, struct qmp_value *arguments, int fd,
			int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = qmp_value_new();
	_cleanup_free_ char *text = NULL, *line = NULL;

	qmp_value_set_str(message, "execute", command);
	if (arguments)
		qmp_value_set(message, "arguments", arguments);
	qmp_value_set_i64(message, "id", (int64_t)++qmp->id);
	text = message ? qmp_value_text(message, false) : NULL;
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return uvpi_no_memory(err);
	return send_all(qmp, line, fd, deadline_ms, op, err);
}

/* ---- connecting ---- */

/* A QEMU that is just starting may say that it runs (RESUME) before it greets. */
#define EVENTS_BEFORE 8
#define STEP_MS 5

static int read_greeting(struct uvp_qmp *qmp, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *version;
	int64_t number[3] = { 0 };
	int r = 0;

	for (int i = 0; i < EVENTS_BEFORE; i++) {
		qmp_value_free(message);
		message = NULL;
		r = next_message(qmp, deadline_ms, op, &message, err);
		if (r <= 0 || !qmp_value_str(message, "event"))
			break;
	}
	if (r == 0) {
		r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "QEMU does not greet");
		uvpi_hint(err, "it serves one connection at a time: another program may be talking to it, or it hangs");
	}
	if (r < 0)
		return r;
	if (!qmp_value_is_object(qmp_value_get(message, "QMP")))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the program at the other end does not greet as QEMU does");
	version = qmp_value_get(qmp_value_get(qmp_value_get(message, "QMP"), "version"), "qemu");
	qmp_value_i64(version, "major", &number[0]);
	qmp_value_i64(version, "minor", &number[1]);
	qmp_value_i64(version, "micro", &number[2]);
	snprintf(qmp->version, sizeof(qmp->version), "%d.%d.%d", (int)number[0], (int)number[1], (int)number[2]);
	return 0;
}

static int greet(struct uvp_qmp *qmp, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	int r;

	qmp->frame = qmp_frame_new();
	if (!qmp->frame)
		return uvpi_no_memory(err);
	r = read_greeting(qmp, deadline_ms, op, err);
	if (r == 0)
		r = send_command(qmp, "qmp_capabilities", NULL, -1, deadline_ms, op, err);
	if (r == 0)
		r = wait_answer(qmp, "qmp_capabilities", deadline_ms, op, NULL, err);
	if (r < 0)
		hang_up(qmp);
	return r;
}

static int fail_connect(const char *path, int error, struct uvp_error *err)
{
	int r;

	switch (error) {
	case ENOENT:
		return uvpi_fail(err, UVP_E_NOT_FOUND, error, "there is no socket '%s'", path);
	case ECONNREFUSED:
		return uvpi_fail(err, UVP_E_NOT_FOUND, error, "nobody answers at '%s': its QEMU has ended", path);
	case EAGAIN:
		r = uvpi_fail(err, UVP_E_BUSY, error, "too many programs wait to talk to the QEMU at '%s'", path);
		uvpi_hint(err, "it serves one connection at a time, and may be talking to another program, or hang");
		return r;
	default:
		return uvpi_fail_errno(err, error, "cannot connect to '%s'", path);
	}
}

/* QEMU has place for two callers that wait. Those that gave up stay there until it has looked at them, which takes but a moment
 * when nobody else talks to it. */
static int dial(const char *path, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is too long for the name of a socket", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make a socket");
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || uvpi_now_ms() >= deadline_ms)
			return fail_connect(path, errno, err);
		if (uvpi_op_pause(op, STEP_MS))
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped while QEMU was to answer");
	}
	return uvpi_steal_fd(&fd);
}

static int dial_and_greet(struct uvp_qmp *qmp, const char *path, const struct uvp_op *op, struct uvp_error *err)
{
	int64_t deadline = uvpi_op_deadline(op, QMP_PATIENCE_MS);

	qmp->fd = dial(path, deadline, op, err);
	return qmp->fd < 0 ? qmp->fd : greet(qmp, deadline, op, err);
}

int uvp_qmp_open_fd(int fd, const struct uvp_op *op, struct uvp_qmp **ret_qmp, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = calloc(1, sizeof(*qmp));
	int r;

	if (!qmp) {
		close(fd);
		return uvpi_no_memory(err);
	}
	qmp->fd = fd;
	r = greet(qmp, uvpi_op_deadline(op, QMP_PATIENCE_MS), op, err);
	if (r == 0)
		*ret_qmp = uvpi_steal(&qmp);
	return r;
}

int uvp_qmp_open(const char *path, const struct uvp_op *op, struct uvp_qmp **ret_qmp, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = calloc(1, sizeof(*qmp));
	int r;

	if (!qmp)
		return uvpi_no_memory(err);
	qmp->fd = -1;
	qmp->path = strdup(path);
	if (!qmp->path)
		return uvpi_no_memory(err);
	r = dial_and_greet(qmp, path, op, err);
	if (r == 0)
		*ret_qmp = uvpi_steal(&qmp);
	return r;
}

static int redial(struct uvp_qmp *qmp, const struct uvp_op *op, struct uvp_error *err)
{
	if (!qmp->path)
		return uvpi_fail(err, UVP_E_IO, 0, "the connection to QEMU broke before");
	return dial_and_greet(qmp, qmp->path, op, err);
}

void uvp_qmp_close(struct uvp_qmp *qmp)
{
	if (!qmp)
		return;
	hang_up(qmp);
	for (; qmp->n_events; qmp->n_events--) {
		qmp_value_free(qmp->events[qmp->first]);
		qmp->first = (qmp->first + 1) % QMP_EVENTS_MAX;
	}
	free(qmp->path);
	free(qmp);
}

/* ---- for callers ---- */

/* Did the other end hang up since the last command? What it sent before is read first. */
static bool is_gone(const struct uvp_qmp *qmp)
{
	char byte;
	ssize_t n = qmp->fd < 0 ? 1 : recv(qmp->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

int qmp_run(struct uvp_qmp *qmp, const char *command, struct qmp_value *arguments, int fd, const struct uvp_op *op,
	    struct qmp_value **ret_message, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *args = arguments;
	int64_t deadline;
	int r = 0;

	if (is_gone(qmp))
		hang_up(qmp);
	if (qmp->fd < 0)
		r = redial(qmp, op, err);
	deadline = uvpi_op_deadline(op, QMP_PATIENCE_MS);
	if (r == 0)
		r = send_command(qmp, command, uvpi_steal(&args), fd, deadline, op, err);
	return r < 0 ? r : wait_answer(qmp, command, deadline, op, ret_message, err);
}

int uvp_qmp_command(struct uvp_qmp *qmp, const char *command, const char *arguments, int fd,
		    const struct uvp_op *op, char **ret_answer, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *args = NULL, *message = NULL;
	int r = arguments ? qmp_value_parse(arguments, "the argument text", &args, err) : 0;

	if (r < 0)
		return r;
	if (args && !qmp_value_is_object(args))
		return uvpi_fail(err, UVP_E_INVALID, 0, "arguments of a QMP command are a JSON object: {\"key\": value}");
	r = qmp_run(qmp, command, uvpi_steal(&args), fd, op, &message, err);
	if (r < 0 || !ret_answer)
		return r;
	*ret_answer = qmp_value_text(qmp_value_get(message, "return"), false);
	return *ret_answer ? 0 : uvpi_no_memory(err);
}

static int take_event(struct uvp_qmp *qmp, struct uvp_qmp_event *ret_event, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *event = qmp->events[qmp->first];
	const struct qmp_value *when = qmp_value_get(event, "timestamp"), *data = qmp_value_get(event, "data");
	struct uvp_qmp_event out = { NULL };

	qmp->first = (qmp->first + 1) % QMP_EVENTS_MAX;
	qmp->n_events--;
	qmp_value_i64(when, "seconds", &out.seconds);
	qmp_value_i64(when, "microseconds", &out.microseconds);
	out.name = strdup(qmp_value_str(event, "event"));
	out.data = data ? qmp_value_text(data, false) : NULL;
	if (!out.name || (data && !out.data)) {
		uvp_qmp_event_done(&out);
		return uvpi_no_memory(err);
	}
	*ret_event = out;
	return 1;
}

int uvp_qmp_next_event(struct uvp_qmp *qmp, const struct uvp_op *op, struct uvp_qmp_event *ret_event,
		       struct uvp_error *err)
{
	int64_t deadline = uvpi_op_deadline(op, 0);

	while (!qmp->n_events) {
		_cleanup_value_ struct qmp_value *message = NULL;
		int r;

		if (qmp->fd < 0)
			return uvpi_fail(err, UVP_E_IO, 0, "the connection to QEMU broke before");
		r = next_message(qmp, deadline, op, &message, err);
		if (r <= 0)
			return r;
		r = sort_message(qmp, &message, "an event", err);
		/* Refusals are answers too: of commands that were given up. */
		if (r < 0 && qmp->fd < 0)
			return r;
	}
	return take_event(qmp, ret_event, err);
}

void uvp_qmp_event_done(struct uvp_qmp_event *event)
{
	free(event->name);
	free(event->data);
	*event = (struct uvp_qmp_event){ NULL };
}

uint64_t uvp_qmp_events_lost(const struct uvp_qmp *qmp)
{
	return qmp->lost;
}

int uvp_qmp_fd(const struct uvp_qmp *qmp)
{
	return qmp->fd;
}

const char *uvp_qmp_version(const struct uvp_qmp *qmp)
{
	return qmp->version;
}
