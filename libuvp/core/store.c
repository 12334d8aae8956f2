/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection to xenstored: opening it, and moving bytes both ways at once, so that a batch larger than the
 * socket's buffers cannot end with each side waiting for the other to read. */
#include "core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "core/error.h"
#include "core/num.h"
#include "core/store_conn.h"

#define PATIENT_REQUESTS 2 /* from so many on, it is worth two system calls */
#define START_HINT "start it, for example with 'systemctl start xenstored'; guests go on running meanwhile"

/* ---- opening ---- */

static int open_device(const char *path)
{
	return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* A socket whose daemon hangs lets connect() wait once its queue of callers is full, hence the limit. */
static int connect_socket(const char *path, int patience_ms)
{
	struct timeval limit = { .tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -1;
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		if (errno != EINTR)
			return -1;
	return uvpi_steal_fd(&fd);
}

static int fail_open(const char *path, int patience_ms, int sys_errno, struct uvp_error *err)
{
	int r;

	switch (sys_errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
	case ECONNREFUSED:
		r = uvpi_fail(err, UVP_E_IO, sys_errno, "cannot reach xenstored at %s: it is not running", path);
		uvpi_hint(err, START_HINT);
		return r;
	case EAGAIN:
	case EINPROGRESS:
		r = uvpi_fail(err, UVP_E_TIMEOUT, sys_errno, "xenstored at %s did not take the connection within %g s",
			      path, patience_ms / 1000.0);
		uvpi_hint(err, "it is stopped or stuck: look at it with 'systemctl status xenstored'; guests go on running");
		return r;
	case EACCES:
	case EPERM:
		r = uvpi_fail_errno(err, sys_errno, "cannot reach xenstored at %s", path);
		uvpi_hint(err, "run this as root");
		return r;
	default:
		return uvpi_fail_errno(err, sys_errno, "cannot reach xenstored at %s", path);
	}
}

/* Sets *ret_where to the place that was tried last. A socket that is there but that nobody listens on means that
 * xenstored died: the device would lead to the same nowhere. */
static int connect_any(int patience_ms, const char **ret_where, bool *ret_device)
{
	static const char *const sockets[] = { "/run/xenstored/socket", "/var/run/xenstored/socket" };
	static const char *const devices[] = { "/dev/xen/xenbus", "/proc/xen/xenbus" };
	const char *configured = getenv("XENSTORED_PATH");
	struct stat st;
	int fd;

	*ret_device = false;
	if (configured && *configured) {
		*ret_where = configured;
		*ret_device = stat(configured, &st) == 0 && S_ISCHR(st.st_mode);
		return *ret_device ? open_device(configured) : connect_socket(configured, patience_ms);
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(sockets); i++) {
		*ret_where = sockets[i];
		fd = connect_socket(sockets[i], patience_ms);
		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(devices); i++) {
		fd = open_device(devices[i]);
		if (fd >= 0 || (errno != ENOENT && errno != ENXIO && errno != ENODEV)) {
			*ret_where = devices[i];
			*ret_device = true;
			return fd;
		}
	}
	*ret_where = sockets[0];
	errno = ENOENT;
	return -1;
}

static int new_store(int *fd, const char *where, bool device, struct uvpi_store **ret_store, struct uvp_error *err)
{
	struct uvpi_store *store;

	store = malloc(sizeof(*store));
	if (!store)
		return uvpi_no_memory(err);
	memset(store, 0, offsetof(struct uvpi_store, buf));
	store->fd = uvpi_steal_fd(fd);
	store->device = device;
	store->next_id = 1;
	store->patience_ms = UVPI_STORE_PATIENCE_MS;
	store->events_tail = &store->events;
	snprintf(store->where, sizeof(store->where), "%s", where);
	*ret_store = store;
	return 0;
}

int uvpi_store_open(struct uvpi_store **ret_store, struct uvp_error *err)
{
	return uvpi_store_open_within(UVPI_STORE_PATIENCE_MS, ret_store, err);
}

int uvpi_store_open_within(int patience_ms, struct uvpi_store **ret_store, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	const char *where;
	bool device;

	fd = connect_any(patience_ms, &where, &device);
	if (fd < 0)
		return fail_open(where, patience_ms, errno, err);
	return new_store(&fd, where, device, ret_store, err);
}

int uvpi_store_open_kernel(struct uvpi_store **ret_store, struct uvp_error *err)
{
	static const char where[] = "/dev/xen/xenbus";
	_cleanup_close_ int fd = open_device(where);

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot watch the kernel's back ends through '%s'", where);
	return new_store(&fd, where, true, ret_store, err);
}

void uvpi_store_close(struct uvpi_store *store)
{
	if (!store)
		return;
	uvpi_store_drop_watches(store);
	close(store->fd);
	free(store);
}

int uvpi_store_set_patience(struct uvpi_store *store, int ms)
{
	int before = store->patience_ms;

	store->patience_ms = ms;
	return before;
}

int uvpi_store_fd(const struct uvpi_store *store)
{
	return store->fd;
}

/* ---- moving bytes ---- */

int uvpi_store_break(struct uvpi_store *store, const struct uvp_error *reason, struct uvp_error *err)
{
	store->broken = true;
	store->reason = *reason;
	return uvpi_store_check(store, err);
}

int uvpi_store_check(const struct uvpi_store *store, struct uvp_error *err)
{
	if (!store->broken)
		return 0;
	if (err)
		*err = store->reason;
	return -store->reason.code;
}

static int fail_io(struct uvpi_store *store, int sys_errno, struct uvp_error *err)
{
	struct uvp_error reason;

	if (!sys_errno || sys_errno == EPIPE || sys_errno == ECONNRESET) {
		uvpi_fail(&reason, UVP_E_IO, sys_errno, "xenstored at %s closed the connection: it has ended or died",
			  store->where);
		uvpi_hint(&reason, START_HINT);
	} else {
		uvpi_fail_errno(&reason, sys_errno, "cannot talk to xenstored at %s", store->where);
	}
	return uvpi_store_break(store, &reason, err);
}

static int fail_deadline(struct uvpi_store *store, int64_t waited_ms, struct uvp_error *err)
{
	struct uvp_error reason;

	uvpi_fail(&reason, UVP_E_TIMEOUT, 0, "xenstored at %s did not answer within %.*f s", store->where,
		  waited_ms < 950 ? 1 : 0, (double)waited_ms / 1000);
	uvpi_hint(&reason, "it is stopped or stuck: look at it with 'systemctl status xenstored'; guests go on running");
	return uvpi_store_break(store, &reason, err);
}

int uvpi_store_fill(struct uvpi_store *store, struct uvp_error *err)
{
	char *to = store->buf + store->have;
	size_t room = sizeof(store->buf) - store->have;
	ssize_t n;

	do
		n = store->device ? read(store->fd, to, room) : recv(store->fd, to, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0)
		return fail_io(store, n ? errno : 0, err);
	store->have += (size_t)n;
	return (int)n;
}

/* As much as goes without waiting. The device takes one message in each write, and gets the next one when that is answered:
 * a xenstored whose ring from the kernel held dozens of requests has been seen to die. */
static int push(struct uvpi_store *store, struct uvpi_exchange *x, struct uvp_error *err)
{
	while (x->sent < x->out_len) {
		const char *from = x->out + x->sent;
		struct uvpi_wire_msg msg;
		ssize_t n;

		if (store->device && x->pushed > x->answered)
			return 0;
		if (store->device) {
			int len = uvpi_wire_next(from, x->out_len - x->sent, &msg, err);

			if (len <= 0)
				return len ? len : uvpi_fail(err, UVP_E_INTERNAL, 0, "a batch ends in half a message");
			n = write(store->fd, from, (size_t)len);
		} else {
			n = send(store->fd, from, x->out_len - x->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0)
			return fail_io(store, errno, err);
		x->sent += (size_t)n;
		x->pushed++;
	}
	return 0;
}

/* The index of the request that a message answers. The kernel's device answers a watch request itself, without
 * the id; watch requests are sent alone. */
static int answer_index(const struct uvpi_store *store, const struct uvpi_exchange *x, const struct uvpi_wire_msg *msg)
{
	uint32_t index = msg->req_id - x->first_id;

	if (store->device && !msg->req_id && (msg->type == XS_WATCH || msg->type == XS_UNWATCH) && x->n == 1)
		return 0;
	return index < (uint32_t)x->n ? (int)index : -1;
}

static int handle(struct uvpi_store *store, struct uvpi_exchange *x, const struct uvpi_wire_msg *msg,
		  struct uvp_error *err)
{
	const char *path, *token;
	int r, index;

	if (msg->type == XS_WATCH_EVENT) {
		r = uvpi_wire_event(msg, &path, &token, err);
		if (r == 0)
			uvpi_store_queue_event(store, path, token);
		return r;
	}
	index = x ? answer_index(store, x, msg) : -1;
	if (index < 0)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0,
				 "xenstored sent an answer (type %u, id %u) to a request that nobody made", msg->type,
				 msg->req_id);
	r = x->answer(x->data, index, msg, err);
	if (r < 0)
		return r;
	x->answered++;
	return 0;
}

int uvpi_store_dispatch(struct uvpi_store *store, struct uvpi_exchange *exchange, struct uvp_error *err)
{
	struct uvp_error reason = UVP_ERROR_INIT;
	size_t done = 0;

	for (;;) {
		struct uvpi_wire_msg msg;
		int len = uvpi_wire_next(store->buf + done, store->have - done, &msg, &reason);

		if (len > 0 && handle(store, exchange, &msg, &reason) < 0)
			len = -1;
		if (len < 0)
			return uvpi_store_break(store, &reason, err);
		if (!len)
			break;
		done += (size_t)len;
	}
	store->have -= done;
	if (done && store->have)
		memmove(store->buf, store->buf + done, store->have);
	return 0;
}

/* C xenstored sends each answer in two halves and looks at all its connections between them. On a host with one CPU for
 * domain 0, each half would wake us, and take the CPU from xenstored. A batch task is not given the CPU of
 * another for having been woken, so all answers are there when we get it. Returns whether it must be undone. */
static bool begin_patient(const struct uvpi_exchange *x)
{
	struct sched_param param = { 0 };

	return x->n >= PATIENT_REQUESTS && sched_getscheduler(0) == SCHED_OTHER &&
	       sched_setscheduler(0, SCHED_BATCH, &param) == 0;
}

static void end_patient(void)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_OTHER, &param);
}

