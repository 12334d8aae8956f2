/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding and reading definitions. Whatever is wrong with one is part of the answer, and does not hide the others. */
#include "define/store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/devspec.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/num.h"

bool uvpi_def_exists(const uint8_t uuid[16])
{
	char path[PATH_MAX];

	return uvpi_def_uuid_path(path, uuid, "domain.xml") == 0 && access(path, F_OK) == 0;
}

/* "7.xml" */
static uint32_t revision_of(const char *file)
{
	char text[16];
	uint32_t number;
	size_t len = strlen(file);

	if (len < 5 || len > 14 || strcmp(file + len - 4, ".xml"))
		return 0;
	memcpy(text, file, len - 4);
	text[len - 4] = '\0';
	return uvpi_parse_u32(text, "revision", 1, UINT32_MAX - 1, &number, NULL) == 0 ? number : 0;
}

/* One more than that of the newest old one. A file of the history that is domain.xml itself is of somebody who was killed
 * before the new one was in its place. */
static uint32_t current_revision(const uint8_t uuid[16], const struct stat *current)
{
	char path[PATH_MAX], leaf[32];
	uint32_t last = 0;
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (uvpi_def_uuid_path(path, uuid, "history") < 0)
		return 1;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		last = revision_of(entry->d_name) > last ? revision_of(entry->d_name) : last;
	if (dir)
		closedir(dir);
	snprintf(leaf, sizeof(leaf), "history/%" PRIu32 ".xml", last);
	if (last && uvpi_def_uuid_path(path, uuid, leaf) == 0 && stat(path, &st) == 0 && st.st_ino == current->st_ino &&
	    st.st_dev == current->st_dev)
		return last;
	return last + 1;
}

static int check_uuid(const struct uvp_config *config, const uint8_t uuid[16], const char *path, struct uvp_error *err)
{
	char text[UVPI_UUID_TEXT];
	int r;

	if (config->has_uuid && !memcmp(config->uuid, uuid, 16))
		return 0;
	uvpi_format_uuid(uuid, text);
	r = uvpi_fail(err, UVP_E_INVALID, 0, "%.250s: its UUID is not %s, which its folder is named after", path, text);
	uvpi_hint(err, "to copy a definition use 'xlx clone', to take one over 'xlx define FILE'");
	return r;
}

static int read_config(const char *path, const uint8_t uuid[16], struct uvp_config **ret_config, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = uvpi_def_read(path, XLCFG_MAX_BYTES, &text, &len, err);

	if (r == 0)
		r = uvp_config_parse(path, text, len, NULL, 0, NULL, NULL, &config, err);
	if (r == 0)
		r = check_uuid(config, uuid, path, err);
	if (r < 0)
		return r;
	*ret_config = uvpi_steal(&config);
	return 0;
}

/* The name by which a damaged definition was entered. */
static void entered_name(const uint8_t uuid[16], char name[256])
{
	char path[PATH_MAX];
	struct dirent *entry;
	uint8_t has[16];
	DIR *dir;

	uvpi_def_path(path, "/names");
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (uvpi_def_name_get(entry->d_name, has) && !memcmp(has, uuid, 16))
			snprintf(name, 256, "%s", entry->d_name);
	if (dir)
		closedir(dir);
}

static void fill_from(const struct uvp_config *config, struct uvp_definition *definition)
{
	static const enum uvp_type types[] = { [UVPI_TYPE_PV] = UVP_TYPE_PV, [UVPI_TYPE_PVH] = UVP_TYPE_PVH,
					       [UVPI_TYPE_HVM] = UVP_TYPE_HVM };

	snprintf(definition->name, sizeof(definition->name), "%s", config->name);
	definition->type = types[config->type];
	definition->vcpus = config->vcpus;
	definition->max_vcpus = config->maxvcpus;
	definition->memory_bytes = config->memory_kib * 1024;
	definition->max_memory_bytes = config->maxmem_kib * 1024;
}

int uvpi_def_load(const uint8_t uuid[16], struct uvp_definition *ret_definition, struct uvp_config **ret_config,
		  struct uvp_error *err)
{
	struct uvp_definition definition = { .revision = 0 };
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvpi_autostart autostart = { 0 };
	char path[PATH_MAX], text[UVPI_UUID_TEXT];
	struct stat st;
	int r;

	uvpi_format_uuid(uuid, text);
	if (uvpi_def_uuid_path(path, uuid, "domain.xml") < 0 || stat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "no domain with the UUID %s is defined", text);
		return uvpi_fail_errno(err, errno, "cannot read the definition %s", text);
	}
	memcpy(definition.uuid, uuid, 16);
	definition.revision = current_revision(uuid, &st);
	definition.changed = st.st_mtim.tv_sec;
	r = uvpi_autostart_get(uuid, &autostart, &definition.error);
	definition.autostart = r > 0;
	definition.order = autostart.order;
	definition.delay_ms = autostart.delay_ms;
	r = read_config(path, uuid, &config, &definition.error);
	/* This process is at fault, not the file. */
	if (r == -UVP_E_NO_MEMORY || r == -UVP_E_DENIED) {
		if (err)
			*err = definition.error;
		return r;
	}
	if (config)
		fill_from(config, &definition);
	else
		entered_name(uuid, definition.name);
	*ret_definition = definition;
	if (ret_config)
		*ret_config = uvpi_steal(&config);
	return 0;
}

