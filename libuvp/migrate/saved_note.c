/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The note beside a file that was handed over, for other hosts that reach the same storage; leaving.h is this one's. It is written
 * before the other host hears of it, and outlives this one. */
#include "migrate/saved_note.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "define/store.h"
#include "migrate/leaving.h"
#include "migrate/saved.h"

static int note_path(const char *path, char ret_path[PATH_MAX], struct uvp_error *err)
{
	if (snprintf(ret_path, PATH_MAX, "%s" UVPI_SAVED_OUTGOING, path) >= PATH_MAX)
		return uvpi_fail_errno(err, ENAMETOOLONG, "cannot use '%.200s'", path);
	return 0;
}

int uvpi_saved_note(const char *path, const char *mark, const struct uvpi_handover *handover, struct uvp_error *err)
{
	char note[PATH_MAX], text[UVPI_MARK + UVPI_OUTGOING_TEXT];
	int len = snprintf(text, UVPI_MARK, "%s\n", mark), r = note_path(path, note, err);

	return r < 0 ? r : uvpi_def_write(note, text, (size_t)len + uvpi_handover_format(handover, text + len), err);
}

int uvpi_saved_noted(const char *path, int fd, struct uvpi_leaving *ret_leaving, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char note[PATH_MAX], is[UVPI_MARK], *lines;
	size_t size;
	int r = note_path(path, note, err), len = uvpi_leaving_mark(fd, is, err);

	if (r < 0 || len < 0)
		return r < 0 ? r : len;
	if (access(note, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = uvpi_def_read(note, UVPI_MARK + UVPI_OUTGOING_TEXT - 1, &text, &size, err);
	if (r < 0)
		return r;
	lines = strlen(text) == size ? strchr(text, '\n') : NULL;
	if (lines && lines - text < UVPI_MARK && uvpi_handover_parse(lines + 1, &ret_leaving->handover)) {
		*lines = '\0';
		ret_leaving->state = UVPI_LEAVING_ASKED;
		snprintf(ret_leaving->mark, sizeof(ret_leaving->mark), "%s", text);
		snprintf(ret_leaving->path, sizeof(ret_leaving->path), "%s", path);
		return uvpi_leaving_same(text, is);
	}
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%.250s' does not say where to the domain was handed over", note);
}

int uvpi_saved_take_back(const char *path, struct uvp_error *err)
{
	char note[PATH_MAX];
	int r = note_path(path, note, err);

	if (r < 0)
		return r;
	if (unlink(note) < 0) /* its folder may have been, too */
		return errno == ENOENT ? 0 : uvpi_fail_errno(err, errno, "cannot remove '%.250s'", note);
	*strrchr(note, '/') = '\0';
	return uvpi_def_sync(*note ? note : "/", err);
}

int uvpi_saved_remove(const char *path, int fd, const char *mark, struct uvp_error *err)
{
	struct stat ours, there;
	char folder[PATH_MAX], is[UVPI_MARK];
	bool is_there;

	if (uvpi_leaving_mark(fd, is, err) < 0 || fstat(fd, &ours) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at '%.250s'", path);
	is_there = stat(path, &there) == 0;
	if (!is_there && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot look for '%.250s'", path);
	if (!ours.st_nlink)
		return 0;
	if (!is_there || strcmp(is, mark) || ours.st_ino != there.st_ino || ours.st_dev != there.st_dev)
		return 1;
	if (unlink(path) < 0 && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot remove '%.250s'", path);
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	return uvpi_def_sync(*folder ? folder : "/", err);
}

/* NFS makes an exclusive lock of a file that is open for writing only. */
static int open_locked(const char *path, int how, int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, (how == LOCK_EX ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY);
	struct stat ours, there;
	int r;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.200s'", path);
	while ((r = flock(fd, how | LOCK_NB)) < 0 && errno == EINTR)
		;
	if (r < 0 && errno == EWOULDBLOCK)
		return uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is being %s by somebody else", path,
				 how == LOCK_SH ? "moved to another host" : "restored, written over or moved");
	if (r < 0) {
		r = uvpi_fail_errno(err, errno, "cannot lock '%.200s', so that nobody else moves it meanwhile", path);
		uvpi_hint(err, "copy it to a file system that has locks");
		return r;
	}
	/* Whoever had the lock before may have removed it just now. */
	if (fstat(fd, &ours) < 0 || stat(path, &there) < 0 || ours.st_ino != there.st_ino || ours.st_dev != there.st_dev)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%.200s' was removed or replaced just now", path);
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

int uvpi_saved_open_to_move(const char *path, int *ret_fd, struct uvp_error *err)
{
	return open_locked(path, LOCK_EX, ret_fd, err);
}

/* By whatever name. */
static int check_leaving(int fd, struct uvp_error *err)
{
	struct uvpi_leaving *leaving = malloc(sizeof(*leaving));
	char mark[UVPI_MARK];
	uint8_t uuid[16];
	int r = leaving ? uvpi_leaving_mark(fd, mark, err) : uvpi_no_memory(err);

	if (r >= 0)
		r = uvpi_leaving_find(NULL, mark, uuid, leaving, err);
	if (r > 0)
		r = uvpi_leaving_fail(leaving, err);
	free(leaving);
	return r;
}

int uvpi_saved_open(const char *path, int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct uvpi_leaving leaving;
	char full[PATH_MAX];
	int r = open_locked(path, LOCK_SH, &fd, err);

	if (r == 0)
		r = uvpi_saved_noted(realpath(path, full) ? full : path, fd, &leaving, err);
	if (r > 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' was handed over to host '%s', and the domain in it may run there", path,
			      leaving.handover.host);
		uvpi_hint(err, "'xlx migrate --settle %.150s' asks there, and removes the file or lets it be restored here", path);
	}
	if (r == 0)
		r = check_leaving(fd, err);
	if (r == 0)
		*ret_fd = uvpi_steal_fd(&fd);
	return r;
}
