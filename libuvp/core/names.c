/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of names. Making a link is the only step of an ordinary claim. What replaces or removes the link of
 * somebody who is gone does so under a lock and only when the link still says what made it look stale: of two that
 * want to take it over, one finds it changed. */
#include "core/names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/names_link.h"
#include "core/num.h"

/* ---- checking names ---- */

int uvpi_name_check(const char *name, struct uvp_error *err)
{
	size_t len = strlen(name);
	bool number = true;

	if (!len || len > UVPI_NAME_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a domain's name has 1 to %d characters, this one has %zu", UVPI_NAME_MAX,
				 len);
	if (name[0] == '-' || name[0] == '.')
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.80s' cannot be a domain's name: it begins with '%c'", name,
				 name[0]);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 0x80 || (!isalnum(c) && !strchr("_-.+:@", c)))
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 isprint(c) ? "a domain's name cannot have the character '%c': letters, digits and _ - . + : @ are possible" :
						      "a domain's name cannot have the byte %d: letters of ASCII, digits and _ - . + : @ are possible",
					 c);
		number = number && isdigit(c);
	}
	if (number || uvpi_is_uuid(name))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' cannot be a domain's name: it would be taken for %s", name,
				 number ? "an id" : "a UUID");
	return 0;
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

static void fill_holder(const struct uvpi_link *link, struct uvpi_name_holder *ret_holder)
{
	memset(ret_holder, 0, sizeof(*ret_holder));
	memcpy(ret_holder->target, link->text, sizeof(ret_holder->target));
	memcpy(ret_holder->uuid, link->uuid, sizeof(ret_holder->uuid));
	ret_holder->domid = link->domid;
	ret_holder->pid = link->kind == UVPI_LINK_CLAIM ? link->pid : 0;
	ret_holder->abandoned = link->kind == UVPI_LINK_ABANDONED;
	ret_holder->nobody = link->kind == UVPI_LINK_SEVERAL || link->kind == UVPI_LINK_BROKEN;
}

int uvpi_name_look(const char *name, struct uvpi_name_holder *ret_holder, struct uvp_error *err)
{
	struct uvpi_link link = { 0 };
	char path[PATH_MAX];
	int r = uvpi_entry_path(path, name) < 0 ? -1 : uvpi_entry_read(path, &link);

	if (r < 0)
		return fail_folder(name, "read", err);
	if (r > 0)
		fill_holder(&link, ret_holder);
	return r;
}

int uvpi_name_try(const char *name, const uint8_t uuid[16], int64_t domid, const char *wrong,
		  struct uvpi_name_holder *ret_holder, struct uvp_error *err)
{
	char path[PATH_MAX], text[256];
	struct uvpi_link old = { 0 };
	int r;

	uvpi_entry_format(text, sizeof(text), uuid, domid, getpid());
	if (uvpi_entry_path(path, name) < 0)
		return fail_folder(name, "claim", err);
	/* Ends: each further turn means that somebody else took or gave up the name in between. */
	for (bool made = false;;) {
		if (symlink(text, path) == 0)
			return 0;
		if (errno == ENOENT && !made) {
			uvpi_entry_make_folders();
			made = true;
			continue;
		}
		if (errno != EEXIST)
			return fail_folder(name, "claim", err);
		r = uvpi_entry_read(path, &old);
		if (r == 0)
			continue;
		if (r < 0)
			return fail_folder(name, "read", err);
		if (!wrong || strcmp(wrong, old.text)) {
			fill_holder(&old, ret_holder);
			return 1;
		}
		r = uvpi_entry_change(path, old.text, text);
		if (r < 0)
			return fail_folder(name, "take over", err);
		if (r > 0)
			return 0;
	}
}

