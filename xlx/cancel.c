/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SIGINT, SIGTERM and SIGHUP as a file descriptor. Each signal gets its default meaning back after the first time,
 * so that a second Ctrl-C ends a program that does not get round to stopping. */
#include "xlx/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/cleanup.h"

static int cancel_fd = -1;

static void on_signal(int signal_number)
{
	static const uint64_t one = 1;
	int saved = errno;

	/* It can fail only when the counter is full, and then it is readable already. */
	if (write(cancel_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

int xlx_cancel_fd(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART };

	if (cancel_fd >= 0)
		return cancel_fd;
	cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cancel_fd < 0)
		return -1;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(signals); i++) {
		struct sigaction old;

		/* nohup's and a background shell's choice to ignore a signal stands. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
	}
	return cancel_fd;
}
