/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxenguest in a thread, and a socket to it. The domain has suspended before saving starts, and is not run before
 * restoring has ended, so that nothing of the callbacks is left to do. */
#include "stream/pipe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenguest.h>

#include "core/error.h"

#define BUFFER (1 << 20)

static int has_suspended(void *data)
{
	return 1;
}

static int log_dirty(uint32_t domid, unsigned int enable, void *data)
{
	struct uvpi_stream_pipe *p = data;

	return p->log_dirty ? p->log_dirty(p->data, enable) : 0;
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

/* Called before and after each round; after it, how much is left is not known. */
static int next_round(struct precopy_stats stats, void *data)
{
	static const int answers[] = { [UVPI_ROUND_GO_ON] = XGS_POLICY_CONTINUE_PRECOPY, [UVPI_ROUND_LAST] = XGS_POLICY_STOP_AND_COPY,
				       [UVPI_ROUND_ABORT] = XGS_POLICY_ABORT };
	struct uvpi_stream_pipe *p = data;

	if (stats.dirty_count < 0)
		return XGS_POLICY_CONTINUE_PRECOPY;
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

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a socket");
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	p->fd = fds[0];
	p->thread_fd = fds[1];
	/* It inherits what is blocked: signals are the caller's, and SIGPIPE is nobody's. */
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

uint32_t uvpi_stream_pipe_read(struct uvpi_stream_pipe *p, void *buf, uint32_t size)
{
	uint32_t have = 0;

	while (have < size) {
		ssize_t n = read(p->fd, (char *)buf + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (uint32_t)n;
	}
	return have;
}

int uvpi_stream_pipe_write(struct uvpi_stream_pipe *p, const void *data, uint32_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(p->fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return 1;
		at += n;
		len -= (uint32_t)n;
	}
	return 0;
}

int uvpi_stream_pipe_end(struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	if (!p->running)
		return 0;
	/* While restoring this is the end of the stream; while saving, it makes the next write of the thread fail. */
	close(p->fd);
	pthread_join(p->thread, NULL);
	p->running = false;
	if (!p->result)
		return 0;
	if (p->said[0])
		return uvpi_fail(err, UVP_E_HYPERVISOR, p->sys_errno, "Xen's library says: %s", p->said);
	return uvpi_fail_errno(err, p->sys_errno ? p->sys_errno : EIO, "Xen's library could not do it");
}