int uvpi_name_settle(const char *name, const uint8_t uuid[16], uint32_t domid, struct uvp_error *err)
{
	char path[PATH_MAX], text[256];
	struct uvpi_link old;
	int r;

	uvpi_entry_format(text, sizeof(text), uuid, domid, 0);
	if (uvpi_entry_path(path, name) < 0)
		return fail_folder(name, "keep", err);
	r = uvpi_entry_read(path, &old);
	if (r < 0)
		return fail_folder(name, "read", err);
	/* The folder was emptied meanwhile: that must not cost the domain its name. */
	if (r == 0) {
		uvpi_entry_make_folders();
		r = symlink(text, path) == 0 ? 1 : -1;
	} else if (old.kind == UVPI_LINK_BROKEN || memcmp(old.uuid, uuid, 16)) {
		return uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' was given to another domain meanwhile", name);
	} else {
		r = uvpi_entry_change(path, old.text, text);
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
	struct uvpi_link link;

	if (uvpi_name_check(name, NULL) < 0 || uvpi_entry_path(path, name) < 0)
		return;
	if (uvpi_entry_read(path, &link) <= 0 || link.kind == UVPI_LINK_BROKEN || link.kind == UVPI_LINK_SEVERAL ||
	    memcmp(link.uuid, uuid, 16))
		return;
	if (uvpi_entry_change(path, link.text, NULL) < 0)
		uvpi_debug("cannot remove %s: %s", path, strerror(errno));
}

/* ---- looking ---- */

static void fill_entry(const char *name, const struct uvpi_link *link, struct uvpi_name_entry *ret_entry)
{
	memset(ret_entry, 0, sizeof(*ret_entry));
	snprintf(ret_entry->name, sizeof(ret_entry->name), "%s", name);
	memcpy(ret_entry->uuid, link->uuid, sizeof(ret_entry->uuid));
	ret_entry->domid = link->domid;
	ret_entry->claimed = link->kind == UVPI_LINK_CLAIM;
	ret_entry->abandoned = link->kind == UVPI_LINK_ABANDONED;
}

int uvpi_name_get(const char *name, struct uvpi_name_entry *ret_entry, struct uvp_error *err)
{
	char path[PATH_MAX];
	struct uvpi_link link = { 0 };
	int r;

	if (uvpi_name_check(name, NULL) < 0)
		return 0;
	if (uvpi_entry_path(path, name) < 0)
		return fail_folder(name, "read", err);
	r = uvpi_entry_read(path, &link);
	if (r < 0)
		return fail_folder(name, "read", err);
	if (r == 0 || link.kind == UVPI_LINK_BROKEN || link.kind == UVPI_LINK_SEVERAL)
		return 0;
	fill_entry(name, &link, ret_entry);
	return 1;
}

static int open_names(DIR **ret_dir)
{
	char path[PATH_MAX];

	if (uvpi_run_path(path, sizeof(path), "names") < 0)
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
		struct uvpi_link link = { 0 };
		char path[PATH_MAX];

		if (file->d_name[0] == '.' || uvpi_entry_path(path, file->d_name) < 0 || uvpi_entry_read(path, &link) <= 0 ||
		    link.kind == UVPI_LINK_BROKEN || link.kind == UVPI_LINK_SEVERAL)
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
static const char *better_text(const struct uvpi_link *old, const struct uvpi_dominfo *info, const char *text, bool sole,
			       bool *unknown)
{
	switch (old->kind) {
	case UVPI_LINK_BROKEN:
		return text;
	case UVPI_LINK_SEVERAL:
		return sole ? text : NULL;
	case UVPI_LINK_CLAIM:
		/* The claim's process will then look at this domain itself. */
		*unknown = memcmp(old->uuid, info->uuid, 16) != 0;
		return NULL;
	case UVPI_LINK_SETTLED:
	case UVPI_LINK_ABANDONED:
	default:
		/* Whose it is may be gone, or newer than what we know of Xen: as neither is certain, nobody's. */
		if (memcmp(old->uuid, info->uuid, 16))
			return UVPI_LINK_TEXT_SEVERAL;
		return old->kind == UVPI_LINK_SETTLED && old->domid != info->domid ? text : NULL;
	}
}

void uvpi_name_note(const char *name, const struct uvpi_dominfo *info, bool sole)
{
	char path[PATH_MAX], text[256];
	struct uvpi_link old = { 0 };
	bool unknown = false;
	const char *better;
	int r;

	/* A name that nobody can claim needs no entry. */
	if (uvpi_name_check(name, NULL) < 0) {
		uvpi_known_set(info->domid, info->uuid, name);
		return;
	}
	uvpi_entry_format(text, sizeof(text), info->uuid, info->domid, 0);
	if (uvpi_entry_path(path, name) < 0)
		return;
	for (int tries = 0; tries < 8; tries++) {
		if (symlink(text, path) == 0)
			break;
		if (errno == ENOENT)
			uvpi_entry_make_folders();
		else if (errno != EEXIST)
			return;
		r = uvpi_entry_read(path, &old);
		if (r < 0)
			return;
		if (r == 0)
			continue;
		better = better_text(&old, info, text, sole, &unknown);
		if (unknown)
			return;
		if (!better || (r = uvpi_entry_change(path, old.text, better)) > 0)
			break;
		if (r < 0)
			return;
	}
	uvpi_known_set(info->domid, info->uuid, name);
}

struct uvpi_name_link {
	char name[256];
	struct uvpi_link link;
};

static void remove_temporary(void)
{
	_cleanup_close_ int lock = uvpi_entry_lock();
	char temp[PATH_MAX];

	if (lock >= 0 && uvpi_entry_path(temp, UVPI_LINK_TEMPORARY) == 0)
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
		if (!strcmp(file->d_name, UVPI_LINK_TEMPORARY))
			remove_temporary();
	}
	if (entries > most)
		links = calloc((size_t)entries, sizeof(*links));
	rewinddir(dir);
	while (links && n < entries && (file = readdir(dir))) {
		char path[PATH_MAX];

		if (file->d_name[0] == '.' || uvpi_entry_path(path, file->d_name) < 0 || uvpi_entry_read(path, &links[n].link) <= 0)
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
		const struct uvpi_link *link = &links[i].link;
		char path[PATH_MAX];
		bool stale;

		if (link->kind == UVPI_LINK_CLAIM)
			continue;
		if (link->kind == UVPI_LINK_BROKEN || link->kind == UVPI_LINK_SEVERAL)
			stale = !is_name_of(links[i].name, names, n_names);
		else
			stale = !uvpi_name_domain(infos, n, link->uuid);
		if (stale && uvpi_entry_path(path, links[i].name) == 0)
			uvpi_entry_change(path, link->text, NULL);
	}
}
