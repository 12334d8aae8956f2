/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "daemon/loop.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>

#include "core/error.h"

/* One daemon, one loop: what its signal sources call. */
static struct {
	int (*stop)(void *data);
	void *data;
	pid_t pid;
} loop;

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	return loop.stop(loop.data);
}

int daemon_fail(struct uvp_error *err, int negative_errno, const char *what)
{
	return uvpi_fail_errno(err, -negative_errno, "cannot %s", what);
}

int daemon_loop_new(int (*stop)(void *data), void *data, sd_event **ret_event, struct uvp_error *err)
{
	_cleanup_event_ sd_event *event = NULL;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return uvpi_fail_errno(err, errno, "cannot block signals");
	signal(SIGPIPE, SIG_IGN);
	loop.stop = stop;
	loop.data = data;
	loop.pid = getpid();
	r = sd_event_default(&event);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, NULL);
	if (r >= 0)
		r = sd_event_add_signal(event, NULL, SIGINT, on_stop, NULL);
	if (r >= 0)
		r = sd_event_set_watchdog(event, 1);
	if (r < 0)
		return daemon_fail(err, r, "set up the event loop");
	*ret_event = uvpi_steal(&event);
	return 0;
}

void daemon_child_init(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != loop.pid)
		_exit(1); /* it died before that was set */
}

void daemon_notify(int ready, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sd_notifyf(0, "%sSTATUS=%s", ready ? "READY=1\n" : "", text);
}
