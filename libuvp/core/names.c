/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of names. Making a link is the only step of an ordinary claim. What replaces or removes the link of
 * somebody who is gone does so under a lock and only when the link still says what made it look stale: of two that
 * want to take it over, one finds it changed. */
#include "core/names.h"

#include <ctype.h>
#include <dirent.h>
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
#include "core/hyp.h"
#include "core/num.h"

#define MAX_NAME 255
/* The text of an entry whose name several domains have. */
#define AMBIGUOUS "several"
/* Where a link is made that then replaces another. */
#define TEMPORARY ".new"

enum kind {
	KIND_BROKEN,    /* no text of ours */
	KIND_AMBIGUOUS,
	KIND_SETTLED,   /* a domain's */
	KIND_CLAIM,     /* a living process makes or renames a domain */
	KIND_ABANDONED, /* its maker died */
};

struct link_text {
	char text[256];
	enum kind kind;
	uint8_t uuid[16];
	int64_t domid;
	int64_t pid;
};

/* ---- places ---- */

const char *uvpi_run_dir(void)
{
	const char *dir = getenv("UVP_RUN_DIR");

	return dir && *dir ? dir : "/run/uvp";
}

static int path_in(char *path, size_t size, const char *below)
{
	int len = snprintf(path, size, "%s%s%s", uvpi_run_dir(), *below ? "/" : "", below);

	if (len < 0 || (size_t)len >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int name_path(char path[PATH_MAX], const char *name)
{
	char below[MAX_NAME + 16];

	snprintf(below, sizeof(below), "names/%s", name);
	return path_in(path, PATH_MAX, below);
}

static void make_folders(void)
{
	static const char *const folders[] = { "", "names" };
	char path[PATH_MAX];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(folders); i++)
		if (path_in(path, sizeof(path), folders[i]) == 0)
			mkdir(path, 0755);
}

/* Held only for a handful of system calls. */
static int lock_names(void)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	if (path_in(path, sizeof(path), "names.lock") < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	return uvpi_steal_fd(&fd);
}

/* ---- checking names ---- */

int uvpi_name_check(const char *name, struct uvp_error *err)
{
	size_t len = strlen(name);
	bool number = true;

	if (!len || len > MAX_NAME)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a domain's name has 1 to %d characters, this one has %zu", MAX_NAME,
				 len);
	if (name[0] == '-' || name[0] == '.')
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.80s' cannot be a domain's name: it begins with '%c'", name,
				 name[0]);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 0x80 || (!isalnum(c) && !strchr("_-.+:@", c)))
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "a domain's name cannot have the character %s%.*s%s: letters, digits and _ - . + : @ "
					 "are possible",
					 isprint(c) ? "'" : "number ", isprint(c) ? 1 : 0, name + i, isprint(c) ? "'" : "");
		number = number && isdigit(c);
	}
	if (number || uvpi_is_uuid(name))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' cannot be a domain's name: it would be taken for %s", name,
				 number ? "an id" : "a UUID");
	return 0;
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

static void format_link(char *text, size_t size, const uint8_t uuid[16], int64_t domid, int64_t pid)
{
	char uuid_text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, uuid_text);
	snprintf(text, size, "%s %" PRId64 " %" PRId64 " %" PRIu64, uuid_text, domid, pid, pid ? start_time(pid) : 0);
}

static void parse_link(struct link_text *link)
{
	char uuid[UVPI_UUID_TEXT], domid[24], pid[24], start[24], more;
	uint64_t started;

	link->kind = KIND_BROKEN;
	link->domid = -1;
	link->pid = 0;
	if (!strcmp(link->text, AMBIGUOUS)) {
		link->kind = KIND_AMBIGUOUS;
		return;
	}
	if (sscanf(link->text, "%36s %23s %23s %23s%c", uuid, domid, pid, start, &more) != 4 ||
	    uvpi_parse_uuid(uuid, link->uuid, NULL) < 0 ||
	    uvpi_parse_i64(domid, "domid", -1, INT32_MAX, &link->domid, NULL) < 0 ||
	    uvpi_parse_i64(pid, "pid", 0, INT32_MAX, &link->pid, NULL) < 0 ||
	    uvpi_parse_u64(start, "start", 0, UINT64_MAX, &started, NULL) < 0)
		return;
	if (link->pid && is_alive(link->pid, started)) {
		link->kind = KIND_CLAIM;
		return;
	}
	/* Who died while renaming left a domain behind that is complete. */
	link->kind = link->pid && link->domid < 0 ? KIND_ABANDONED : KIND_SETTLED;
	link->pid = 0;
}

