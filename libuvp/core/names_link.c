/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One entry of the folder of names: its place, its text, and the process that it may speak of. */
#include "core/names_link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/names.h"
#include "core/num.h"

/* ---- places ---- */

const char *uvpi_run_dir(void)
{
	const char *dir = getenv("UVP_RUN_DIR");

	return dir && *dir ? dir : "/run/uvp";
}

int uvpi_run_path(char *path, size_t size, const char *below)
{
	int len = snprintf(path, size, "%s%s%s", uvpi_run_dir(), *below ? "/" : "", below);

	if (len < 0 || (size_t)len >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int uvpi_entry_path(char path[PATH_MAX], const char *name)
{
	char below[UVPI_NAME_MAX + 16];

	snprintf(below, sizeof(below), "names/%s", name);
	return uvpi_run_path(path, PATH_MAX, below);
}

void uvpi_entry_make_folders(void)
{
	static const char *const folders[] = { "", "names" };
	char path[PATH_MAX];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(folders); i++)
		if (uvpi_run_path(path, sizeof(path), folders[i]) == 0)
			mkdir(path, 0755);
}

int uvpi_entry_lock(void)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (uvpi_run_path(path, sizeof(path), "names.lock") < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	return uvpi_steal_fd(&fd);
}

/* ---- processes ---- */

/* When a process started, in clock ticks since boot: with the pid, it names a process for good. 0: no such process,
 * or one that has ended and that its parent has not waited for. */
static uint64_t read_start_time(int64_t pid)
{
	_cleanup_close_ int fd = -1;
	char path[48], stat[1024], *p;
	uint64_t start = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, stat, sizeof(stat) - 1);
	if (len <= 0)
		return 0;
	stat[len] = '\0';
	p = strrchr(stat, ')'); /* the program's name may hold anything */
	if (!p || strlen(p) < 3 || p[2] == 'Z' || p[2] == 'X')
		return 0;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return 0;
	p[1 + strcspn(p + 1, " ")] = '\0';
	uvpi_parse_u64(p + 1, "start", 0, UINT64_MAX, &start, NULL);
	return start;
}

/* Our own does not change, and each claim needs it several times. */
static uint64_t start_time(int64_t pid)
{
	static int64_t own_pid;
	static uint64_t own_start;

	if (pid != getpid())
		return read_start_time(pid);
	if (own_pid != pid) {
		own_start = read_start_time(pid);
		own_pid = pid;
	}
	return own_start;
}

static bool is_alive(int64_t pid, uint64_t start)
{
	return pid > 0 && start && start_time(pid) == start;
}

/* ---- links ---- */

void uvpi_entry_format(char *text, size_t size, const uint8_t uuid[16], int64_t domid, int64_t pid)
{
	char uuid_text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, uuid_text);
	snprintf(text, size, "%s %" PRId64 " %" PRId64 " %" PRIu64, uuid_text, domid, pid, pid ? start_time(pid) : 0);
}

/* Cut text into exactly n words, one blank between each two: sscanf() would be a large part of what a short command loads. */
static bool cut(char *text, char **words, int n)
{
	for (int i = 0; i < n; i++) {
		words[i] = text;
		text = strchrnul(text, ' ');
		if (!*words[i] || (*text == ' ') != (i + 1 < n))
			return false;
		if (i + 1 < n)
			*text++ = '\0';
	}
	return true;
}

static void parse_link(struct uvpi_link *link)
{
	char text[sizeof(link->text)], *words[4];
	uint64_t started;

	link->kind = UVPI_LINK_BROKEN;
	link->domid = -1;
	link->pid = 0;
	if (!strcmp(link->text, UVPI_LINK_TEXT_SEVERAL)) {
		link->kind = UVPI_LINK_SEVERAL;
		return;
	}
	snprintf(text, sizeof(text), "%s", link->text);
	if (!cut(text, words, 4) || uvpi_parse_uuid(words[0], link->uuid, NULL) < 0 ||
	    uvpi_parse_i64(words[1], "domid", -1, INT32_MAX, &link->domid, NULL) < 0 ||
	    uvpi_parse_i64(words[2], "pid", 0, INT32_MAX, &link->pid, NULL) < 0 ||
	    uvpi_parse_u64(words[3], "start", 0, UINT64_MAX, &started, NULL) < 0)
		return;
	if (link->pid && is_alive(link->pid, started)) {
		link->kind = UVPI_LINK_CLAIM;
		return;
	}
	/* Who died while renaming left a domain behind that is complete. */
	link->kind = link->pid && link->domid < 0 ? UVPI_LINK_ABANDONED : UVPI_LINK_SETTLED;
	link->pid = 0;
}

int uvpi_entry_read(const char *path, struct uvpi_link *ret_link)
{
	ssize_t len = readlink(path, ret_link->text, sizeof(ret_link->text) - 1);

	if (len < 0 && errno == ENOENT)
		return 0;
	if (len < 0 && errno != EINVAL)
		return -1;
	ret_link->text[len < 0 ? 0 : len] = '\0'; /* EINVAL: something that is no link */
	parse_link(ret_link);
	return 1;
}

/* Put a link in the place of what is there, in one step. Under the lock only. */
static int replace_link(const char *path, const char *text)
{
	char temp[PATH_MAX];

	if (uvpi_entry_path(temp, UVPI_LINK_TEMPORARY) < 0)
		return -1;
	unlink(temp); /* of somebody who was killed here */
	if (symlink(text, temp) < 0)
		return -1;
	if (rename(temp, path) < 0) {
		int saved = errno;

		unlink(temp);
		errno = saved;
		return -1;
	}
	return 0;
}

int uvpi_entry_change(const char *path, const char *expected, const char *text)
{
	_cleanup_close_ int lock = uvpi_entry_lock();
	struct uvpi_link now;
	int r;

	if (lock < 0)
		return -1;
	r = uvpi_entry_read(path, &now);
	if (r < 0)
		return -1;
	if (!r || strcmp(now.text, expected))
		return 0;
	r = text ? replace_link(path, text) : unlink(path);
	return r < 0 ? -1 : 1;
}
