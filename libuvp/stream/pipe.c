/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxenguest in a thread, and a socket to it. The domain has suspended before saving starts, and is not run before
 * restoring has ended, so that nothing of the callbacks is left to do. */
#include "stream/pipe.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenguest.h>

#include "core/error.h"
#include "stream/native.h"

#define BUFFER (1 << 20)
#define PIECES 256 /* in one call of the system */

static int has_suspended(void *data)
{
	return 1;
}

static int log_dirty(uint32_t domid, unsigned int enable, void *data)
{
	struct uvpi_stream_pipe *p = data;

	return p->log_dirty ? p->log_dirty(p->data, enable, NULL) : 0;
}

static int static_data_done(unsigned int missing, void *data)
{
	return 0;
}

static int suspend(void *data)
{
	struct uvpi_stream_pipe *p = data;

	return p->suspend(p->data);
}

/* In the thread: wait until all of it has been passed on. False when the caller has given up. */
static bool drain(struct uvpi_stream_pipe *p)
{
	bool ended;
	int queued;

	pthread_mutex_lock(&p->lock);
	while (!p->ended && (p->n_passed < p->n_read || (ioctl(p->thread_fd, SIOCOUTQ, &queued) == 0 && queued > 0)))
		pthread_cond_wait(&p->passed, &p->lock);
	ended = p->ended;
	pthread_mutex_unlock(&p->lock);
	return !ended;
}

/* Called before and after each round; after it, how much is left is not known: Xen is asked next. A round has taken as long as it
 * took to send it, not to put it into buffers, and what the guest changes meanwhile belongs to the one after it. */
static int next_round(struct precopy_stats stats, void *data)
{
	static const int answers[] = { [UVPI_ROUND_GO_ON] = XGS_POLICY_CONTINUE_PRECOPY, [UVPI_ROUND_LAST] = XGS_POLICY_STOP_AND_COPY,
				       [UVPI_ROUND_ABORT] = XGS_POLICY_ABORT };
	struct uvpi_stream_pipe *p = data;

	if (stats.dirty_count < 0)
		return drain(p) ? XGS_POLICY_CONTINUE_PRECOPY : XGS_POLICY_ABORT;
	return answers[p->round(p->data, stats.iteration, (unsigned long)stats.dirty_count)];
}

static void save(struct uvpi_stream_pipe *p)
{
	struct save_callbacks callbacks = { .suspend = has_suspended, .switch_qemu_logdirty = log_dirty, .data = p };

	if (p->suspend) {
		callbacks.suspend = suspend;
		callbacks.precopy_policy = next_round;
	}
	p->result = xc_domain_save(p->xc, p->thread_fd, p->domid, p->suspend ? XCFLAGS_LIVE : 0, &callbacks, XC_STREAM_PLAIN, -1);
}

static void restore(struct uvpi_stream_pipe *p)
{
	struct restore_callbacks callbacks = { .static_data_done = static_data_done };

	p->result = xc_domain_restore(p->xc, p->thread_fd, p->domid, p->store_port, &p->store_frame, 0, p->console_port,
				      &p->console_frame, 0, XC_STREAM_PLAIN, &callbacks, -1);
}

static void *run(void *data)
{
	struct uvpi_stream_pipe *p = data;

	errno = 0;
	xc_clear_last_error(p->xc);
	if (p->restore)
		restore(p);
	else
		save(p);
	p->sys_errno = errno;
	if (p->result)
		snprintf(p->said, sizeof(p->said), "%.199s", xc_get_last_error(p->xc)->message);
	close(p->thread_fd);
	return NULL;
}

int uvpi_stream_pipe_start(struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	int fds[2], size = BUFFER, r;
	sigset_t all, before;

	if (uvpi_stream_is_native(p))
		return p->restore ? uvpi_native_restore_new(p, &p->native, err) : 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a socket");
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	p->fd = fds[0];
	p->thread_fd = fds[1];
	/* It inherits what is blocked: signals are the caller's, and SIGPIPE is nobody's. */
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->passed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		close(fds[0]);
		close(fds[1]);
		return uvpi_fail_errno(err, r, "cannot start a thread");
	}
	p->running = true;
	return 0;
}

int uvpi_stream_pipe_read(struct uvpi_stream_pipe *p, void *buf, uint32_t size, int ms)
{
	struct pollfd ready = { p->fd, POLLIN, 0 };
	ssize_t n;

	do {
		n = poll(&ready, 1, ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return -1;
	/* What is in neither the socket nor this count would not be waited for. */
	pthread_mutex_lock(&p->lock);
	do {
		n = read(p->fd, buf, size);
	} while (n < 0 && errno == EINTR);
	p->n_read += n > 0 ? (uint64_t)n : 0;
	pthread_mutex_unlock(&p->lock);
	return n > 0 ? (int)n : 0;
}

void uvpi_stream_pipe_passed(struct uvpi_stream_pipe *p, uint32_t len)
{
	pthread_mutex_lock(&p->lock);
	p->n_passed += len;
	pthread_cond_signal(&p->passed);
	pthread_mutex_unlock(&p->lock);
}

/* The next spans from *at on, which begins `from` bytes in. Returns how many pieces there are. */
static int gather(const struct uvpi_span *spans, uint32_t n, uint32_t from, struct iovec *pieces)
{
	static uint8_t zeros[16384];
	int count = 0;

	for (uint32_t i = 0; i < n && count < PIECES; i++, from = 0) {
		uint32_t len = spans[i].len - from;

		if (spans[i].data) {
			pieces[count++] = (struct iovec){ (uint8_t *)(uintptr_t)spans[i].data + from, len };
			continue;
		}
		for (uint32_t part; len && count < PIECES; len -= part) {
			part = len < sizeof(zeros) ? len : (uint32_t)sizeof(zeros);
			pieces[count++] = (struct iovec){ zeros, part };
		}
		if (len)
			break;
	}
	return count;
}

int uvpi_stream_pipe_write(struct uvpi_stream_pipe *p, const struct uvpi_span *spans, uint32_t n)
{
	uint32_t from = 0;

	if (uvpi_stream_is_native(p))
		return uvpi_native_restore_feed(p->native, spans, n) < 0;
	while (n) {
		struct iovec pieces[PIECES];
		struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)gather(spans, n, from, pieces) };
		ssize_t sent = sendmsg(p->fd, &message, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return 1;
		for (; n && (size_t)sent >= spans->len - from; spans++, n--) {
			sent -= spans->len - from;
			from = 0;
		}
		from += (uint32_t)sent;
	}
	return 0;
}

int uvpi_stream_pipe_end(struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	int r;

	if (p->native) {
		r = uvpi_native_restore_end(p->native, err);
		p->native = NULL;
		return r;
	}
	if (!p->running)
		return 0;
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_signal(&p->passed);
	pthread_mutex_unlock(&p->lock);
	/* While restoring this is the end of the stream; while saving, it makes the next write of the thread fail. */
	close(p->fd);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->passed);
	pthread_mutex_destroy(&p->lock);
	p->running = false;
	if (!p->result)
		return 0;
	if (p->said[0])
		return uvpi_fail(err, UVP_E_HYPERVISOR, p->sys_errno, "Xen's library says: %s", p->said);
	return uvpi_fail_errno(err, p->sys_errno ? p->sys_errno : EIO, "Xen's library could not do it");
}
