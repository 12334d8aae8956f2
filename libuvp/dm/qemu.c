/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "dm/apart.h"
#include "dm/sockets.h"
#include "qmp/client.h"

/* Numbers in QEMU, and ours: so far apart that no copy can fall on one that is still to be copied. */
#define CHILD_FD 100
#define OUR_FD 300

int uvpi_qemu_find(const char *named, char *ret_path, int len, struct uvp_error *err)
{
	static const char *const places[] = {
		"/usr/libexec/xen-qemu-system-i386", /* Debian */
		"/usr/lib/xen/bin/qemu-system-i386",
		"/usr/libexec/xen/bin/qemu-system-i386",
		"/usr/local/lib/xen/bin/qemu-system-i386",
		"/usr/lib/xen-4.17/bin/qemu-system-i386",
		"/usr/bin/qemu-system-i386",
	};
	int r;

	if (named) {
		if (access(named, X_OK) < 0)
			return uvpi_fail_errno(err, errno, "device_model_override: '%.200s'", named);
		snprintf(ret_path, (size_t)len, "%s", named);
		return 0;
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(places); i++) {
		if (access(places[i], X_OK) < 0)
			continue;
		snprintf(ret_path, (size_t)len, "%s", places[i]);
		return 0;
	}
	r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no QEMU for Xen on this host");
	uvpi_hint(err, "install it (Debian: apt install qemu-system-xen), or name one with device_model_override=");
	return r;
}

const char *uvpi_qemu_dir(uint32_t domid, char *buf, size_t len)
{
	snprintf(buf, len, "%.80s/qemu/%" PRIu32, uvpi_run_dir(), domid);
	return buf;
}

/* ---- arguments ---- */

int uvpi_qemu_init(struct uvpi_qemu *qemu, const char *program, uint32_t domid, const char *who, struct uvp_error *err)
{
	*qemu = (struct uvpi_qemu){ .pid = -1 };
	snprintf(qemu->program, sizeof(qemu->program), "%s", program);
	snprintf(qemu->who, sizeof(qemu->who), "%s", who);
	uvpi_qemu_dir(domid, qemu->dir, sizeof(qemu->dir));
	uvpi_qemu_arg(qemu, program);
	/* By this, the process is recognised. */
	uvpi_qemu_argf(qemu, "-xen-domid");
	uvpi_qemu_argf(qemu, "%" PRIu32, domid);
	return qemu->no_memory ? uvpi_no_memory(err) : 0;
}

void uvpi_qemu_done(struct uvpi_qemu *qemu)
{
	for (int i = 0; i < qemu->n_args; i++)
		free(qemu->args[i]);
	free(qemu->args);
	for (int i = 0; i < qemu->n_fds; i++)
		close(qemu->fds[i]);
	uvp_qmp_close(qemu->qmp);
	*qemu = (struct uvpi_qemu){ .pid = -1 };
}

void uvpi_qemu_arg(struct uvpi_qemu *qemu, const char *arg)
{
	char **more = reallocarray(qemu->args, (size_t)qemu->n_args + 2, sizeof(*more));
	char *copy = strdup(arg);

	if (more)
		qemu->args = more;
	if (!more || !copy) {
		free(copy);
		qemu->no_memory = true;
		return;
	}
	qemu->args[qemu->n_args++] = copy;
	qemu->args[qemu->n_args] = NULL;
}

void uvpi_qemu_argf(struct uvpi_qemu *qemu, const char *fmt, ...)
{
	_cleanup_free_ char *arg = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&arg, fmt, ap);
	va_end(ap);
	if (len < 0)
		qemu->no_memory = true;
	else
		uvpi_qemu_arg(qemu, arg);
	if (len < 0)
		arg = NULL;
}

