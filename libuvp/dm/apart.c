/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dm/apart.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include "core/error.h"

struct request {
	const char *program;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
	char *const *args, *const *environment;
	int namespaces;
	pid_t pid;
	int namespace_errno, spawn_errno;
};

static void *spawn(void *data)
{
	struct request *request = data;

	/* What the host unmounts must not live on in here; the other way round nothing is passed on. */
	if (unshare(request->namespaces) < 0 || mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		request->namespace_errno = errno;
	else
		request->spawn_errno = posix_spawn(&request->pid, request->program, request->actions, request->attr,
						   request->args, request->environment);
	return NULL;
}

/* Namespaces belong to a thread and are inherited from it. So a thread enters them, starts the program and ends, and the
 * caller, of whom nothing else is needed, stays where it is. */
int uvpi_spawn_apart(const char *program, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		     char *const *args, char *const *environment, bool network, pid_t *ret_pid, struct uvp_error *err)
{
	struct request request = { program, actions, attr, args, environment };
	sigset_t all, before;
	pthread_t thread;
	int r;

	request.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (network ? 0 : CLONE_NEWNET);
	/* No signal of the caller's is to end up in it. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = pthread_create(&thread, NULL, spawn, &request);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return uvpi_fail_errno(err, r, "cannot start a thread");
	pthread_join(thread, NULL);
	if (request.namespace_errno) {
		r = uvpi_fail_errno(err, request.namespace_errno, "cannot make namespaces for '%s'", program);
		uvpi_hint(err, "the kernel must have mount, process, IPC and network namespaces; dm_restrict=0 does "
			       "without, and the device model then runs as root");
		return r;
	}
	if (request.spawn_errno)
		return uvpi_fail_errno(err, request.spawn_errno, "cannot start '%s'", program);
	*ret_pid = request.pid;
	return 0;
}