static int exchange(struct uvpi_store *store, struct uvpi_exchange *x, int64_t deadline_ms, struct uvp_error *err)
{
	int64_t start = uvpi_now_ms(), now = start;
	int r = uvpi_store_check(store, err);

	if (r < 0)
		return r;
	for (;;) {
		struct pollfd pfd = { .fd = store->fd, .events = POLLIN };

		r = push(store, x, err);
		if (r < 0)
			return r;
		if (x->answered >= x->n)
			return 0;
		/* The device is never reported as ready for writing. */
		if (x->sent < x->out_len && !store->device)
			pfd.events |= POLLOUT;
		if (now >= deadline_ms)
			return fail_deadline(store, now - start, err);
		r = poll(&pfd, 1, (int)(deadline_ms - now));
		if (r < 0 && errno != EINTR)
			return fail_io(store, errno, err);
		if (r <= 0)
			now = uvpi_now_ms();
		if (r <= 0 || !(pfd.revents & ~POLLOUT))
			continue;
		r = uvpi_store_fill(store, err);
		if (r > 0)
			r = uvpi_store_dispatch(store, x, err);
		if (r < 0)
			return r;
	}
}

int uvpi_store_exchange(struct uvpi_store *store, struct uvpi_exchange *x, int64_t deadline_ms,
			struct uvp_error *err)
{
	bool patient = begin_patient(x);
	int r = exchange(store, x, deadline_ms, err);

