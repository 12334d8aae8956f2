/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains that have ended and are left there. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/num.h"
#include "core/step.h"
#include "daemon/log.h"
#include "domain/domain.h"
#include "domain/hostd.h"
#include "hostd/work.h"

int hostd_keep(struct hostd_work *work, uint32_t domid, const char *word, struct uvp_error *err)
{
	char path[64];

	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/ended", domid);
	return uvpi_store_write(work->store, path, word, err);
}

/* All nodes that tell the UUID, in one transaction. */
static int change_nodes(struct hostd_work *work, const struct hostd_note *note, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[128], kept[UVPI_UUID_TEXT], uuid[UVPI_UUID_TEXT];
	int r = uvpi_batch_new(work->store, &batch, err);

	if (r < 0)
		return r;
	uvpi_format_uuid(note->kept, kept);
	uvpi_format_uuid(note->uuid, uuid);
	snprintf(path, sizeof(path), "/vm/%s", uuid);
	uvpi_batch_rm(batch, path);
	snprintf(path, sizeof(path), "/vm/%s/uuid", kept);
	uvpi_batch_write(batch, path, kept);
	snprintf(path, sizeof(path), "/vm/%s/name", kept);
	uvpi_batch_write(batch, path, note->name);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", note->old_domid);
	uvpi_batch_writef(batch, path, "/vm/%s", kept);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/ended", note->old_domid);
	uvpi_batch_write(batch, path, UVPI_ENDED_RENAME);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/uuid", note->old_domid);
	uvpi_batch_write(batch, path, kept);
	return uvpi_batch_run(batch, true, err);
}

static int rename_old(struct hostd_work *work, const struct hostd_note *note, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	char name[256], stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	int r = uvp_domain_open(work->host, note->old_domid, &domain, err);

	if (r < 0)
		return r;
	if (strcmp(domain->name, note->name))
		return 0;
	strftime(stamp, sizeof(stamp), "-%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	snprintf(name, sizeof(name), "%.*s%s", (int)(sizeof(name) - 1 - strlen(stamp)), note->name, stamp);
	r = uvp_domain_rename(domain, name, err);
	if (r >= 0)
		daemon_log(DAEMON_NOTICE, note->name, "domain %" PRIu32 " '%s' is kept as '%s'", note->old_domid,
			   note->name, name);
	return r;
}

int hostd_keep_renamed(struct hostd_work *work, const struct hostd_note *note, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(work->host->hyp, note->old_domid, &info, err);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	if (!memcmp(info.uuid, note->uuid, 16)) {
		r = change_nodes(work, note, err);
		if (r < 0)
			return r;
		UVPI_STEP("nodes of the old life changed");
		uvpi_name_release(note->name, note->uuid);
		r = uvpi_hyp_set_uuid(work->host->hyp, note->old_domid, note->kept, err);
		if (r < 0)
			return r;
		UVPI_STEP("UUID of the old life changed");
	} else if (memcmp(info.uuid, note->kept, 16)) {
		return 0; /* somebody destroyed it, and another domain has its id */
	}
	return rename_old(work, note, err);
}
