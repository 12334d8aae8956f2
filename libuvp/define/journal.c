/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a clone is about to make, written down before it makes it. An image is filled under a name that tells the
 * clone's UUID, and gets its own name as a second link to the same file: so it is certain whose file that is. As long as the
 * clone works it holds a lock on its journal. */
#include "define/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

int uvpi_journal_next(const char *text, size_t len, size_t *at, char path[PATH_MAX])
{
	const char *line = text + *at, *end = memchr(line, '\n', len - *at);
	size_t size = end ? (size_t)(end - line) : 0;

	/* A line that is torn off was never acted upon. */
	if (!end || size >= PATH_MAX || *line != '/' || memchr(line, '\0', size))
		return 0;
	memcpy(path, line, size);
	path[size] = '\0';
	*at += size + 1;
	return 1;
}

int uvpi_journal_temporary(const char *path, const char *uuid, int index, char temporary[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int len = snprintf(temporary, PATH_MAX, "%.*s/.uvp-clone-%s-%d", (int)(slash - path), path, uuid, index);

	if (len < 0 || len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static void recover_image(const char *path, const char *uuid, int index, bool defined)
{
	struct stat last, temporary;
	char name[PATH_MAX];

	if (uvpi_journal_temporary(path, uuid, index, name) < 0 || lstat(name, &temporary) < 0)
		return;
	if (!defined && lstat(path, &last) == 0 && last.st_ino == temporary.st_ino && last.st_dev == temporary.st_dev)
		unlink(path);
	unlink(name);
}

static void recover(const char *file, const char *uuid_text)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0, at = 0;
	uint8_t uuid[16];

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || uvpi_parse_uuid(uuid_text, uuid, NULL) < 0)
		return;
	if (uvpi_def_read(file, UVPI_JOURNAL_BYTES, &text, &len, NULL) < 0)
		return;
	for (int i = 0; uvpi_journal_next(text, len, &at, path); i++)
		recover_image(path, uuid_text, i, uvpi_def_exists(uuid));
	unlink(file);
}

void uvpi_journal_recover(void)
{
	char path[PATH_MAX], file[PATH_MAX + 256];
	struct dirent *entry;
	DIR *dir;

	uvpi_def_path(path, "/clones");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (uvpi_is_uuid(entry->d_name))
			recover(file, entry->d_name);
		else if (entry->d_name[0] != '.')
			unlink(file); /* of somebody who was killed while writing it */
	}
	if (dir)
		closedir(dir);
}
