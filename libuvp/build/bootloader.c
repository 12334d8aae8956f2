/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "build/bootloader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "device/loop.h"

#define DEADLINE_MS 120000
/* Where nobody hands out user ids, behind those of device models. */
#define UID_BASE 0x70100000u
#define ARGS_MAX 64

/* ---- what it says ---- */

/* "DIR/NAME" or "NAME": a plain name in the end. */
static bool take_name(const char *path, const char *out, char ret_name[256])
{
	size_t len = strlen(out);

	if (!strncmp(path, out, len) && path[len] == '/')
		path += len + strspn(path + len, "/");
	if (!*path || *path == '.' || strchr(path, '/') || strlen(path) >= 256)
		return false;
	memcpy(ret_name, path, strlen(path) + 1);
	return true;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int take_entry(const char *entry, const char *out, struct uvpi_loader_result *result, struct uvp_error *err)
{
	bool good = true;

	if (!strncmp(entry, "kernel ", 7))
		good = !*result->kernel && take_name(entry + 7, out, result->kernel);
	else if (!strncmp(entry, "ramdisk ", 8))
		good = !*result->ramdisk && take_name(entry + 8, out, result->ramdisk);
	else if (!strncmp(entry, "args ", 5))
		good = strlen(entry + 5) < sizeof(result->args) && is_printable(entry + 5) &&
		       snprintf(result->args, sizeof(result->args), "%s", entry + 5) >= 0;
	else if (*entry)
		good = false;
	return good ? 0 : uvpi_fail(err, UVP_E_PROTOCOL, 0, "the boot loader says what is not understood");
}

int uvpi_loader_decode(const char *text, size_t len, const char *out, struct uvpi_loader_result *ret_result,
		       struct uvp_error *err)
{
	struct uvpi_loader_result result = { .kernel = "" };
	size_t at = 0;
	int r = 0;

	if (len > UVPI_LOADER_RESULT_MAX || (len && text[len - 1]))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the boot loader says too much, or ends in the middle of a word");
	while (at < len && r == 0) {
		r = take_entry(text + at, out, &result, err);
		at += strlen(text + at) + 1;
	}
	if (r == 0 && !*result.kernel)
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "the boot loader found no kernel");
	if (r == 0)
		*ret_result = result;
	return r;
}

/* ---- its folder ---- */

static void remove_files(const char *dir)
{
	char path[512];
	DIR *list = opendir(dir);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%.200s/%.255s", dir, entry->d_name);
		if (unlink(path) < 0)
			rmdir(path);
	}
	if (list)
		closedir(list);
}

static void remove_folder(const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%.200s/out", dir);
	remove_files(path);
	remove_files(dir);
	rmdir(dir);
}

static int lock_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void uvpi_loader_sweep(void)
{
	char path[512];
	DIR *list;
	struct dirent *entry;

	snprintf(path, sizeof(path), "%.80s/loader", uvpi_run_dir());
	list = opendir(path);
	while (list && (entry = readdir(list))) {
		_cleanup_close_ int fd = -1;
		unsigned int id;

		if (sscanf(entry->d_name, "%u-", &id) != 1)
			continue;
		snprintf(path, sizeof(path), "%.80s/loader/%.200s", uvpi_run_dir(), entry->d_name);
		fd = lock_folder(path);
		if (fd < 0)
			continue;
		uvpi_confine_end(id);
		remove_folder(path);
	}
	if (list)
		closedir(list);
}

static int make_folder(struct uvpi_loader_run *run, uint32_t id, struct uvp_error *err)
{
	static const char *const parts[] = { "dev", "out" };
	char path[256];
	int fd;

	snprintf(run->dir, sizeof(run->dir), "%.80s/loader", uvpi_run_dir());
	mkdir(uvpi_run_dir(), 0755);
	mkdir(run->dir, 0711);
	snprintf(run->dir, sizeof(run->dir), "%.80s/loader/%" PRIu32 "-%" PRId64, uvpi_run_dir(), id, uvpi_now_ms());
	if (mkdir(run->dir, 0711) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the folder '%s'", run->dir);
	run->lock = lock_folder(run->dir);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "%s/%s", run->dir, parts[i]);
		if (mkdir(path, 0700) < 0 || (i && chown(path, id, id) < 0))
			return uvpi_fail_errno(err, errno, "cannot make the folder '%s'", path);
	}
	snprintf(path, sizeof(path), "%s/result", run->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fchown(fd, id, id) < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", path);
	close(fd);
	UVPI_STEP("loader folder");
	return 0;
}

