/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeping the names of domains known. Nothing but the node of each domain's name tells when another tool renames it, so
 * there is a watch on each, which costs xenstored a comparison for each write; `xlx list` then asks xenstored nothing.
 * Whoever reads the table learns from a lock of this process that the names in it are true. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/store.h"
#include "daemon/log.h"
#include "hostd/hostd.h"

#define TOKEN "name "

static void name_path(uint32_t domid, char path[64])
{
	snprintf(path, 64, "/local/domain/%" PRIu32 "/name", domid);
}

static int follow(struct hostd *hostd, uint32_t domid, struct uvp_error *err)
{
	char path[64], token[24];

	name_path(domid, path);
	snprintf(token, sizeof(token), TOKEN "%" PRIu32, domid);
	/* It fires at once, so the name is read as after every change. */
	return uvpi_store_watch(hostd->store, path, token, err);
}

int hostd_names_follow(struct hostd *hostd, struct hostd_task *task, struct uvp_error *err)
{
	if (task->named || !hostd->store)
		return 0;
	task->named = true;
	return follow(hostd, task->domid, err);
}

int hostd_names_follow_host(struct hostd *hostd, struct uvp_error *err)
{
	return follow(hostd, 0, err);
}

static void note_renamed(struct hostd *hostd, bool *renamed)
{
	hostd->n_renamed += !*renamed;
	*renamed = true;
}

void hostd_names_again(struct hostd *hostd, struct hostd_task *task)
{
	task->named = true;
	note_renamed(hostd, &task->renamed);
}

int hostd_names_leave(struct hostd *hostd, uint32_t domid, struct uvp_error *err)
{
	char path[64], token[24];

	if (!hostd->store)
		return 0;
	name_path(domid, path);
	snprintf(token, sizeof(token), TOKEN "%" PRIu32, domid);
	return uvpi_store_unwatch(hostd->store, path, token, err);
}

bool hostd_names_event(struct hostd *hostd, const char *token)
{
	uint32_t domid;

	if (strncmp(token, TOKEN, strlen(TOKEN)))
		return false;
	if (uvpi_parse_u32(token + strlen(TOKEN), "domain", 0, HOSTD_DOMIDS - 1, &domid, NULL) < 0)
		return true;
	if (!domid)
		note_renamed(hostd, &hostd->host_renamed);
	else if (hostd->by_domid[domid])
		note_renamed(hostd, &hostd->by_domid[domid]->renamed);
	return true;
}

/* One that is being removed has none, and keeps the one that it had. */
static void take_name(uint32_t domid, const uint8_t uuid[16], const char *name)
{
	struct uvpi_dominfo info = { .domid = domid };
	_cleanup_free_ const char **known = NULL;

	if (!name || !*name)
		return;
	memcpy(info.uuid, uuid, sizeof(info.uuid));
	known = uvpi_known_names(&info, 1);
	if (!known || (known[0] && !strcmp(known[0], name)))
		return;
	if (known[0]) {
		daemon_log(DAEMON_DEBUG, NULL, "domain %" PRIu32 ", '%s', is called '%s' now", domid, known[0], name);
		uvpi_name_release(known[0], uuid);
	}
	uvpi_name_note(name, &info, false);
}

int hostd_names_read(struct hostd *hostd, struct uvp_error *err)
{
	static const uint8_t host_uuid[16];
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct hostd_task *task;
	char path[64];
	int index = 0, r;

	if (!hostd->n_renamed)
		return 0;
	r = uvpi_batch_new(hostd->store, &batch, err);
	if (r < 0)
		return r;
	for (task = hostd->tasks; task; task = task->next) {
		if (!task->renamed)
			continue;
		name_path(task->domid, path);
		uvpi_batch_read(batch, path);
	}
	name_path(0, path);
	if (hostd->host_renamed)
		uvpi_batch_read(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	for (task = hostd->tasks; task; task = task->next) {
		if (!task->renamed)
			continue;
		task->renamed = false;
		if (!task->gone)
			take_name(task->domid, task->uuid, uvpi_batch_value(batch, index, NULL));
		index++;
	}
	if (hostd->host_renamed)
		take_name(0, host_uuid, uvpi_batch_value(batch, index, NULL));
	hostd->host_renamed = false;
	hostd->n_renamed = 0;
	return 0;
}

void hostd_names_keep(struct hostd *hostd)
{
	if (!hostd->store || hostd->n_renamed)
		return;
	if (hostd->kept < 0)
		hostd->kept = uvpi_known_keep();
	if (hostd->kept >= 0)
		uvpi_known_keep_until(hostd->kept, hostd->highest + 1);
}

void hostd_names_lost(struct hostd *hostd)
{
	if (hostd->kept >= 0)
		uvpi_known_keep_end(hostd->kept);
	hostd->kept = -1;
	for (struct hostd_task *task = hostd->tasks; task; task = task->next)
		task->named = task->renamed = false;
	hostd->host_renamed = false;
	hostd->n_renamed = 0;
}
