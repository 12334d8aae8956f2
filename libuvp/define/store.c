/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the folder of definitions: bounded reading, replacing as a whole, the lock. */
#include "define/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/flock.h"
#include "core/num.h"
#include "core/step.h"

/* It is held for a few files' writing at a time. */
#define LOCK_MS 10000

const char *uvpi_state_dir(void)
{
	const char *dir = getenv("UVP_STATE_DIR");

	return dir && *dir ? dir : "/var/lib/uvp";
}

int uvpi_def_path(char path[PATH_MAX], const char *fmt, ...)
{
	int len = snprintf(path, PATH_MAX, "%s/domains", uvpi_state_dir()), more;
	va_list ap;

	va_start(ap, fmt);
	more = len < PATH_MAX ? vsnprintf(path + len, (size_t)(PATH_MAX - len), fmt, ap) : PATH_MAX;
	va_end(ap);
	if (more < 0 || len + more >= PATH_MAX) {
		path[0] = '\0'; /* no file has this name, should somebody go on */
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int uvpi_def_uuid_path(char path[PATH_MAX], const uint8_t uuid[16], const char *leaf)
{
	char text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, text);
	return uvpi_def_path(path, "/%s%s%s", text, leaf ? "/" : "", leaf ? leaf : "");
}

static int make_folder(const char *path, struct uvp_error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return uvpi_fail_errno(err, errno, "cannot make the folder '%.300s'", path);
}

static int make_folders(struct uvp_error *err)
{
	static const char *const folders[] = { "", "/names", "/clones" };
	char path[PATH_MAX];
	int r;

	mkdir(uvpi_state_dir(), 0755);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(folders); i++) {
		if (uvpi_def_path(path, "%s", folders[i]) < 0)
			return uvpi_fail_errno(err, errno, "cannot use the folder '%.200s'", uvpi_state_dir());
		r = make_folder(path, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Definitions that were about to be made or removed when somebody was killed: their folders' names are no UUIDs. */
static void clear_left(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	uvpi_def_path(path, "%s", "");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if ((!strncmp(entry->d_name, UVPI_DEF_REMOVED, strlen(UVPI_DEF_REMOVED)) ||
		     !strncmp(entry->d_name, UVPI_DEF_NEW, strlen(UVPI_DEF_NEW))) &&
		    uvpi_def_path(path, "/%s", entry->d_name) == 0)
			uvpi_def_remove_folder(path, "history");
	}
	if (dir)
		closedir(dir);
}

int uvpi_def_lock(int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r = make_folders(err);

	if (r < 0)
		return r;
	uvpi_def_path(path, "/lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", path);
	r = uvpi_flock_wait(fd, path, "the definitions of domains", uvpi_now_ms() + LOCK_MS, err);
	if (r < 0)
		return r;
	clear_left();
	uvpi_journal_recover();
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

int uvpi_def_sync(const char *folder, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Some file systems cannot do it for folders. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return uvpi_fail_errno(err, errno, "cannot write '%.300s' to disk", folder);
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, text + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return fsync(fd);
}

int uvpi_def_write(const char *path, const char *text, size_t len, struct uvp_error *err)
{
	char temporary[PATH_MAX + 8], folder[PATH_MAX];
	_cleanup_close_ int fd = -1;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%.300s'", temporary);
	UVPI_STEP("new file made");
	if (write_all(fd, text, len) < 0 || rename(temporary, path) < 0) {
		int r = uvpi_fail_errno(err, errno, "cannot write '%.300s', which is as it was before", path);

		unlink(temporary);
		return r;
	}
	UVPI_STEP("file replaced");
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	return uvpi_def_sync(folder, err);
}

int uvpi_def_read(const char *path, size_t max, char **ret_text, size_t *ret_len, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%.300s: not a file of at most %zu bytes", path, max);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return uvpi_no_memory(err);
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot read '%.300s'", path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret_text = uvpi_steal(&text);
	*ret_len = len;
	return 0;
}

static void remove_files(const char *path)
{
	char file[PATH_MAX + 256];
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir))) {
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		unlink(file); /* what is no file stays, and keeps its folder */
	}
	if (dir)
		closedir(dir);
}

void uvpi_def_remove_folder(const char *path, const char *below)
{
	char folder[PATH_MAX + 16];

	if (below) {
		snprintf(folder, sizeof(folder), "%s/%s", path, below);
		remove_files(folder);
		rmdir(folder);
	}
	remove_files(path);
	if (rmdir(path) < 0 && errno != ENOENT)
		uvpi_debug("cannot remove '%s': %s", path, strerror(errno));
}
