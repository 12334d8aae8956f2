/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define END_MS 2000 /* between SIGTERM and SIGKILL */

int uvpi_spawn(char *const argv[], char *const env[], int in, int out, int complaints, pid_t *ret_pid, struct uvp_error *err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int error;

	sigfillset(&all);
	sigemptyset(&none);
	if (posix_spawn_file_actions_init(&files) != 0)
		return uvpi_no_memory(err);
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return uvpi_no_memory(err);
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	error = in < 0 ? posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) :
			 posix_spawn_file_actions_adddup2(&files, in, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&files, complaints, 2);
	if (!error)
		error = posix_spawn(ret_pid, argv[0], &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return error ? uvpi_fail_errno(err, error, "cannot run '%.200s'", argv[0]) : 0;
}

/* Keep the end of what it prints. */
static void take(int fd, char *said, size_t size)
{
	size_t used = strlen(said);
	char buf[512];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (used == size - 1) {
				memmove(said, said + size / 2, used - size / 2);
				used -= size / 2;
			}
			if ((unsigned char)buf[i] >= ' ' || buf[i] == '\n')
				said[used++] = buf[i] == '\n' ? ' ' : buf[i];
		}
		said[used] = '\0';
	}
}

static void trim(char *said)
{
	size_t len = strlen(said);

	while (len && said[len - 1] == ' ')
		said[--len] = '\0';
}

/* 1: it has ended; 0: the deadline; negative: cancelled. */
static int wait_end(int pidfd, int out, int64_t deadline_ms, int cancel_fd, char *said, size_t size)
{
	for (;;) {
		struct pollfd p[] = { { pidfd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 }, { out, POLLIN, 0 } };
		int64_t left = deadline_ms - uvpi_now_ms();
		int n;

		if (left <= 0)
			return 0;
		n = poll(p, 3, left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return 0;
		if (n <= 0)
			continue;
		if (p[2].revents)
			take(out, said, size);
		if (p[0].revents)
			return 1;
		if (cancel_fd >= 0 && p[1].revents)
			return -1;
		if (p[2].revents & POLLHUP)
			out = -1; /* it has closed both */
	}
}

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int uvpi_run(char *const argv[], char *const env[], int64_t deadline_ms, int cancel_fd, char *ret_said, size_t size,
	     struct uvp_error *err)
{
	return uvpi_run_fed(argv, env, -1, deadline_ms, cancel_fd, ret_said, size, err);
}

int uvpi_run_fed(char *const argv[], char *const env[], int feed, int64_t deadline_ms, int cancel_fd, char *ret_said, size_t size,
		 struct uvp_error *err)
{
	_cleanup_close_ int in = -1, out = -1, pidfd = -1;
	int fds[2], r;
	pid_t pid;

	*ret_said = '\0';
	if (pipe2(fds, O_CLOEXEC) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a pipe");
	in = fds[0];
	out = fds[1];
	fcntl(in, F_SETFL, O_NONBLOCK);
	r = uvpi_spawn(argv, env, feed, out, out, &pid, err);
	if (r < 0)
		return r;
	close(out);
	out = -1;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	r = pidfd < 0 ? 0 : wait_end(pidfd, in, deadline_ms, cancel_fd, ret_said, size);
	if (r <= 0) {
		kill(-pid, SIGTERM);
		if (pidfd < 0 || wait_end(pidfd, in, uvpi_now_ms() + END_MS, -1, ret_said, size) == 0)
			kill(-pid, SIGKILL);
		reap(pid);
		trim(ret_said);
		return r < 0 ? uvpi_fail(err, UVP_E_CANCELLED, 0, "'%.200s' was ended, as you asked", argv[0]) :
			       uvpi_fail(err, UVP_E_TIMEOUT, 0, "'%.200s' did not end in time; it was ended", argv[0]);
	}
	take(in, ret_said, size);
	trim(ret_said);
	return reap(pid);
}

bool uvpi_find_program(const char *name, char *buf, size_t size)
{
	const char *path = getenv("PATH");

	for (const char *p = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *p;) {
		size_t len = strcspn(p, ":");

		if (len && *p == '/' && (size_t)snprintf(buf, size, "%.*s/%s", (int)len, p, name) < size &&
		    access(buf, X_OK) == 0)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}