int uvpi_qemu_pass(struct uvpi_qemu *qemu, int fd, struct uvp_error *err)
{
	int copy;

	if (qemu->n_fds == UVPI_QEMU_FDS_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s would need more than %d files", qemu->who,
				 UVPI_QEMU_FDS_MAX);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, OUR_FD);
	if (copy < 0)
		return uvpi_fail_errno(err, errno, "cannot hand a file to QEMU");
	qemu->fds[qemu->n_fds] = copy;
	return CHILD_FD + qemu->n_fds++;
}

int uvpi_qemu_pass_file(struct uvpi_qemu *qemu, int fd, char ret_name[24], struct uvp_error *err)
{
	int number = uvpi_qemu_pass(qemu, fd, err);

	if (number < 0)
		return number;
	uvpi_qemu_argf(qemu, "-add-fd");
	uvpi_qemu_argf(qemu, "fd=%d,set=%d", number, number);
	snprintf(ret_name, 24, "/dev/fdset/%d", number);
	return 0;
}

bool uvpi_qemu_contains(const char *program, const void *bytes, size_t n, size_t within)
{
	_cleanup_close_ int fd = open(program, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool found;
	size_t len;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !st.st_size)
		return false;
	len = (uint64_t)st.st_size > within ? within : (size_t)st.st_size;
	map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	found = memmem(map, len, bytes, n) != NULL;
	munmap(map, len);
	return found;
}

/* The names of the libraries that a program needs are near its beginning. */
static bool has_sandbox(const char *program)
{
	return uvpi_qemu_contains(program, "libseccomp.so", 13, 4u << 20);
}

void uvpi_qemu_confine(struct uvpi_qemu *qemu, uint32_t uid, uint32_t gid)
{
	uvpi_qemu_arg(qemu, "-chroot");
	uvpi_qemu_argf(qemu, "%s/root", qemu->dir);
	if (has_sandbox(qemu->program)) {
		uvpi_qemu_arg(qemu, "-sandbox");
		uvpi_qemu_arg(qemu, "on,obsolete=deny,spawn=deny,resourcecontrol=deny");
	}
	uvpi_qemu_arg(qemu, "-runas");
	uvpi_qemu_argf(qemu, "%" PRIu32 ":%" PRIu32, uid, gid);
}

/* ---- its folder ---- */

static int make_dir(struct uvpi_qemu *qemu, struct uvp_error *err)
{
	char path[160];

	snprintf(path, sizeof(path), "%.80s/qemu", uvpi_run_dir());
	if ((mkdir(uvpi_run_dir(), 0755) < 0 && errno != EEXIST) || (mkdir(path, 0755) < 0 && errno != EEXIST))
		return uvpi_fail_errno(err, errno, "cannot make '%s'", path);
	snprintf(path, sizeof(path), "%s/root", qemu->dir);
	if (mkdir(qemu->dir, 0700) < 0 || mkdir(path, 0755) < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", qemu->dir);
	if (qemu->small_files) {
		_cleanup_close_ int mark = -1;

		snprintf(path, sizeof(path), "%s/bounded", qemu->dir);
		mark = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (mark < 0)
			return uvpi_fail_errno(err, errno, "cannot make '%s'", path);
	}
	return 0;
}

static int listen_at(const char *dir, struct uvp_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/qmp", dir) >= (int)sizeof(address.sun_path))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is too long for the name of a socket", dir);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the socket '%s'", address.sun_path);
	return uvpi_steal_fd(&fd);
}

const char *uvpi_qemu_last_words(const char *dir, char *buf, size_t len)
{
	_cleanup_close_ int fd = -1;
	char path[160], text[1024];
	ssize_t n;
	char *from;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/log", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return buf;
	if (lseek(fd, -(off_t)sizeof(text) + 1, SEEK_END) < 0)
		lseek(fd, 0, SEEK_SET);
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return buf;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	from = text;
	/* The last two lines: the second one is often but the consequence of the first. */
	for (int i = (int)n, lines = 0; i > 0; i--)
		if (text[i - 1] == '\n' && ++lines == 2) {
			from = text + i;
			break;
		}
	return qmp_clean(from, buf, len);
}

