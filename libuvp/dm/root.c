/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process with a root folder of its own, in a mount namespace of its own: nobody else sees what is mounted there, and
 * when the process ends, however it does, nothing of it is left. posix_spawn() cannot do that, so this forks: the child
 * calls nothing but the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "dm/qemu.h"

/* ---- folders, with their owner's ids turned into ours ---- */

/* The lines of a map in which a and b change places. */
static void swap_map(uint32_t a, uint32_t b, char *buf, size_t len)
{
	uint32_t low = a < b ? a : b, high = a < b ? b : a;
	size_t at = 0;

	if (low)
		at += (size_t)snprintf(buf, len, "0 0 %" PRIu32 "\n", low);
	at += (size_t)snprintf(buf + at, len - at, "%" PRIu32 " %" PRIu32 " 1\n", low, high);
	if (high - low > 1)
		at += (size_t)snprintf(buf + at, len - at, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", low + 1, low + 1,
				       high - low - 1);
	at += (size_t)snprintf(buf + at, len - at, "%" PRIu32 " %" PRIu32 " 1\n", high, low);
	snprintf(buf + at, len - at, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", high + 1, high + 1, UINT32_MAX - high - 1);
}

static int write_map(pid_t pid, const char *which, const char *map)
{
	char path[48];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, map, strlen(map)) == (ssize_t)strlen(map) ? 0 : -1;
}

/* A user namespace is made by a process that enters it and waits meanwhile. */
static int open_user_namespace(const char *uid_map, const char *gid_map)
{
	int ready[2], done[2], fd = -1;
	char path[48], byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	if (pipe2(done, O_CLOEXEC) < 0) {
		close(ready[0]);
		close(ready[1]);
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		close(done[1]);
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(read(done[0], &byte, 1) < 0);
	}
	close(ready[1]);
	close(done[0]);
	if (pid > 0 && read(ready[0], &byte, 1) == 1 && !write_map(pid, "uid_map", uid_map) &&
	    !write_map(pid, "gid_map", gid_map)) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(ready[0]);
	close(done[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return fd;
}

static void map_owner(int mount, const struct stat *st, uint32_t uid, uint32_t gid)
{
	char uid_map[160], gid_map[160];
	_cleanup_close_ int fd = -1;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };

	/* A guest does not act as root, whoever shares root's folders with it. */
	if (!st->st_uid)
		return;
	swap_map(st->st_uid, uid, uid_map, sizeof(uid_map));
	if (st->st_gid)
		swap_map(st->st_gid, gid, gid_map, sizeof(gid_map));
	else
		snprintf(gid_map, sizeof(gid_map), "0 0 %" PRIu32 "\n", UINT32_MAX);
	fd = open_user_namespace(uid_map, gid_map);
	attr.userns_fd = (uint64_t)fd;
	if (fd < 0 || mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		uvpi_debug("the owner's ids of a shared folder cannot be turned: %s", strerror(errno));
}

int uvpi_root_open(const char *path, uint32_t uid, uint32_t gid, struct uvp_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), mount = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "the shared folder '%s'", path);
	mount = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0 || mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return uvpi_fail_errno(err, errno, "cannot share the folder '%s'", path);
	map_owner(mount, &st, uid, gid);
	return uvpi_steal_fd(&mount);
}

/* ---- the child: from here on only what is safe after fork ---- */

struct trouble {
	char doing[40];
	int error;
};

struct child {
	const struct uvpi_qemu_root *root;
	const struct uvpi_root_spawn *what;
	int report;
};

static void fail(const struct child *c, const char *doing) __attribute__((noreturn));
static void fail(const struct child *c, const char *doing)
{
	struct trouble trouble = { .error = errno };

	strncpy(trouble.doing, doing, sizeof(trouble.doing) - 1);
	if (write(c->report, &trouble, sizeof(trouble)) < 0)
		_exit(126);
	_exit(127);
}