	if (patient)
		end_patient();
	return r;
}

/* ---- one request each ---- */

int uvpi_store_read(struct uvpi_store *store, const char *path, char **ret_value, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	const char *value;
	char *copy = NULL;
	size_t len;
	int r, index;

	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	index = uvpi_batch_read(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	value = uvpi_batch_value(batch, index, &len);
	if (value) {
		copy = malloc(len + 1);
		if (!copy)
			return uvpi_no_memory(err);
		memcpy(copy, value, len + 1);
	}
	*ret_value = copy;
	return 0;
}

int uvpi_store_write(struct uvpi_store *store, const char *path, const char *value, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	uvpi_batch_write(batch, path, value);
	return uvpi_batch_run(batch, false, err);
}

int uvpi_store_rm(struct uvpi_store *store, const char *path, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	uvpi_batch_rm(batch, path);
	return uvpi_batch_run(batch, false, err);
}

int uvpi_store_list(struct uvpi_store *store, const char *path, char ***ret_names, int *ret_n,
		    struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	const char *run;
	char **names, *text;
	size_t len = 0;
	int r, index, n = 0;

	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	index = uvpi_batch_list(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	run = uvpi_batch_value(batch, index, &len);
	for (size_t at = 0; at < len; at += strlen(run + at) + 1)
		n++;
	names = malloc(((size_t)n + 1) * sizeof(*names) + len + 1);
	if (!names)
		return uvpi_no_memory(err);
	text = (char *)(names + n + 1);
	if (run)
		memcpy(text, run, len + 1);
	for (int i = 0; i < n; i++, text += strlen(text) + 1)
		names[i] = text;
	names[n] = NULL;
	*ret_names = names;
	*ret_n = n;
	return 0;
}
