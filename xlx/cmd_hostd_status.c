/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx hostd-status: does uvp-hostd run, what does it have left to do, what has it left there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "core/store.h"
#include "domain/domain.h"
#include "domain/hostd.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

/* One that is between two lives, or that has ended and is kept. */
struct entry {
	char id[UVPI_UUID_TEXT]; /* UUID or domain id */
	char name[256];
	char word[32]; /* what is to be done, or why it is kept */
	char tries[16];
};

struct list {
	struct entry *entries;
	int n;
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* The children of `parent` that have the node `leaf`; names stand in name_fmt. */
static int read_list(struct uvpi_store *store, const char *parent, const char *leaf, const char *name_parent,
		     const char *name_leaf, struct list *ret_list, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_free_ char **ids = NULL;
	char path[256];
	int n, r = uvpi_store_list(store, parent, &ids, &n, err);

	if (r >= 0)
		r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", parent, ids[i], leaf);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/%s/%s", name_parent, ids[i], name_leaf);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/%s/tries", parent, ids[i]);
		uvpi_batch_read(batch, path);
	}
	r = n ? uvpi_batch_run(batch, false, err) : 0;
	if (r < 0)
		return r;
	ret_list->entries = calloc((size_t)n + 1, sizeof(*ret_list->entries));
	if (!ret_list->entries)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++) {
		struct entry *entry = &ret_list->entries[ret_list->n];

		if (!uvpi_batch_value(batch, 3 * i, NULL))
			continue;
		copy(entry->id, sizeof(entry->id), ids[i]);
		copy(entry->word, sizeof(entry->word), uvpi_batch_value(batch, 3 * i, NULL));
		copy(entry->name, sizeof(entry->name), uvpi_batch_value(batch, 3 * i + 1, NULL));
		copy(entry->tries, sizeof(entry->tries), uvpi_batch_value(batch, 3 * i + 2, NULL));
		ret_list->n++;
	}
	return 0;
}

static int read_notes(struct list *ret_restarts, struct list *ret_kept, struct uvp_error *err)
{
	_cleanup_store_ struct uvpi_store *store = NULL;
	int r = uvpi_store_open(&store, err);

	if (r >= 0)
		r = read_list(store, UVPI_NODE_RESTART, "what", UVPI_NODE_RESTART, "name", ret_restarts, err);
	if (r >= 0)
		r = read_list(store, UVPI_NODE_DOMAIN, "ended", "/local/domain", "name", ret_kept, err);
	return r;
}

static int print_json(const struct uvpi_hostd_status *status, const struct list *restarts, const struct list *kept)
{
	struct uvpi_json *object = uvpi_json_object(), *array = uvpi_json_array();

	uvpi_json_set_bool(object, "running", status->running);
	if (status->running) {
		uvpi_json_set_u64(object, "pid", (uint64_t)status->pid);
		uvpi_json_set_i64(object, "since", status->since_s);
		uvpi_json_set_str(object, "version", status->version);
	}
	for (int i = 0; i < restarts->n; i++) {
		struct uvpi_json *entry = uvpi_json_object();
		uint64_t tries = 0;

		uvpi_parse_u64(restarts->entries[i].tries, "tries", 0, UINT32_MAX, &tries, NULL);
		uvpi_json_set_str(entry, "uuid", restarts->entries[i].id);
		uvpi_json_set_str(entry, "name", restarts->entries[i].name);
		uvpi_json_set_str(entry, "action", restarts->entries[i].word);
		uvpi_json_set_u64(entry, "failed_tries", tries);
		uvpi_json_add(array, entry);
	}
	uvpi_json_set(object, "pending", array);
	array = uvpi_json_array();
	for (int i = 0; i < kept->n; i++) {
		struct uvpi_json *entry = uvpi_json_object();
		uint64_t domid = 0;

		uvpi_parse_u64(kept->entries[i].id, "domain", 0, UINT32_MAX, &domid, NULL);
		uvpi_json_set_u64(entry, "domid", domid);
		uvpi_json_set_str(entry, "name", kept->entries[i].name);
		uvpi_json_set_str(entry, "why", kept->entries[i].word);
		uvpi_json_add(array, entry);
	}
	uvpi_json_set(object, "kept", array);
	return out_json(object);
}

static void print_text(const struct uvpi_hostd_status *status, const struct list *restarts, const struct list *kept)
{
	char since[64] = "", text[256];
	struct tm tm;
	time_t at = (time_t)status->since_s;

	if (status->running && at && localtime_r(&at, &tm))
		strftime(since, sizeof(since), ", since %Y-%m-%d %H:%M:%S", &tm);
	if (status->running)
		printf("uvp-hostd runs: process %d%s, version %s\n", (int)status->pid, since, status->version);
	else
		puts("uvp-hostd does not run: nothing is done when a domain ends");
	for (int i = 0; i < restarts->n; i++) {
		const struct entry *entry = &restarts->entries[i];

		out_sanitize(entry->name, text, sizeof(text));
		printf("to do: %s '%s' (%s)", entry->word, text, entry->id);
		if (*entry->tries)
			printf(", failed %s times so far", entry->tries);
		putchar('\n');
	}
	for (int i = 0; i < kept->n; i++) {
		const struct entry *entry = &kept->entries[i];

		out_sanitize(entry->name, text, sizeof(text));
		printf("domain %s '%s' has ended: %s\n", entry->id, text, uvpi_ended_text(entry->word));
	}
}

static int run(const struct xlx_args *args)
{
	struct uvpi_hostd_status status = { 0 };
	struct list restarts = { 0 }, kept = { 0 };
	struct uvp_error err = UVP_ERROR_INIT;
	int exit_status = XLX_EXIT_OK, r = uvpi_hostd_status(&status, &err);

	if (r < 0)
		return xlx_fail(&err);
	r = read_notes(&restarts, &kept, &err);
	if (xlx_has(args, "json"))
		exit_status = print_json(&status, &restarts, &kept);
	else
		print_text(&status, &restarts, &kept);
	free(restarts.entries);
	free(kept.entries);
	if (r < 0)
		return xlx_fail(&err);
	if (!exit_status && !status.running)
		return xlx_exit_status(UVP_E_NOT_FOUND);
	return exit_status;
}

static const struct xlx_opt options[] = {
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_hostd_status = {
	.name = "hostd-status",
	.group = "Host",
	.summary = "tell whether uvp-hostd runs, and what it has to do",
	.opts = options,
	.run = run,
};