/* path is below root/, and is made folder by folder. */
static int make_folders(char *path, size_t from)
{
	for (size_t i = from + 1; path[i]; i++) {
		int r;

		if (path[i] != '/')
			continue;
		path[i] = '\0';
		r = mkdir(path, 0755);
		path[i] = '/';
		if (r < 0 && errno != EEXIST)
			return -1;
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

static void join(char *buf, size_t size, const char *a, const char *b)
{
	size_t len = strlen(a), more = strlen(b);

	if (len + more + 1 > size)
		more = size - len - 1;
	memcpy(buf, a, len);
	memcpy(buf + len, b, more);
	buf[len + more] = '\0';
}

/* Back ends open these for each device. */
static void make_devices(const struct child *c)
{
	static const char *const names[] = { "/dev/xen/evtchn", "/dev/xen/gntdev" };
	char path[1280];
	struct stat st;

	join(path, sizeof(path), c->what->at, "/dev/xen");
	if (make_folders(path, strlen(c->what->at)) < 0)
		fail(c, "make folders");
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		join(path, sizeof(path), c->what->at, names[i]);
		if (stat(names[i], &st) < 0)
			continue;
		if (mknod(path, S_IFCHR | 0600, st.st_rdev) < 0 || chown(path, c->root->uid, c->root->gid) < 0)
			fail(c, "make the devices");
	}
}

/* QEMU changes the mode of a file by its name in /proc/self/fd. It sees no other user's processes, and nothing else of
 * the kernel's there. */
static void make_proc(const struct child *c)
{
	char path[1280];

	join(path, sizeof(path), c->what->at, "/proc");
	if (mkdir(path, 0755) < 0 ||
	    mount("proc", path, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2,subset=pid") < 0)
		fail(c, "mount proc");
}

static void make_root(const struct child *c)
{
	const char *at = c->what->at;
	char path[1280];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		fail(c, "make a mount namespace");
	if (mount("uvp", at, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,nr_inodes=1k,mode=0755") < 0)
		fail(c, "mount the root folder");
	make_devices(c);
	if (c->root->n_folders)
		make_proc(c);
	for (int i = 0; i < c->root->n_folders; i++) {
		join(path, sizeof(path), at, c->root->folders[i].path);
		if (make_folders(path, strlen(at)) < 0)
			fail(c, "make folders");
		if (move_mount(c->root->folders[i].mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			fail(c, "mount a shared folder");
	}
	if (mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL) < 0)
		fail(c, "close the root folder");
}

static void set_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		if (i != SIGXFSZ) /* ignored: when the log is full, a write fails */
			sigaction(i, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run(const struct child *c) __attribute__((noreturn));
static void run(const struct child *c)
{
	const struct uvpi_root_spawn *what = c->what;
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(what->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	setsid();
	make_root(c);
	set_signals();
	if (in < 0 || log < 0 || dup2(in, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		fail(c, "open its log");
	for (int i = 0; i < what->n_fds; i++)
		if (dup2(what->fds[i], what->to + i) < 0)
			fail(c, "hand over its files");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail(c, "give up privileges");
	execve(what->program, what->args, what->environment);
	fail(c, "start the program");
}

/* ---- */

int uvpi_root_spawn(const struct uvpi_qemu_root *root, const struct uvpi_root_spawn *what, pid_t *ret_pid,
		    struct uvp_error *err)
{
	struct trouble trouble = { .error = 0 };
	struct child child = { root, what, -1 };
	_cleanup_close_ int from = -1;
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a pipe");
	/* where no copy of QEMU's files can fall on it */
	child.report = fcntl(ends[1], F_DUPFD_CLOEXEC, 900);
	close(ends[1]);
	from = ends[0];
	pid = child.report < 0 ? -1 : fork();
	if (pid == 0)
		run(&child);
	if (pid < 0) {
		int saved = errno;

		if (child.report >= 0)
			close(child.report);
		return uvpi_fail_errno(err, saved, "cannot start '%s'", what->program);
	}
	close(child.report);
	do
		n = read(from, &trouble, sizeof(trouble));
	while (n < 0 && errno == EINTR);
	if (n <= 0) { /* its end closed: it runs QEMU by now */
		*ret_pid = pid;
		return 0;
	}
	waitpid(pid, NULL, 0);
	return uvpi_fail_errno(err, trouble.error, "cannot start '%s': it could not %.39s", what->program, trouble.doing);
}