/* ---- starting ---- */

static int file_actions(const struct uvpi_qemu *qemu, posix_spawn_file_actions_t *actions)
{
	char path[160];
	int r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY /* not close-on-exec: its own */, 0);

	snprintf(path, sizeof(path), "%s/log", qemu->dir);
	if (!r)
		r = posix_spawn_file_actions_addopen(actions, 1, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (!r)
		r = posix_spawn_file_actions_adddup2(actions, 1, 2);
	if (!r)
		r = posix_spawn_file_actions_adddup2(actions, 1, 1);
	for (int i = 0; i < qemu->n_fds && !r; i++)
		r = posix_spawn_file_actions_adddup2(actions, qemu->fds[i], CHILD_FD + i);
	return r;
}

/* A session of its own: whoever's terminal we run on, it lives on. Signals as a program expects them, but for SIGXFSZ,
 * which would end it when its log is full: ignored, the write just fails. */
static int attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigdelset(&all, SIGXFSZ);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return r;
}

static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "XEN_QEMU_CONSOLE_LIMIT=1048576", NULL };

static int spawn_in_root(struct uvpi_qemu *qemu, struct uvp_error *err)
{
	char at[160], log[160];
	struct uvpi_root_spawn what = { .program = qemu->program, .at = at, .log = log, .args = qemu->args,
					.environment = environment, .fds = qemu->fds, .n_fds = qemu->n_fds,
					.to = CHILD_FD };

	snprintf(at, sizeof(at), "%s/root", qemu->dir);
	snprintf(log, sizeof(log), "%s/log", qemu->dir);
	return uvpi_root_spawn(qemu->root, &what, &qemu->pid, err);
}

static int spawn_plain(struct uvpi_qemu *qemu, struct uvp_error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return uvpi_no_memory(err);
	r = posix_spawnattr_init(&attr);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return uvpi_no_memory(err);
	}
	r = file_actions(qemu, &actions);
	if (!r)
		r = attributes(&attr);
	if (r)
		r = uvpi_no_memory(err);
	else if (qemu->apart)
		r = uvpi_spawn_apart(qemu->program, &actions, &attr, qemu->args, environment, qemu->network, &qemu->pid,
				     err);
	else if ((r = posix_spawn(&qemu->pid, qemu->program, &actions, &attr, qemu->args, environment)) != 0)
		r = uvpi_fail_errno(err, r, "cannot start '%s'", qemu->program);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int spawn(struct uvpi_qemu *qemu, struct uvp_error *err)
{
	struct rlimit limit = { UVPI_QEMU_LOG_MAX, UVPI_QEMU_LOG_MAX };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	int r;

	sigaction(SIGXFSZ, &ignore, &before);
	r = qemu->root ? spawn_in_root(qemu, err) : spawn_plain(qemu, err);
	sigaction(SIGXFSZ, &before, NULL);
	if (r < 0) {
		qemu->pid = -1;
		return r;
	}
	if (qemu->small_files)
		prlimit(qemu->pid, RLIMIT_FSIZE, &limit, NULL);
	limit = (struct rlimit){ 0, 0 };
	prlimit(qemu->pid, RLIMIT_CORE, &limit, NULL);
	return 0;
}

/* For those who look after it. Whoever watches the folders is told by the change of mode, which is none. */
static int note_pid(const struct uvpi_qemu *qemu, struct uvp_error *err)
{
	char path[160], text[16];
	_cleanup_close_ int fd = -1;
	int len = snprintf(text, sizeof(text), "%d\n", (int)qemu->pid);

	snprintf(path, sizeof(path), "%s/pid", qemu->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)len) != len || chmod(qemu->dir, 0700) < 0)
		return uvpi_fail_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