void uvpi_loader_done(struct uvpi_loader_run *run)
{
	if (*run->dir)
		remove_folder(run->dir);
	if (run->lock >= 0)
		close(run->lock);
	*run = (struct uvpi_loader_run){ .lock = -1 };
}

/* ---- running it ---- */

/* The disk as a block device that nobody can write through: *ret_fd keeps a loop device. */
static int open_disk(const struct uvpi_disk *disk, dev_t *ret_rdev, int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	char name[32];

	if (!disk->target)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "it is an empty drive");
	if (!uvpi_backend_is_here(disk->backend)) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its back end is in domain '%.80s', and a boot loader in the host cannot read it", disk->backend);
		uvpi_hint(err, "use one that runs in the guest (pvgrub), or kernel=");
		return -UVP_E_UNSUPPORTED;
	}
	if (disk->format != UVPI_DISK_RAW)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "a boot loader in the host reads raw images and block devices only");
	fd = open(disk->target, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", disk->target);
	if (S_ISREG(st.st_mode))
		return uvpi_loop_attach(fd, disk->target, true, ret_fd, name, sizeof(name), ret_rdev, err);
	if (!S_ISBLK(st.st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is neither a file nor a block device", disk->target);
	*ret_rdev = st.st_rdev;
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

static void run_child(const struct uvpi_loader_run *run, uint32_t id, dev_t rdev, int out, char *const *argv)
	__attribute__((noreturn));
static void run_child(const struct uvpi_loader_run *run, uint32_t id, dev_t rdev, int out, char *const *argv)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "TERM=dumb", "PYTHONDONTWRITEBYTECODE=1", NULL };
	char path[200];
	sigset_t none;
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	snprintf(path, sizeof(path), "%s/dev", run->dir);
	if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	syscall(SYS_close_range, 3, ~0U, 0);
	if (!uvpi_confine(id, path, rdev) || chdir("/") < 0)
		_exit(126);
	execve(argv[0], argv, environment);
	_exit(127);
}

/* The end of what it prints, on one line. */
static bool read_words(int fd, char *words, size_t size)
{
	char buf[512];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t used = strlen(words);

	for (ssize_t i = 0; i < n; i++) {
		if (used == size - 1) {
			memmove(words, words + size / 2, used - size / 2);
			used -= size / 2;
		}
		words[used++] = (unsigned char)buf[i] < ' ' || (unsigned char)buf[i] > '~' ? ' ' : buf[i];
	}
	words[used] = '\0';
	return n > 0;
}

/* Exit status; 128 and more: a signal. */
static int wait_child(pid_t pid, uint32_t id, int out, const struct uvp_op *op, char *words, size_t size, struct uvp_error *err)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int64_t deadline = uvpi_op_deadline(op, DEADLINE_MS);
	int status = 0, r = 0;

	for (bool over = pidfd < 0; !over && r == 0;) {
		struct pollfd p[] = { { pidfd, POLLIN, 0 }, { uvpi_op_cancel_fd(op), POLLIN, 0 }, { out, POLLIN, 0 } };
		int64_t left = deadline - uvpi_now_ms();

		if (left <= 0)
			r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "the boot loader did not end in time; it was ended");
		else if (poll(p, 3, left > INT_MAX ? INT_MAX : (int)left) > 0) {
			if (p[2].revents && !read_words(out, words, size))
				out = -1;
			over = p[0].revents;
			if (p[1].revents)
				r = uvpi_fail(err, UVP_E_CANCELLED, 0, "the boot loader was ended, as you asked");
		}
	}
	kill(pid, SIGKILL);
	uvpi_confine_end(id);
	waitpid(pid, &status, 0);
	if (r < 0)
		return r;
	while (out >= 0 && read_words(out, words, size))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int read_result(struct uvpi_loader_run *run, struct uvp_error *err)
{
	char path[256], out[200], text[UVPI_LOADER_RESULT_MAX + 1];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(out, sizeof(out), "%s/out", run->dir);
	snprintf(path, sizeof(path), "%s/result", run->dir);
	/* It has ended: from here on nobody else can change what is there. */
	if (chown(out, 0, 0) < 0)
		return uvpi_fail_errno(err, errno, "cannot take '%s'", out);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (n < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
	return uvpi_loader_decode(text, (size_t)n, out, &run->result, err);
}

/* Files, and no links to somebody else's. */
static int check_file(const struct uvpi_loader_run *run, const char *name, struct uvp_error *err)
{
	char path[512];
	struct stat st;

	if (!*name)
		return 0;
	snprintf(path, sizeof(path), "%.150s/out/%.255s", run->dir, name);
	if (lstat(path, &st) < 0)
		return uvpi_fail_errno(err, errno, "the boot loader names '%.200s', which it has not made", name);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "what the boot loader made is no plain file: '%.200s'", name);
	return chown(path, 0, 0) < 0 ? uvpi_fail_errno(err, errno, "cannot take '%.200s'", path) : 0;
}

