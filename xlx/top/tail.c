/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a guest's console, as xenconsoled keeps it in a file: reading that waits for nobody and disturbs nobody. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "xlx/top/source.h"

#define TAIL 4096
#define LINES 40

/* Where xenconsoled --log=guest writes: its default, and what else --log-dir is set to. */
static const char *const folders[] = { "/var/log/xen/console", "/var/log/xen" };

static int open_log(const char *name)
{
	/* It was made by root, and is called by the guest's name. */
	if (strchr(name, '/'))
		return -1;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(folders); i++) {
		char path[PATH_MAX];
		int fd, len = snprintf(path, sizeof(path), "%s/guest-%s.log", folders[i], name);

		if (len < 0 || (size_t)len >= sizeof(path))
			return -1;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* What follows an escape character, and belongs to it. */
static size_t sequence(const char *text)
{
	size_t len;

	if (!*text)
		return 0;
	if (*text == ']') { /* up to the bell, or the next escape */
		len = strcspn(text, "\a\033\n");
		return len + (text[len] == '\a');
	}
	if (*text != '[')
		return *text == '\n' ? 0 : 1;
	len = 1 + strspn(text + 1, "0123456789;:?<=>!\"#$%&'()*+,-./ ");
	return text[len] && text[len] != '\n' ? len + 1 : len;
}

void top_plain_text(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		if (*at == '\033')
			at += sequence(at + 1);
		else if (*at == '\n' || (unsigned char)*at >= ' ')
			*to++ = *at == 0x7f ? '?' : *at;
		else if (*at == '\t')
			*to++ = ' ';
	}
	*to = '\0';
}

/* Only the last lines stay; the first one may have lost its beginning. */
static void keep_lines(char *text, bool cut)
{
	size_t len = strlen(text);
	int lines = 0;
	char *at;

	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	for (at = text + len; at > text && lines < LINES; at--)
		lines += at[-1] == '\n';
	if (lines == LINES)
		at++;
	else if (cut && strchr(text, '\n'))
		at = strchr(text, '\n') + 1;
	memmove(text, at, strlen(at) + 1);
}

char *top_console_tail(const char *name, char *ret_why, int size)
{
	_cleanup_close_ int fd = name ? open_log(name) : -1;
	struct stat status;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		snprintf(ret_why, (size_t)size, "there is no log of it: xenconsoled --log=guest keeps one; C opens the console");
		return NULL;
	}
	text = malloc(TAIL + 1);
	if (!text)
		return NULL;
	n = pread(fd, text, TAIL, status.st_size > TAIL ? status.st_size - TAIL : 0);
	text[n > 0 ? n : 0] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '?';
	top_plain_text(text);
	keep_lines(text, status.st_size > TAIL);
	if (!*text)
		snprintf(text, TAIL, "(nothing yet)");
	return text;
}