/* 1 with the link, 0 when there is none, -1 with errno. */
static int read_link(const char *path, struct link_text *ret_link)
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

	if (name_path(temp, TEMPORARY) < 0)
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

/* Replace (or with text NULL remove) the link if it still says `expected`. 1: done, 0: it does not, -1 with errno. */
static int change_link(const char *path, const char *expected, const char *text)
{
	_cleanup_close_ int lock = lock_names();
	struct link_text now;
	int r;

	if (lock < 0)
		return -1;
	r = read_link(path, &now);
	if (r < 0)
		return -1;
	if (!r || strcmp(now.text, expected))
		return 0;
	r = text ? replace_link(path, text) : unlink(path);
	return r < 0 ? -1 : 1;
}

static int fail_folder(const char *name, const char *verb, struct uvp_error *err)
{
	return uvpi_fail_errno(err, errno, "cannot %s the name '%s' in %s/names", verb, name, uvpi_run_dir());
}

/* ---- claiming ---- */

const struct uvpi_dominfo *uvpi_name_domain(const struct uvpi_dominfo *infos, int n, const uint8_t uuid[16])
{
	const struct uvpi_dominfo *dying = NULL;

	for (int i = 0; i < n; i++) {
		if (memcmp(infos[i].uuid, uuid, 16))
			continue;
		if (!infos[i].dying)
			return &infos[i];
		dying = &infos[i];
	}
	return dying;
}

bool uvpi_name_holds(const struct uvpi_name_holder *holder, const uint8_t uuid[16], const struct uvpi_dominfo *infos,
		     int n, int64_t *ret_domid)
{
	const struct uvpi_dominfo *info;

	*ret_domid = -1;
	if (holder->nobody)
		return true;
	if (holder->pid) {
		*ret_domid = holder->domid;
		return true;
	}
	info = uvpi_name_domain(infos, n, holder->uuid);
	if (!info)
		return false;
	*ret_domid = info->domid;
	return memcmp(holder->uuid, uuid, 16) != 0;
}

static void fill_holder(const struct link_text *link, struct uvpi_name_holder *ret_holder)
{
	memset(ret_holder, 0, sizeof(*ret_holder));
	memcpy(ret_holder->target, link->text, sizeof(ret_holder->target));
	memcpy(ret_holder->uuid, link->uuid, sizeof(ret_holder->uuid));
	ret_holder->domid = link->domid;
	ret_holder->pid = link->kind == KIND_CLAIM ? link->pid : 0;
	ret_holder->abandoned = link->kind == KIND_ABANDONED;
	ret_holder->nobody = link->kind == KIND_AMBIGUOUS || link->kind == KIND_BROKEN;
}

int uvpi_name_try(const char *name, const uint8_t uuid[16], int64_t domid, const char *wrong,
		  struct uvpi_name_holder *ret_holder, struct uvp_error *err)
{
	char path[PATH_MAX], text[256];
	struct link_text old = { 0 };
	int r;

	format_link(text, sizeof(text), uuid, domid, getpid());
	if (name_path(path, name) < 0)
		return fail_folder(name, "claim", err);
	/* Ends: each further turn means that somebody else took or gave up the name in between. */
	for (bool made = false;;) {
		if (symlink(text, path) == 0)
			return 0;
		if (errno == ENOENT && !made) {
			make_folders();
			made = true;
			continue;
		}
		if (errno != EEXIST)
			return fail_folder(name, "claim", err);
		r = read_link(path, &old);
		if (r == 0)
			continue;
		if (r < 0)
			return fail_folder(name, "read", err);
		if (!wrong || strcmp(wrong, old.text)) {
			fill_holder(&old, ret_holder);
			return 1;
		}
		r = change_link(path, old.text, text);
		if (r < 0)
			return fail_folder(name, "take over", err);
		if (r > 0)
			return 0;
	}
}

