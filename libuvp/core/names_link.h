/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links in the folder of names, for core/names.c: see core/names.h for what they say. */
#ifndef UVPI_NAMES_LINK_H
#define UVPI_NAMES_LINK_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define UVPI_NAME_MAX 255
/* The text of an entry whose name several domains have. */
#define UVPI_LINK_TEXT_SEVERAL "several"
/* Where a link is made that then replaces another. */
#define UVPI_LINK_TEMPORARY ".new"

enum uvpi_link_kind {
	UVPI_LINK_BROKEN,    /* no text of ours */
	UVPI_LINK_SEVERAL,
	UVPI_LINK_SETTLED,   /* a domain's */
	UVPI_LINK_CLAIM,     /* a living process makes or renames a domain */
	UVPI_LINK_ABANDONED, /* its maker died */
};

struct uvpi_link {
	char text[256];
	enum uvpi_link_kind kind;
	uint8_t uuid[16];
	int64_t domid;
	int64_t pid;
};

/* What is below /run/uvp, and an entry of the folder of names. -1 with errno when that is too long. */
int uvpi_run_path(char *path, size_t size, const char *below);
int uvpi_entry_path(char path[PATH_MAX], const char *name);
void uvpi_entry_make_folders(void);
/* Held only for a handful of system calls, until the fd that this returns is closed. */
int uvpi_entry_lock(void);
/* pid 0: the domain's own. */
void uvpi_entry_format(char *text, size_t size, const uint8_t uuid[16], int64_t domid, int64_t pid);
/* 1 with the link, 0 when there is none, -1 with errno. */
int uvpi_entry_read(const char *path, struct uvpi_link *ret_link);
/* Replace (or with text NULL remove) the link if it still says `expected`. 1: done, 0: it does not, -1 with errno. */
int uvpi_entry_change(const char *path, const char *expected, const char *text);

#endif
