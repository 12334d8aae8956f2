/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The note beside a file that was handed over. It is written before the other host hears of it, and outlives this one. */
#include "migrate/saved_note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "migrate/saved.h"

#define MARK 80

static int note_path(const char *path, char ret_path[PATH_MAX], struct uvp_error *err)
{
	if (snprintf(ret_path, PATH_MAX, "%s" UVPI_SAVED_OUTGOING, path) >= PATH_MAX)
		return uvpi_fail_errno(err, ENAMETOOLONG, "cannot use '%.200s'", path);
	return 0;
}

/* Which file it is about: one that was written over it since is another one. */
static int mark(int fd, char ret_mark[MARK], struct uvp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at it");
	return snprintf(ret_mark, MARK, "%ju %jd %jd.%09ld\n", (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			st.st_mtim.tv_nsec);
}

int uvpi_saved_note(const char *path, int fd, const struct uvpi_handover *handover, struct uvp_error *err)
{
	char note[PATH_MAX], text[MARK + UVPI_OUTGOING_TEXT];
	int len = mark(fd, text, err), r = len < 0 ? len : note_path(path, note, err);

	if (r < 0)
		return r;
	return uvpi_def_write(note, text, (size_t)len + uvpi_handover_format(handover, text + len), err);
}

int uvpi_saved_noted(const char *path, int fd, struct uvpi_handover *ret_handover, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char note[PATH_MAX], is[MARK];
	size_t size;
	int r = note_path(path, note, err), len = mark(fd, is, err);

	if (r < 0 || len < 0)
		return r < 0 ? r : len;
	if (access(note, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = uvpi_def_read(note, MARK + UVPI_OUTGOING_TEXT - 1, &text, &size, err);
	if (r < 0)
		return r;
	if (!strncmp(text, is, (size_t)len) && uvpi_handover_parse(text + len, ret_handover))
		return 1;
	if (strchr(text, '\n') && strncmp(text, is, (size_t)len) && strlen(text) == size)
		return 0;
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%.250s' does not say where to the domain was handed over", note);
}

int uvpi_saved_take_back(const char *path, struct uvp_error *err)
{
	char note[PATH_MAX];
	int r = note_path(path, note, err);

	if (r == 0 && unlink(note) < 0 && errno != ENOENT)
		r = uvpi_fail_errno(err, errno, "cannot remove '%.250s'", note);
	if (r < 0)
		return r;
	*strrchr(note, '/') = '\0';
	return uvpi_def_sync(*note ? note : "/", err);
}

int uvpi_saved_remove(const char *path, struct uvp_error *err)
{
	/* the file first: without the note it could be restored */
	if (unlink(path) < 0 && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot remove '%.250s'", path);
	return uvpi_saved_take_back(path, err);
}

static int open_locked(const char *path, int how, int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.200s'", path);
	/* a file system without locks has no two who use it at once */
	if (flock(fd, how | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is being %s by somebody else", path,
				 how == LOCK_SH ? "moved to another host" : "restored or moved");
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

int uvpi_saved_open_to_move(const char *path, int *ret_fd, struct uvp_error *err)
{
	return open_locked(path, LOCK_EX, ret_fd, err);
}

int uvpi_saved_open(const char *path, int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct uvpi_handover handover;
	int r = open_locked(path, LOCK_SH, &fd, err);

	if (r == 0)
		r = uvpi_saved_noted(path, fd, &handover, err);
	if (r > 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' was handed over to host '%s', and the domain in it may run there", path,
			      handover.host);
		uvpi_hint(err, "'xlx migrate --settle %.150s' asks there, and removes the file or lets it be restored here", path);
	}
	if (r == 0)
		*ret_fd = uvpi_steal_fd(&fd);
	return r;
}