int uvpi_name_settle(const char *name, const uint8_t uuid[16], uint32_t domid, struct uvp_error *err)
{
	char path[PATH_MAX], text[256];
	struct link_text old;
	int r;

	format_link(text, sizeof(text), uuid, domid, 0);
	if (name_path(path, name) < 0)
		return fail_folder(name, "keep", err);
	r = read_link(path, &old);
	if (r < 0)
		return fail_folder(name, "read", err);
	/* The folder was emptied meanwhile: that must not cost the domain its name. */
	if (r == 0) {
		make_folders();
		r = symlink(text, path) == 0 ? 1 : -1;
	} else if (old.kind == KIND_BROKEN || memcmp(old.uuid, uuid, 16)) {
		return uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' was given to another domain meanwhile", name);
	} else {
		r = change_link(path, old.text, text);
	}
	if (r < 0)
		return fail_folder(name, "keep", err);
	if (r == 0)
		return uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' was given to another domain meanwhile", name);
	uvpi_known_set(domid, uuid, name);
	return 0;
}

void uvpi_name_release(const char *name, const uint8_t uuid[16])
{
	char path[PATH_MAX];
	struct link_text link;

	if (uvpi_name_check(name, NULL) < 0 || name_path(path, name) < 0)
		return;
	if (read_link(path, &link) <= 0 || link.kind == KIND_BROKEN || link.kind == KIND_AMBIGUOUS ||
	    memcmp(link.uuid, uuid, 16))
		return;
	if (change_link(path, link.text, NULL) < 0)
		uvpi_debug("cannot remove %s: %s", path, strerror(errno));
}

/* ---- looking ---- */

static void fill_entry(const char *name, const struct link_text *link, struct uvpi_name_entry *ret_entry)
{
	memset(ret_entry, 0, sizeof(*ret_entry));
	snprintf(ret_entry->name, sizeof(ret_entry->name), "%s", name);
	memcpy(ret_entry->uuid, link->uuid, sizeof(ret_entry->uuid));
	ret_entry->domid = link->domid;
	ret_entry->claimed = link->kind == KIND_CLAIM;
	ret_entry->abandoned = link->kind == KIND_ABANDONED;
}

int uvpi_name_get(const char *name, struct uvpi_name_entry *ret_entry, struct uvp_error *err)
{
	char path[PATH_MAX];
	struct link_text link = { 0 };
	int r;

	if (uvpi_name_check(name, NULL) < 0)
		return 0;
	if (name_path(path, name) < 0)
		return fail_folder(name, "read", err);
	r = read_link(path, &link);
	if (r < 0)
		return fail_folder(name, "read", err);
	if (r == 0 || link.kind == KIND_BROKEN || link.kind == KIND_AMBIGUOUS)
		return 0;
	fill_entry(name, &link, ret_entry);
	return 1;
}

