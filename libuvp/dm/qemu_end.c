/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending a QEMU that this or another process started, also when that did not live to note its process id. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/names.h"
#include "core/num.h"
#include "dm/qemu.h"
#include "dm/sockets.h"

/* Whose ids the kernel cannot use again meanwhile is told by a descriptor, so look after opening that. */
static bool is_qemu_of(pid_t pid, uint32_t domid)
{
	char path[64], text[8192], id[16];
	_cleanup_close_ int fd = -1;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return false;
	text[len] = '\0';
	snprintf(id, sizeof(id), "%" PRIu32, domid);
	for (const char *p = text; p < text + len; p += strlen(p) + 1)
		if (!strcmp(p, "-xen-domid") && p + 11 < text + len)
			return !strcmp(p + 11, id);
	return false;
}

/* A descriptor of the process, which names it for good; -1 when it is not the domain's QEMU. */
static int open_qemu(uint32_t pid, uint32_t domid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	return fd >= 0 && is_qemu_of((pid_t)pid, domid) ? uvpi_steal_fd(&fd) : -1;
}

static int find_qemu(uint32_t domid, uint32_t *ret_pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		uint32_t pid = 0;

		if (isdigit((unsigned char)entry->d_name[0]) &&
		    uvpi_parse_u32(entry->d_name, "pid", 2, INT32_MAX, &pid, NULL) == 0 && is_qemu_of((pid_t)pid, domid))
			fd = open_qemu(pid, domid);
		*ret_pid = pid;
	}
	if (dir)
		closedir(dir);
	return fd;
}

static void end_process(int fd, int64_t deadline_ms)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t left = deadline_ms - uvpi_now_ms();

		syscall(SYS_pidfd_send_signal, fd, attempt ? SIGKILL : SIGHUP, NULL, 0);
		if (poll(&p, 1, left < 0 ? 0 : left > 5000 ? 5000 : (int)left) > 0)
			return;
	}
}

static void remove_dir(const char *dir)
{
	static const char *const names[] = { "qmp", "log", "bounded", "nbd", "tag", "pid", "nvram" };
	char path[160];

	uvpi_qemu_remove_sockets(dir);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/root", dir);
	rmdir(path);
	if (rmdir(dir) < 0 && errno != ENOENT)
		uvpi_debug("cannot remove '%s': %s", dir, strerror(errno));
}

void uvpi_qemu_end(uint32_t domid, const char *pid_text, int64_t deadline_ms)
{
	_cleanup_close_ int fd = -1;
	char dir[128];
	bool ours = access(uvpi_qemu_dir(domid, dir, sizeof(dir)), F_OK) == 0;
	uint32_t pid;

	if (pid_text && uvpi_parse_u32(pid_text, "pid", 2, INT32_MAX, &pid, NULL) == 0)
		fd = open_qemu(pid, domid);
	if (fd < 0 && ours)
		fd = find_qemu(domid, &pid);
	if (fd >= 0)
		end_process(fd, deadline_ms);
	if (ours)
		remove_dir(dir);
}

void uvpi_qemu_bound_files(uint32_t domid, bool bound)
{
	rlim_t most = bound ? UVPI_QEMU_LOG_MAX : UVPI_QEMU_FILE_MAX;
	struct rlimit limit = { most, most }, now;
	_cleanup_close_ int fd = -1;
	char path[160];
	uint32_t pid = 0;

	/* Whose id it is cannot change while a descriptor of it is open and it lives. */
	fd = find_qemu(domid, &pid);
	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "%.120s/bounded", uvpi_qemu_dir(domid, (char[128]){ 0 }, 128));
	if (access(path, F_OK) < 0)
		return;
	if (prlimit((pid_t)pid, RLIMIT_FSIZE, &limit, &now) < 0)
		uvpi_debug("cannot bound the files of process %" PRIu32 ": %s", pid, strerror(errno));
}

/* What its folder says, or 0. */
static uint32_t noted_pid(uint32_t domid)
{
	_cleanup_close_ int fd = -1;
	char dir[128], path[160], text[16];
	uint32_t pid = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/pid", uvpi_qemu_dir(domid, dir, sizeof(dir)));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 1)
		return 0;
	text[n - 1] = '\0';
	return uvpi_parse_u32(text, "pid", 2, INT32_MAX, &pid, NULL) == 0 ? pid : 0;
}

bool uvpi_qemu_any(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%.100s/qemu", uvpi_run_dir());
	return stat(path, &st) == 0 && st.st_nlink > 2; /* each folder in it is a link */
}

int uvpi_qemu_open(uint32_t domid)
{
	uint32_t pid = noted_pid(domid);

	return pid ? open_qemu(pid, domid) : -1;
}

int uvpi_qemu_runs(uint32_t domid, const char *pid_text)
{
	_cleanup_close_ int fd = -1;
	char dir[128];
	struct pollfd p = { -1, POLLIN, 0 };
	uint32_t pid = pid_text ? 0 : noted_pid(domid);

	if (pid) {
		p.fd = fd = open_qemu(pid, domid);
		return fd >= 0 && poll(&p, 1, 0) == 0;
	}
	if (!pid_text || uvpi_parse_u32(pid_text, "pid", 2, INT32_MAX, &pid, NULL) < 0)
		return access(uvpi_qemu_dir(domid, dir, sizeof(dir)), F_OK) == 0 ? 0 : -1;
	fd = open_qemu(pid, domid);
	p.fd = fd;
	return fd >= 0 && poll(&p, 1, 0) == 0;
}
