/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "hostd/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "domain/domain.h"

#define PIECES_MAX 1024
#define PATH_SIZE 128

static const char *const what_names[] = {
	[HOSTD_DESTROY] = "destroy",
	[HOSTD_RESTART] = "restart",
	[HOSTD_RENAME_RESTART] = "rename-restart",
};

/* UVPI_NODE_RESTART/UUID/leaf, or without leaf where it is empty. */
static const char *node(const uint8_t uuid[16], const char *leaf, char path[PATH_SIZE])
{
	char text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, text);
	snprintf(path, PATH_SIZE, UVPI_NODE_RESTART "/%s%s%s", text, *leaf ? "/" : "", leaf);
	return path;
}

void hostd_note_free(struct hostd_note *note)
{
	if (!note)
		return;
	free(note->config);
	free(note);
}

int hostd_note_write(struct uvpi_store *store, const struct hostd_note *note, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	size_t len = strlen(note->config), at = 0;
	char path[PATH_SIZE], leaf[32], kept[UVPI_UUID_TEXT];
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	uvpi_format_uuid(note->kept, kept);
	uvpi_batch_rm(batch, node(note->uuid, "", path));
	uvpi_batch_write(batch, node(note->uuid, "name", path), note->name);
	uvpi_batch_write(batch, node(note->uuid, "what", path), what_names[note->what]);
	uvpi_batch_writef(batch, node(note->uuid, "old", path), "%" PRIu32, note->old_domid);
	uvpi_batch_writef(batch, node(note->uuid, "restarts", path), "%" PRIu32 " %" PRId64, note->restarts.count,
			  note->restarts.since_s);
	uvpi_batch_write(batch, node(note->uuid, "kept", path), kept);
	for (int i = 0; at < len; i++) {
		size_t piece = len - at < UVPI_CONFIG_PIECE ? len - at : UVPI_CONFIG_PIECE;

		snprintf(leaf, sizeof(leaf), "config/%d", i);
		uvpi_batch_write_bytes(batch, node(note->uuid, leaf, path), note->config + at, piece);
		at += piece;
	}
	return uvpi_batch_run(batch, true, err);
}

/* ---- reading ---- */

static int read_config(struct uvpi_store *store, struct hostd_note *note, int n, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[PATH_SIZE], leaf[32];
	size_t used = 0;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	note->config = calloc((size_t)n + 1, UVPI_CONFIG_PIECE);
	if (!note->config)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++) {
		snprintf(leaf, sizeof(leaf), "config/%d", i);
		uvpi_batch_read(batch, node(note->uuid, leaf, path));
	}
	r = uvpi_batch_run(batch, false, err);
	for (int i = 0; r >= 0 && i < n; i++) {
		size_t len = 0;
		const char *piece = uvpi_batch_value(batch, i, &len);

		if (!piece || len > UVPI_CONFIG_PIECE)
			return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the configuration in '%s' is not whole",
					 node(note->uuid, "", path));
		memcpy(note->config + used, piece, len);
		used += len;
	}
	return r;
}

static int read_what(const char *text)
{
	for (size_t i = 0; text && i < UVPI_ARRAY_SIZE(what_names); i++)
		if (what_names[i] && !strcmp(text, what_names[i]))
			return (int)i;
	return -1;
}

static int understand(const struct uvpi_batch *batch, struct hostd_note *note, struct uvp_error *err)
{
	const char *name = uvpi_batch_value(batch, 0, NULL), *tries = uvpi_batch_value(batch, 4, NULL);
	const char *old = uvpi_batch_value(batch, 2, NULL), *kept = uvpi_batch_value(batch, 6, NULL);
	int what = read_what(uvpi_batch_value(batch, 1, NULL));
	char path[PATH_SIZE];
	int r = 0;

	if (!name || strlen(name) >= sizeof(note->name) || what < 0 || !old)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the note '%s' cannot be understood", node(note->uuid, "", path));
	memcpy(note->name, name, strlen(name) + 1);
	note->what = (enum hostd_do)what;
	hostd_parse_restarts(uvpi_batch_value(batch, 3, NULL), &note->restarts);
	r = uvpi_parse_u32(old, "the ended domain's id", 0, UINT32_MAX, &note->old_domid, err);
	if (r >= 0 && tries)
		r = uvpi_parse_u32(tries, "the number of tries", 0, UINT32_MAX, &note->tries, err);
	if (r >= 0 && kept)
		r = uvpi_parse_uuid(kept, note->kept, err);
	note->creating = uvpi_batch_value(batch, 5, NULL) != NULL;
	return r;
}

int hostd_note_read(struct uvpi_store *store, const uint8_t uuid[16], struct hostd_note **ret_note,
		    struct uvp_error *err)
{
	static const char *const leaves[] = { "name", "what", "old", "restarts", "tries", "creating", "kept" };
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_note_ struct hostd_note *note = calloc(1, sizeof(*note));
	const char *pieces;
	char path[PATH_SIZE];
	size_t len = 0;
	int all, config, n = 0, r;

	if (!note)
		return uvpi_no_memory(err);
	memcpy(note->uuid, uuid, 16);
	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(leaves); i++)
		uvpi_batch_read(batch, node(uuid, leaves[i], path));
	all = uvpi_batch_list(batch, node(uuid, "", path));
	config = uvpi_batch_list(batch, node(uuid, "config", path));
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	if (!uvpi_batch_value(batch, all, NULL))
		return 0;
	r = understand(batch, note, err);
	if (r < 0)
		return r;
	pieces = uvpi_batch_value(batch, config, &len);
	for (const char *p = pieces; p && p < pieces + len && n <= PIECES_MAX; p += strlen(p) + 1)
		n++;
	if (!n || n > PIECES_MAX)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the note '%s' has no configuration", node(uuid, "", path));
	r = read_config(store, note, n, err);
	if (r < 0)
		return r;
	*ret_note = uvpi_steal(&note);
	return 1;
}

int hostd_note_list(struct uvpi_store *store, uint8_t (*ret_uuids)[16], int max, struct uvp_error *err)
{
	_cleanup_free_ char **names = NULL;
	int n, found = 0, r = uvpi_store_list(store, UVPI_NODE_RESTART, &names, &n, err);

	if (r < 0)
		return r;
	for (int i = 0; i < n && found < max; i++)
		if (uvpi_is_uuid(names[i]) && uvpi_parse_uuid(names[i], ret_uuids[found], NULL) >= 0)
			found++;
	return found;
}

/* ---- changing ---- */

int hostd_note_set_tries(struct uvpi_store *store, const uint8_t uuid[16], uint32_t tries, struct uvp_error *err)
{
	char path[PATH_SIZE], text[16];

	snprintf(text, sizeof(text), "%" PRIu32, tries);
	return uvpi_store_write(store, node(uuid, "tries", path), text, err);
}

int hostd_note_set_creating(struct uvpi_store *store, const uint8_t uuid[16], struct uvp_error *err)
{
	char path[PATH_SIZE];

	return uvpi_store_write(store, node(uuid, "creating", path), "1", err);
}

int hostd_note_remove(struct uvpi_store *store, const uint8_t uuid[16], struct uvp_error *err)
{
	char path[PATH_SIZE];

	return uvpi_store_rm(store, node(uuid, "", path), err);
}
