/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/leaving.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "define/store.h"
#include "stream/suspend.h"

#define TEXT (32 + UVPI_MARK + PATH_MAX + UVPI_OUTGOING_TEXT)

static const char *const words[] = { [UVPI_LEAVING_ASKED] = "asked",
				     [UVPI_LEAVING_THERE] = "there",
				     [UVPI_LEAVING_THERE_DEFINED] = "there-defined" };

int uvpi_leaving_mark(int fd, char ret_mark[UVPI_MARK], struct uvp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at it");
	return snprintf(ret_mark, UVPI_MARK, "%ju %jd %jd.%09ld", (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			st.st_mtim.tv_nsec);
}

bool uvpi_leaving_same(const char *mark, const char *other)
{
	size_t len = strcspn(mark, " ");

	return len == strcspn(other, " ") && !memcmp(mark, other, len);
}

static void folder_path(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/leaving", uvpi_state_dir());
}

static int note_path(const uint8_t uuid[16], char path[PATH_MAX], struct uvp_error *err)
{
	char text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, text);
	if (snprintf(path, PATH_MAX, "%s/leaving/%s", uvpi_state_dir(), text) >= PATH_MAX)
		return uvpi_fail_errno(err, ENAMETOOLONG, "cannot use '%.200s'", uvpi_state_dir());
	return 0;
}

int uvpi_leaving_note(const uint8_t uuid[16], const struct uvpi_leaving *leaving, struct uvp_error *err)
{
	char path[PATH_MAX], folder[PATH_MAX], text[TEXT];
	int len, r = note_path(uuid, path, err);

	if (r < 0)
		return r;
	if (strchr(leaving->path, '\n'))
		return uvpi_fail(err, UVP_E_INVALID, 0, "a line break in the name of its file cannot be noted");
	folder_path(folder);
	mkdir(uvpi_state_dir(), 0755);
	mkdir(folder, 0700);
	len = snprintf(text, sizeof(text), "%s %s\n%s\n", words[leaving->state], leaving->mark, leaving->path);
	return uvpi_def_write(path, text, (size_t)len + uvpi_handover_format(&leaving->handover, text + len), err);
}

static bool parse(char *text, struct uvpi_leaving *ret_leaving)
{
	char *path = strchr(text, '\n'), *lines = path ? strchr(path + 1, '\n') : NULL, *mark;

	if (!lines)
		return false;
	*path++ = *lines++ = '\0';
	mark = strchr(text, ' ');
	if (!mark || strlen(mark + 1) >= UVPI_MARK || *path != '/' || strlen(path) >= PATH_MAX)
		return false;
	*mark++ = '\0';
	snprintf(ret_leaving->mark, sizeof(ret_leaving->mark), "%s", mark);
	snprintf(ret_leaving->path, sizeof(ret_leaving->path), "%s", path);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i])) {
			ret_leaving->state = (enum uvpi_leaving_state)i;
			return uvpi_handover_parse(lines, &ret_leaving->handover);
		}
	return false;
}

int uvpi_leaving_noted(const uint8_t uuid[16], struct uvpi_leaving *ret_leaving, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len;
	int r = note_path(uuid, path, err);

	if (r < 0)
		return r;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = uvpi_def_read(path, TEXT, &text, &len, err);
	if (r < 0)
		return r;
	if (strlen(text) == len && parse(text, ret_leaving))
		return 1;
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%.250s' does not say where to the domain was handed over", path);
}

int uvpi_leaving_find(const char *path, const char *mark, uint8_t ret_uuid[16], struct uvpi_leaving *ret_leaving,
		      struct uvp_error *err)
{
	char folder[PATH_MAX];
	DIR *dir;
	int r = 0;

	folder_path(folder);
	dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? 0 : uvpi_fail_errno(err, errno, "cannot read '%.300s'", folder);
	for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
		if (uvpi_parse_uuid(entry->d_name, ret_uuid, NULL) < 0)
			continue;
		/* One that is damaged keeps its own domain from being made, and no other. */
		r = uvpi_leaving_noted(ret_uuid, ret_leaving, NULL);
		if (r <= 0 || ((!path || strcmp(path, ret_leaving->path)) && (!mark || strcmp(mark, ret_leaving->mark))))
			r = 0;
	}
	closedir(dir);
	return r;
}

int uvpi_leaving_forget(const uint8_t uuid[16], struct uvp_error *err)
{
	char path[PATH_MAX], folder[PATH_MAX];
	int r = note_path(uuid, path, err);

	if (r < 0)
		return r;
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : uvpi_fail_errno(err, errno, "cannot remove '%.250s'", path);
	folder_path(folder);
	return uvpi_def_sync(folder, err);
}

int uvpi_leaving_fail(const struct uvpi_leaving *leaving, struct uvp_error *err)
{
	bool there = leaving->state != UVPI_LEAVING_ASKED;

	uvpi_fail(err, UVP_E_BUSY, 0, "it was handed over to host '%s' out of its file '%.200s', and %s there", leaving->handover.host,
		  leaving->path, there ? "runs" : "may run");
	uvpi_hint(err, there ? "'xlx migrate --settle %.150s' removes what is left of it here" :
			       "'xlx migrate --settle %.120s' asks there, and removes the file or lets it be restored here", leaving->path);
	return -UVP_E_BUSY;
}

int uvpi_leaving_check(const uint8_t uuid[16], struct uvp_error *err)
{
	int pid = uvpi_saving_by(uuid, UVPI_SAVING_FILE), r;
	struct uvpi_leaving *leaving;

	if (pid)
		return uvpi_fail(err, UVP_E_BUSY, 0, "it is being moved out of its file to another host by process %d", pid);
	leaving = malloc(sizeof(*leaving));
	if (!leaving)
		return uvpi_no_memory(err);
	r = uvpi_leaving_noted(uuid, leaving, err);
	if (r > 0)
		r = uvpi_leaving_fail(leaving, err);
	free(leaving);
	return r;
}
