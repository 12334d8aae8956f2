/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/flock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

/* A file is said to be closed a moment before its lock is given up: so long after that it is tried again. */
#define MOMENT_MS 5
#define MOMENTS 8
/* Where nothing can be watched, because the limit of watches is reached. */
#define UNSEEN_MS 200

pid_t uvpi_flock_holder(const char *proc_locks, dev_t dev, ino_t ino)
{
	for (const char *line = proc_locks; line && *line; line = strchr(line, '\n')) {
		unsigned int major_no, minor_no;
		unsigned long inode;
		int pid;

		while (*line == '\n')
			line++;
		/* "7: FLOCK  ADVISORY  WRITE 912 00:17:345 0 EOF"; who waits for a lock has "->" there */
		if (sscanf(line, "%*u: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major_no, &minor_no, &inode) == 4 &&
		    pid > 0 && major_no == major(dev) && minor_no == minor(dev) && inode == ino)
			return pid;
	}
	return 0;
}

static size_t read_small(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	while (fd >= 0 && len < size - 1) {
		ssize_t got = read(fd, buf + len, size - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	buf[len] = '\0';
	return len;
}

/* The program's name only: its arguments may be anything. */
static void command_of(pid_t pid, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	buf[read_small(path, buf, size)] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	for (char *c = buf; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

pid_t uvpi_flock_who(int fd, char *ret_command, size_t size)
{
	enum { LOCKS_MAX = 1 << 20 };
	_cleanup_free_ char *text = malloc(LOCKS_MAX);
	struct stat st;
	pid_t pid;

	if (!text || fstat(fd, &st))
		return 0;
	read_small("/proc/locks", text, LOCKS_MAX);
	pid = uvpi_flock_holder(text, st.st_dev, st.st_ino);
	if (pid > 0)
		command_of(pid, ret_command, size);
	return pid;
}

int uvpi_flock_try(int fd, const char *path, struct uvp_error *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return 1;
		if (errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot lock '%s'", path);
	}
	return 0;
}

static int fail_busy(int fd, const char *path, const char *what, struct uvp_error *err)
{
	char command[64] = "";
	pid_t pid = uvpi_flock_who(fd, command, sizeof(command));
	int r;

	if (pid > 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "process %d (%s) is changing %s, and does not come to an end", (int)pid,
			      command, what);
		uvpi_hint(err, "wait for it and try again; if it hangs, end it: what it had begun is undone or finished then");
		return r;
	}
	r = uvpi_fail(err, UVP_E_BUSY, 0, "somebody else is changing %s, and does not come to an end", what);
	uvpi_hint(err, "'fuser %.200s' tells who it is", path);
	return r;
}

/* Until somebody has closed the file, or ms have passed. */
static void wait_for_close(int notify, int64_t ms)
{
	struct pollfd poll_fd = { .fd = notify, .events = POLLIN };
	char events[4096];

	if (poll(&poll_fd, notify >= 0, (int)ms) > 0)
		while (read(notify, events, sizeof(events)) > 0)
			;
}

int uvpi_flock_wait(int fd, const char *path, const char *what, int64_t deadline, struct uvp_error *err)
{
	_cleanup_close_ int notify = -1;
	bool watching = false;
	int moments = 0, r;

	for (;;) {
		int64_t left = deadline - uvpi_now_ms();

		r = uvpi_flock_try(fd, path, err);
		if (r <= 0)
			return r;
		if (left <= 0)
			return fail_busy(fd, path, what, err);
		if (notify < 0) { /* before the next try, so that nothing is missed */
			notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
			watching = notify >= 0 && inotify_add_watch(notify, path, IN_CLOSE) >= 0;
			if (watching)
				continue;
		}
		if (moments > 0 && moments < MOMENTS) {
			wait_for_close(-1, MOMENT_MS << moments++);
			continue;
		}
		wait_for_close(notify, watching || left < UNSEEN_MS ? left : UNSEEN_MS);
		moments = 1;
	}
}
