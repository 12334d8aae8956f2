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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "core/error.h"
#include "core/num.h"

#define LOCK_PATH "/var/lock/xenconsole.%u"
#define LOCK_PATH_MAX 64
#define STEAL_MS 10000

static void lock_path(uint32_t domid, char path[LOCK_PATH_MAX])
{
	snprintf(path, LOCK_PATH_MAX, LOCK_PATH, domid);
}

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

static pid_t find_holder(int fd)
{
	enum { LOCKS_MAX = 1 << 20 };
	_cleanup_free_ char *text = malloc(LOCKS_MAX);
	struct stat st;

	if (!text || fstat(fd, &st))
		return 0;
	read_small("/proc/locks", text, LOCKS_MAX);
	return uvpi_flock_holder(text, st.st_dev, st.st_ino);
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

pid_t uvpi_console_holder(uint32_t domid, char *ret_command, size_t size)
{
	char path[LOCK_PATH_MAX];
	_cleanup_close_ int fd = -1;
	pid_t pid;

	lock_path(domid, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	pid = fd >= 0 ? find_holder(fd) : 0;
	if (pid > 0)
		command_of(pid, ret_command, size);
	return pid;
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
	pid_t pid = find_holder(fd);
	_cleanup_close_ int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd wait = { pidfd, POLLIN, 0 };
	char command[64] = "";
	int64_t end = uvpi_now_ms() + STEAL_MS;

	if (pid > 0)
		command_of(pid, command, sizeof(command));
	if (pidfd < 0 || find_holder(fd) != pid || (strcmp(command, "xenconsole") && strcmp(command, "xlx"))) {
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

/* 0 locked, 1 somebody has it, negative on error. */
static int try_lock(int fd, const char *path, struct uvp_error *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return 1;
		if (errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot lock '%s'", path);
	}
	return 0;
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
		r = try_lock(fd, path, err);
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
			pid_t pid = find_holder(fd);

			if (pid > 0)
				command_of(pid, command, sizeof(command));
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