/* ---- all ---- */

static int by_name(const void *a, const void *b)
{
	const struct uvp_definition *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : memcmp(left->uuid, right->uuid, 16);
}

/* Of folders that were copied by hand, only that one counts which the name's link leads to. */
static void mark_doubles(struct uvp_definition *definitions, int n)
{
	uint8_t has[16];

	for (int i = 0; i < n; i++) {
		struct uvp_definition *d = &definitions[i];
		bool double_name = (i && !strcmp(d->name, d[-1].name)) || (i + 1 < n && !strcmp(d->name, d[1].name));

		if (!double_name || !*d->name || d->error.code ||
		    (uvpi_def_name_get(d->name, has) && !memcmp(has, d->uuid, 16)))
			continue;
		uvpi_fail(&d->error, UVP_E_EXISTS, 0, "another definition has the name '%s', too", d->name);
		uvpi_hint(&d->error, "name the one you mean by its UUID: 'xlx undefine UUID', 'xlx rename UUID NAME'");
	}
}

static int list_folder(DIR *dir, struct uvp_definition **ret_definitions, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_definition *definitions = NULL;
	struct dirent *entry;
	int n = 0, room = 0;

	while ((entry = readdir(dir))) {
		uint8_t uuid[16];
		int r;

		if (uvpi_parse_uuid(entry->d_name, uuid, NULL) < 0)
			continue;
		if (n == room) {
			struct uvp_definition *more;

			room = room ? room * 2 : 16;
			more = reallocarray(definitions, (size_t)room, sizeof(*more));
			if (!more)
				return uvpi_no_memory(err);
			definitions = more;
		}
		r = uvpi_def_load(uuid, &definitions[n], NULL, err);
		if (r == -UVP_E_NOT_FOUND)
			continue;
		if (r < 0)
			return r;
		n++;
	}
	if (n)
		qsort(definitions, (size_t)n, sizeof(*definitions), by_name);
	mark_doubles(definitions, n);
	*ret_definitions = uvpi_steal(&definitions);
	return n;
}

int uvp_definition_list(struct uvp_definition **ret_definitions, struct uvp_error *err)
{
	char path[PATH_MAX];
	DIR *dir;
	int r;

	uvpi_def_path(path, "%s", "");
	dir = opendir(path);
	if (!dir && errno == ENOENT) {
		*ret_definitions = NULL;
		return 0;
	}
	if (!dir)
		return uvpi_fail_errno(err, errno, "cannot read '%.300s'", path);
	r = list_folder(dir, ret_definitions, err);
	closedir(dir);
	return r;
}

/* ---- one ---- */

static int fail_no_name(const char *name, const struct uvp_definition *definitions, int n, struct uvp_error *err)
{
	_cleanup_free_ const char **names = calloc((size_t)n + 1, sizeof(*names));
	const char *near;
	int r;

	for (int i = 0; names && i < n; i++)
		names[i] = definitions[i].name;
	near = names ? uvpi_near_match(name, names) : NULL;
	r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "no domain '%.200s' is defined", name);
	if (near)
		uvpi_hint(err, "did you mean '%.100s'?", near);
	else
		uvpi_hint(err, "'xlx list --defined' shows those there are, 'xlx define FILE' makes one");
	return r;
}

/* Without a link that is right: a folder that was put there by hand. */
static int find_by_search(const char *name, struct uvp_definition *ret_definition, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_definition *definitions = NULL;
	int n = uvp_definition_list(&definitions, err), found = -1;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		if (strcmp(definitions[i].name, name))
			continue;
		if (found >= 0) {
			uvpi_fail(err, UVP_E_INVALID, 0, "several definitions have the name '%.200s'", name);
			uvpi_hint(err, "name the one you mean by its UUID: 'xlx list --defined -v' shows them");
			return -UVP_E_INVALID;
		}
		found = i;
	}
	if (found < 0)
		return fail_no_name(name, definitions, n, err);
	*ret_definition = definitions[found];
	return 0;
}

int uvpi_def_find_linked(const char *name, struct uvp_definition *ret_definition, struct uvp_error *err)
{
	struct uvp_definition found;
	uint8_t uuid[16];
	int r;

	if (!uvpi_def_name_get(name, uuid))
		return -UVP_E_NOT_FOUND;
	r = uvpi_def_load(uuid, &found, NULL, err);
	if (r < 0 || strcmp(found.name, name))
		return r < 0 ? r : -UVP_E_NOT_FOUND;
	*ret_definition = found;
	return 0;
}

int uvp_definition_find(const char *uuid_or_name, struct uvp_definition *ret_definition, struct uvp_error *err)
{
	uint8_t uuid[16];
	int r;

	if (uvpi_is_uuid(uuid_or_name)) {
		r = uvpi_parse_uuid(uuid_or_name, uuid, err);
		return r < 0 ? r : uvpi_def_load(uuid, ret_definition, NULL, err);
	}
	r = uvpi_def_find_linked(uuid_or_name, ret_definition, err);
	return r == -UVP_E_NOT_FOUND ? find_by_search(uuid_or_name, ret_definition, err) : r;
}