/* Wait a moment for one that hung up; a status that says "killed by us" for one that did not end by itself. */
static int collect(pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { fd, POLLIN, 0 };
	int status = 0;

	if (fd < 0 || poll(&p, 1, 5000) <= 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return status;
}

/* It did not get ready: end it, and say why if it said so. */
static int fail_start(struct uvpi_qemu *qemu, const struct uvp_error *why, struct uvp_error *err)
{
	char words[330];
	int status;

	/* Nobody listens, or hung up: it has ended, or is about to. */
	if (why->code == UVP_E_IO || why->code == UVP_E_NOT_FOUND) {
		status = collect(qemu->pid);
		uvpi_qemu_last_words(qemu->dir, words, sizeof(words));
		uvpi_fail(err, UVP_E_IO, 0, "%.150s ended %s %d before it was ready%s%s", qemu->who,
			  WIFSIGNALED(status) ? "by signal" : "with status",
			  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), *words ? ": " : "", words);
		qemu->pid = -1;
		return -UVP_E_IO;
	}
	kill(qemu->pid, SIGKILL);
	waitpid(qemu->pid, NULL, 0);
	qemu->pid = -1;
	if (err) {
		*err = *why;
		uvpi_prefix(err, "%.150s is not ready", qemu->who);
	}
	return -why->code;
}

static int connect_to(struct uvpi_qemu *qemu, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_op with_deadline = UVP_OP_INIT;
	char path[160];

	if (op)
		with_deadline = *op;
	with_deadline.deadline_ms = uvpi_op_deadline(op, UVPI_QEMU_READY_MS);
	snprintf(path, sizeof(path), "%s/qmp", qemu->dir);
	return uvp_qmp_open(path, &with_deadline, &qemu->qmp, err);
}

static int start(struct uvpi_qemu *qemu, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_close_ int listener = listen_at(qemu->dir, err);
	struct uvp_error why = UVP_ERROR_INIT;
	int number, r;

	if (listener < 0)
		return listener;
	number = uvpi_qemu_pass(qemu, listener, err);
	if (number < 0)
		return number;
	uvpi_qemu_arg(qemu, "-chardev");
	uvpi_qemu_argf(qemu, "socket,id=uvp-qmp,fd=%d,server=on,wait=off", number);
	uvpi_qemu_arg(qemu, "-mon");
	uvpi_qemu_arg(qemu, "chardev=uvp-qmp,mode=control");
	if (qemu->no_memory)
		return uvpi_no_memory(err);
	UVPI_STEP("qemu folder");
	r = spawn(qemu, err);
	/* Only QEMU has them now: when it ends, nobody listens any more. */
	close(uvpi_steal_fd(&listener));
	while (qemu->n_fds)
		close(qemu->fds[--qemu->n_fds]);
	if (r < 0)
		return r;
	UVPI_STEP("qemu started");
	r = note_pid(qemu, err);
	if (r < 0)
		return r;
	r = connect_to(qemu, op, &why);
	if (r < 0)
		return fail_start(qemu, &why, err);
	UVPI_STEP("qemu ready");
	return 0;
}

int uvpi_qemu_start(struct uvpi_qemu *qemu, const struct uvp_op *op, struct uvp_error *err)
{
	const char *domid = strrchr(qemu->dir, '/') + 1;
	uint32_t id = 0;
	int r;

	/* A domain that had this id before may have been removed by another tool. */
	if (uvpi_parse_u32(domid, "domain", 0, UINT32_MAX, &id, err) == 0 && access(qemu->dir, F_OK) == 0)
		uvpi_qemu_end(id, NULL, uvpi_now_ms() + 5000);
	r = make_dir(qemu, err);
	if (r == 0)
		r = uvpi_qemu_make_sockets(qemu, err);
	if (r == 0)
		r = start(qemu, op, err);
	if (r < 0)
		uvpi_qemu_end(id, NULL, uvpi_now_ms() + 5000);
	return r;
}