static int run_on(struct uvpi_loader_run *run, uint32_t id, dev_t rdev, char *const *argv, const struct uvp_op *op,
		  struct uvp_error *err)
{
	char words[300] = "";
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a pipe");
	pid = fork();
	if (!pid)
		run_child(run, id, rdev, ends[1], argv);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return uvpi_fail_errno(err, errno, "cannot start a process");
	}
	UVPI_STEP("loader started");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	status = wait_child(pid, id, ends[0], op, words, sizeof(words), err);
	close(ends[0]);
	if (status < 0)
		return status;
	if (status == 126)
		return uvpi_fail(err, UVP_E_DENIED, 0, "the boot loader cannot be confined as it must be, so that it was not started");
	if (status)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "the boot loader ended with status %d%s%.250s", status, *words ? ": " : "",
				 words);
	status = read_result(run, err);
	if (status == 0)
		status = check_file(run, run->result.kernel, err);
	return status < 0 ? status : check_file(run, run->result.ramdisk, err);
}

int uvpi_loader_run(const char *program, char *const *args, int n_args, const struct uvpi_disk *disk,
		    const struct uvp_op *op, struct uvpi_loader_run *ret_run, struct uvp_error *err)
{
	struct uvpi_loader_run run = { .lock = -1 };
	uint32_t id = UID_BASE + (uint32_t)getpid();
	char output[200], directory[200], device[200];
	char *argv[ARGS_MAX + 6] = { (char *)program, output, (char *)"--output-format=simple0", directory };
	_cleanup_close_ int fd = -1;
	dev_t rdev;
	int n = 4, r;

	if (n_args > ARGS_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "bootloader_args: more than %d", ARGS_MAX);
	uvpi_loader_sweep();
	r = make_folder(&run, id, err);
	if (r == 0)
		r = open_disk(disk, &rdev, &fd, err);
	snprintf(output, sizeof(output), "--output=%s/result", run.dir);
	snprintf(directory, sizeof(directory), "--output-directory=%s/out", run.dir);
	snprintf(device, sizeof(device), "%s/dev/disk", run.dir);
	for (int i = 0; i < n_args; i++)
		argv[n++] = args[i];
	argv[n] = device;
	if (r == 0)
		r = run_on(&run, id, rdev, argv, op, err);
	if (r < 0) {
		uvpi_prefix(err, "disk '%s'", disk->vdev);
		uvpi_loader_done(&run);
		return r;
	}
	*ret_run = run;
	return 0;
}
