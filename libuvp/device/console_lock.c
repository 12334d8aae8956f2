/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who sits at a domain's console. xl's client takes an exclusive flock on /var/lock/xenconsole.DOMID, and
 * removes the file when it goes; doing the same keeps the two from reading each other's bytes. */
#include "config.h"

#include "device/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/error.h"
#include "core/flock.h"
#include "core/num.h"

#define LOCK_PATH "/var/lock/xenconsole.%u"
#define LOCK_PATH_MAX 64
#define STEAL_MS 10000

static void lock_path(uint32_t domid, char path[LOCK_PATH_MAX])
{
	snprintf(path, LOCK_PATH_MAX, LOCK_PATH, domid);
}

pid_t uvpi_console_holder(uint32_t domid, char *ret_command, size_t size)
{
	char path[LOCK_PATH_MAX];
	_cleanup_close_ int fd = -1;

	lock_path(domid, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? uvpi_flock_who(fd, ret_command, size) : 0;
}

static int busy(uint32_t domid, pid_t pid, const char *command, struct uvp_error *err)
{
	if (pid <= 0) {
		uvpi_fail(err, UVP_E_BUSY, 0, "the console of domain %u is held by another client", domid);
		uvpi_hint(err, "'fuser " LOCK_PATH "' tells who it is", domid);
	} else {
		uvpi_fail(err, UVP_E_BUSY, 0, "the console of domain %u is held by process %d (%s)", domid, (int)pid,
			  command);
		uvpi_hint(err, "leave it there with its escape key (Ctrl-]), or take it with --steal");
	}
	return -UVP_E_BUSY;
}

/* End the holder, if it is a console client. Its pidfd is opened before it is looked at, so that the signal cannot
 * reach a process that got its number since. */
static int steal(int fd, uint32_t domid, struct uvp_error *err)
{
	char command[64] = "", again[64];
	pid_t pid = uvpi_flock_who(fd, command, sizeof(command));
	_cleanup_close_ int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd wait = { pidfd, POLLIN, 0 };
	int64_t end = uvpi_now_ms() + STEAL_MS;

	if (pidfd < 0 || uvpi_flock_who(fd, again, sizeof(again)) != pid || (strcmp(command, "xenconsole") && strcmp(command, "xlx"))) {
		busy(domid, pid, command, err);
		uvpi_hint(err, "only a console client can be ended with --steal; this one is none");
		return -UVP_E_BUSY;
	}
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) && errno != ESRCH)
		return uvpi_fail_errno(err, errno, "cannot end process %d (%s), which holds the console of domain %u",
				       (int)pid, command, domid);
	for (;;) {
		int64_t left = end - uvpi_now_ms();

		if (left <= 0)
			return uvpi_fail(err, UVP_E_TIMEOUT, 0,
					 "process %d (%s), which holds the console of domain %u, does not end on SIGTERM",
					 (int)pid, command, domid);
		if (poll(&wait, 1, (int)left) > 0)
			return 0;
	}
}

int uvpi_console_lock(uint32_t domid, uint32_t flags, int *ret_fd, struct uvp_error *err)
{
	char path[LOCK_PATH_MAX];
	bool stolen = false;

	lock_path(domid, path);
	for (;;) {
		_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat ours, named;
		int r;

		if (fd < 0)
			return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
		r = uvpi_flock_try(fd, path, err);
		if (r < 0)
			return r;
		if (r > 0 && (flags & UVP_CONSOLE_STEAL) && !stolen) {
			r = steal(fd, domid, err);
			if (r < 0)
				return r;
			stolen = true;
			continue;
		}
		if (r > 0) {
			char command[64] = "";
			pid_t pid = uvpi_flock_who(fd, command, sizeof(command));

			return busy(domid, pid, command, err);
		}
		/* The last holder removes the file: a lock on a removed file keeps nobody out. */
		if (!fstat(fd, &ours) && !stat(path, &named) && ours.st_dev == named.st_dev &&
		    ours.st_ino == named.st_ino) {
			*ret_fd = uvpi_steal_fd(&fd);
			return 0;
		}
	}
}

void uvpi_console_unlock(uint32_t domid, int fd)
{
	char path[LOCK_PATH_MAX];

	if (fd < 0)
		return;
	lock_path(domid, path);
	unlink(path);
	close(fd);
}