int uvp_definition_config(const struct uvp_definition *definition, uint32_t revision, struct uvp_config **ret_config,
			  struct uvp_error *err)
{
	char path[PATH_MAX], leaf[40] = "domain.xml";
	int r;

	if (revision && revision != definition->revision)
		snprintf(leaf, sizeof(leaf), "history/%" PRIu32 ".xml", revision);
	if (uvpi_def_uuid_path(path, definition->uuid, leaf) < 0)
		return uvpi_fail_errno(err, errno, "cannot read the definition of '%s'", definition->name);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		if (!revision || revision == definition->revision)
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%s' is not defined any more", definition->name);
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no revision %" PRIu32 " of '%s'", revision,
			      definition->name);
		uvpi_hint(err, "'xlx history %.100s' shows those that are kept", definition->name);
		return r;
	}
	r = read_config(path, definition->uuid, ret_config, err);
	/* An order for one boot was used or taken back since. */
	if (r == 0 && revision && revision != definition->revision)
		uvpi_config_extra_drop(*ret_config, "boot_once");
	if (r == -UVP_E_INVALID && err && !err->hint[0])
		uvpi_hint(err, "mend the file, or take an older revision: 'xlx history %.100s', 'xlx revert %.60s REVISION'",
			  definition->name, definition->name);
	return r;
}

static int by_revision(const void *a, const void *b)
{
	const struct uvp_revision *left = a, *right = b;

	return (left->revision > right->revision) - (left->revision < right->revision);
}

int uvp_definition_history(const struct uvp_definition *definition, struct uvp_revision **ret_revisions,
			   struct uvp_error *err)
{
	_cleanup_free_ struct uvp_revision *revisions = calloc(UVPI_REVISIONS_MAX * 2 + 1, sizeof(*revisions));
	char path[PATH_MAX], file[PATH_MAX + 256];
	struct dirent *entry;
	struct stat st;
	int n = 0;
	DIR *dir;

	if (!revisions)
		return uvpi_no_memory(err);
	if (uvpi_def_uuid_path(path, definition->uuid, "history") < 0)
		return uvpi_fail_errno(err, errno, "cannot read the history of '%s'", definition->name);
	dir = opendir(path);
	while (dir && n < UVPI_REVISIONS_MAX * 2 && (entry = readdir(dir))) {
		uint32_t revision = revision_of(entry->d_name);

		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (revision && revision != definition->revision && stat(file, &st) == 0)
			revisions[n++] = (struct uvp_revision){ revision, st.st_mtim.tv_sec, false };
	}
	if (dir)
		closedir(dir);
	revisions[n++] = (struct uvp_revision){ definition->revision, definition->changed, true };
	qsort(revisions, (size_t)n, sizeof(*revisions), by_revision);
	*ret_revisions = uvpi_steal(&revisions);
	return n;
}

/* ---- addresses ---- */

/* Only a file that has the text is worth being understood. */
static bool shares_mac(const struct uvp_config *config, const char *path, const uint8_t uuid[16], char ret_mac[UVPI_MAC_TEXT],
		       char ret_name[256])
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (uvpi_def_read(path, XLCFG_MAX_BYTES, &text, &len, NULL) < 0)
		return false;
	for (int i = 0; i < config->n_vifs; i++) {
		_cleanup_config_ struct uvp_config *other = NULL;

		uvpi_mac_text(config->vifs[i].mac, ret_mac);
		if (!config->vifs[i].has_mac || !strcasestr(text, ret_mac) || read_config(path, uuid, &other, NULL) < 0)
			continue;
		for (int k = 0; k < other->n_vifs; k++)
			if (uvpi_vif_clashes(&config->vifs[i], &other->vifs[k])) {
				snprintf(ret_name, 256, "%s", other->name);
				return true;
			}
	}
	return false;
}

int uvpi_def_find_mac(const struct uvp_config *config, const uint8_t uuid[16], char ret_mac[UVPI_MAC_TEXT], char ret_name[256])
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false, any = false;
	uint8_t other[16];
	DIR *dir;

	for (int i = 0; i < config->n_vifs; i++)
		any |= config->vifs[i].has_mac;
	dir = any && uvpi_def_path(path, "%s", "") == 0 ? opendir(path) : NULL;
	while (dir && !found && (entry = readdir(dir)))
		if (uvpi_parse_uuid(entry->d_name, other, NULL) == 0 && memcmp(other, uuid, 16) &&
		    uvpi_def_uuid_path(path, other, "domain.xml") == 0)
			found = shares_mac(config, path, other, ret_mac, ret_name);
	if (dir)
		closedir(dir);
	return found;
}

int uvpi_def_copy(const struct uvp_config *config, struct uvp_config **ret_config, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = uvp_config_write_xlcfg(config, &text, err);

	return r < 0 ? r : uvp_config_parse(config->source, text, strlen(text), NULL, 0, NULL, NULL, ret_config, err);
}