static int open_names(DIR **ret_dir)
{
	char path[PATH_MAX];

	if (path_in(path, sizeof(path), "names") < 0)
		return -1;
	*ret_dir = opendir(path);
	if (*ret_dir)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

int uvpi_name_list(struct uvpi_name_entry **ret_entries, struct uvp_error *err)
{
	struct uvpi_name_entry *entries = NULL, *more;
	int n = 0, room = 0, r;
	struct dirent *file;
	DIR *dir;

	r = open_names(&dir);
	if (r < 0)
		return uvpi_fail_errno(err, errno, "cannot read %s/names", uvpi_run_dir());
	while (r > 0 && (file = readdir(dir))) {
		struct link_text link = { 0 };
		char path[PATH_MAX];

		if (file->d_name[0] == '.' || name_path(path, file->d_name) < 0 || read_link(path, &link) <= 0 ||
		    link.kind == KIND_BROKEN || link.kind == KIND_AMBIGUOUS)
			continue;
		if (n == room) {
			room = room ? room * 2 : 32;
			more = realloc(entries, (size_t)room * sizeof(*entries));
			if (!more) {
				closedir(dir);
				free(entries);
				return uvpi_no_memory(err);
			}
			entries = more;
		}
		fill_entry(file->d_name, &link, &entries[n++]);
	}
	if (r > 0)
		closedir(dir);
	*ret_entries = entries;
	return n;
}

/* ---- keeping it true ---- */

/* What to do about an entry that is there already: the text to replace it with, or NULL to leave it. Sets *unknown for
 * a domain that must go on counting as unknown. */
static const char *better_text(const struct link_text *old, const struct uvpi_dominfo *info, const char *text, bool sole,
			       bool *unknown)
{
	switch (old->kind) {
	case KIND_BROKEN:
		return text;
	case KIND_AMBIGUOUS:
		return sole ? text : NULL;
	case KIND_CLAIM:
		/* The claim's process will then look at this domain itself. */
		*unknown = memcmp(old->uuid, info->uuid, 16) != 0;
		return NULL;
	case KIND_SETTLED:
	case KIND_ABANDONED:
	default:
		/* Whose it is may be gone, or newer than what we know of Xen: as neither is certain, nobody's. */
		if (memcmp(old->uuid, info->uuid, 16))
			return AMBIGUOUS;
		return old->kind == KIND_SETTLED && old->domid != info->domid ? text : NULL;
	}
}

void uvpi_name_note(const char *name, const struct uvpi_dominfo *info, bool sole)
{
	char path[PATH_MAX], text[256];
	struct link_text old = { 0 };
	bool unknown = false;
	const char *better;
	int r;

	/* A name that nobody can claim needs no entry. */
	if (uvpi_name_check(name, NULL) < 0) {
		uvpi_known_set(info->domid, info->uuid, name);
		return;
	}
	format_link(text, sizeof(text), info->uuid, info->domid, 0);
	if (name_path(path, name) < 0)
		return;
	for (int tries = 0; tries < 8; tries++) {
		if (symlink(text, path) == 0)
			break;
		if (errno == ENOENT)
			make_folders();
		else if (errno != EEXIST)
			return;
		r = read_link(path, &old);
		if (r < 0)
			return;
		if (r == 0)
			continue;
		better = better_text(&old, info, text, sole, &unknown);
		if (unknown)
			return;
		if (!better || (r = change_link(path, old.text, better)) > 0)
			break;
		if (r < 0)
			return;
	}
	uvpi_known_set(info->domid, info->uuid, name);
}

struct uvpi_name_link {
	char name[256];
	struct link_text link;
};

static void remove_temporary(void)
{
	_cleanup_close_ int lock = lock_names();
	char temp[PATH_MAX];

	if (lock >= 0 && name_path(temp, TEMPORARY) == 0)
		unlink(temp);
}

int uvpi_name_collect(int most, struct uvpi_name_link **ret_links)
{
	struct uvpi_name_link *links = NULL;
	int entries = 0, n = 0;
	struct dirent *file;
	DIR *dir;

	if (open_names(&dir) <= 0)
		return 0;
	while ((file = readdir(dir))) {
		entries += file->d_name[0] != '.';
		if (!strcmp(file->d_name, TEMPORARY))
			remove_temporary();
	}
	if (entries > most)
		links = calloc((size_t)entries, sizeof(*links));
	rewinddir(dir);
	while (links && n < entries && (file = readdir(dir))) {
		char path[PATH_MAX];

		if (file->d_name[0] == '.' || name_path(path, file->d_name) < 0 || read_link(path, &links[n].link) <= 0)
			continue;
		snprintf(links[n].name, sizeof(links[n].name), "%s", file->d_name);
		n++;
	}
	closedir(dir);
	*ret_links = links;
	return n;
}

static bool is_name_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (names[i] && !strcmp(names[i], name))
			return true;
	return false;
}

void uvpi_name_discard(const struct uvpi_name_link *links, int n_links, const struct uvpi_dominfo *infos, int n,
		       const char *const *names, int n_names)
{
	for (int i = 0; i < n_links; i++) {
		const struct link_text *link = &links[i].link;
		char path[PATH_MAX];
		bool stale;

		if (link->kind == KIND_CLAIM)
			continue;
		if (link->kind == KIND_BROKEN || link->kind == KIND_AMBIGUOUS)
			stale = !is_name_of(links[i].name, names, n_names);
		else
			stale = !uvpi_name_domain(infos, n, link->uuid);
		if (stale && name_path(path, links[i].name) == 0)
			change_link(path, link->text, NULL);
	}
}
