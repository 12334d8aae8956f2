/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What domains that Xen no longer knows have left behind. Lists of leftovers are always taken before Xen is asked: what
 * belongs to a domain in the making is written after Xen knows it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/bootloader.h"
#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/num.h"
#include "daemon/log.h"
#include "device/qdisk.h"
#include "domain/domain.h"
#include "hostd/work.h"
#include "migrate/slow.h"

#define DOMIDS 0x7ff0u /* ids from here on are special to Xen */

struct living {
	struct uvpi_dominfo *infos;
	int n;
};

static bool has_domid(const struct living *living, uint32_t domid)
{
	int low = 0, high = living->n;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (living->infos[middle].domid == domid)
			return true;
		if (living->infos[middle].domid < domid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool has_uuid(const struct living *living, const uint8_t uuid[16])
{
	for (int i = 0; i < living->n; i++)
		if (!memcmp(living->infos[i].uuid, uuid, 16))
			return true;
	return false;
}

static bool has_note(const struct hostd_result *result, const uint8_t uuid[16])
{
	for (int i = 0; i < result->n_notes; i++)
		if (!memcmp(result->notes[i], uuid, 16))
			return true;
	return false;
}

static int parse_domid(const char *text, uint32_t *ret_domid)
{
	return uvpi_parse_u32(text, "domain", 1, DOMIDS - 1, ret_domid, NULL);
}

/* ---- our own notes ---- */

static int sweep_domain(struct hostd_work *work, uint32_t domid, const struct hostd_result *result,
			struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_free_ char *text = NULL;
	char path[64];
	uint8_t uuid[16];
	int r;

	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/uuid", domid);
	r = uvpi_store_read(work->store, path, &text, err);
	if (r < 0)
		return r;
	if (!text || uvpi_parse_uuid(text, uuid, NULL) < 0) {
		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32, domid);
		return uvpi_store_rm(work->store, path, err);
	}
	if (has_note(result, uuid))
		return 0; /* whoever finishes that does this, too */
	r = uvpi_domain_new(work->host, domid, uuid, "", &domain, err);
	if (r < 0)
		return r;
	daemon_log(DAEMON_INFO, NULL, "removing what domain %" PRIu32 " (%s) left: it is gone", domid, text);
	r = uvp_domain_destroy(domain, NULL, err);
	return r == -UVP_E_NOT_FOUND ? 0 : r;
}

/* ---- names ---- */

/* As it was when Xen was asked: a name that was given anew since then stays. */
static void release_stale_name(const struct uvpi_name_entry *old)
{
	struct uvpi_name_entry now;

	if (uvpi_name_get(old->name, &now, NULL) > 0 && !memcmp(now.uuid, old->uuid, 16) && now.domid == old->domid &&
	    now.claimed == old->claimed && now.abandoned == old->abandoned)
		uvpi_name_release(old->name, old->uuid);
}

static void sweep_names(const struct living *living, const struct uvpi_name_entry *entries, int n)
{
	for (int i = 0; i < n; i++)
		if (!entries[i].claimed && !has_uuid(living, entries[i].uuid))
			release_stale_name(&entries[i]);
}

/* ---- nodes of consoles ---- */

/* xenconsoled may write the pty's name after everything else of the domain was removed. */
static int sweep_console(struct hostd_work *work, uint32_t domid, struct uvp_error *err)
{
	_cleanup_free_ char **names = NULL;
	char path[64];
	int n, r;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32, domid);
	r = uvpi_store_list(work->store, path, &names, &n, err);
	if (r < 0 || n != 1 || strcmp(names[0], "console"))
		return r < 0 ? r : 0;
	return uvpi_store_rm(work->store, path, err);
}

/* ---- moves that were killed ---- */

static void say_mended(uint32_t domid, const char *name, const struct uvpi_slow_mended *mended)
{
	if (mended->cap)
		daemon_log(DAEMON_NOTICE, name,
			   "domain %" PRIu32 " was being moved by somebody who was killed, and had a cap of %" PRIu32
			   "; it has its own again, %" PRIu32, domid, mended->left, mended->own);
	if (mended->limit)
		daemon_log(DAEMON_NOTICE, name,
			   "domain %" PRIu32 " was being moved by somebody who was killed, and had a limit of memory of 0"
			   "; it has its own again, %" PRIu64 " KiB", domid, mended->limit_kib);
}

/* The domain is there, or has gone. 1: it is being moved. */
static int mend(struct hostd_work *work, uint32_t domid, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvpi_slow_mended mended = { 0 };
	struct uvpi_dominfo info;
	char path[64];
	int r = uvpi_hyp_domain(work->host->hyp, domid, &info, NULL);

	if (r == -UVP_E_NOT_FOUND) {
		snprintf(path, sizeof(path), UVPI_NODE_SLOWED "/%" PRIu32, domid);
		return uvpi_store_rm(work->store, path, err);
	}
	r = uvp_domain_open(work->host, domid, &domain, err);
	if (r == 0)
		r = uvpi_slow_mend(domain, &mended, err);
	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r > 0)
		say_mended(domid, uvp_domain_name(domain), &mended);
	return r < 0 ? r : mended.moving;
}

/* One that cannot be put back keeps nothing else from being done. */
static void mend_all(struct hostd_work *work, char **noted, int n, struct hostd_result *result)
{
	uint32_t domid;

	for (int i = 0; i < n; i++) {
		struct uvp_error why = UVP_ERROR_INIT;
		int r = 0;

		if (parse_domid(noted[i], &domid) >= 0)
			r = mend(work, domid, &why);
		if (r > 0) {
			daemon_log(DAEMON_DEBUG, NULL, "domain %" PRIu32 " is being moved", domid);
			result->n_moving++;
		}
		if (r < 0) {
			uvpi_prefix(&why, "domain %" PRIu32 " was being moved by somebody who was killed, and is not as it was", domid);
			daemon_log_failure(DAEMON_WARNING, NULL, &why);
		}
	}
}

int hostd_mend(struct hostd_work *work, struct hostd_result *result, struct uvp_error *err)
{
	_cleanup_free_ char **noted = NULL;
	int n, r = uvpi_store_list(work->store, UVPI_NODE_SLOWED, &noted, &n, err);

	if (r < 0)
		return r;
	mend_all(work, noted, n, result);
	result->outcome = HOSTD_DONE;
	return 0;
}

/* ---- the whole ---- */

static int sweep(struct hostd_work *work, char **ours, int n_ours, char **homes, int n_homes,
		 const struct living *living, struct hostd_result *result, struct uvp_error *err)
{
	uint32_t domid;
	int r = 0;

	for (int i = 0; r >= 0 && i < n_ours; i++)
		if (parse_domid(ours[i], &domid) >= 0 && !has_domid(living, domid))
			r = sweep_domain(work, domid, result, err);
	for (int i = 0; r >= 0 && i < n_homes; i++)
		if (parse_domid(homes[i], &domid) >= 0 && !has_domid(living, domid))
			r = sweep_console(work, domid, err);
	return r;
}

int hostd_sweep(struct hostd_work *work, struct hostd_result *result, struct uvp_error *err)
{
	_cleanup_free_ char **ours = NULL, **homes = NULL, **noted = NULL;
	_cleanup_free_ struct uvpi_name_entry *entries = NULL;
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	struct living living = { 0 };
	int n_ours, n_homes, n_noted, n_entries, r;

	uvpi_loader_sweep();
	r = hostd_note_list(work->store, result->notes, HOSTD_NOTES_MAX, err);
	if (r < 0)
		return r;
	result->n_notes = r;
	r = uvpi_store_list(work->store, UVPI_NODE_DOMAIN, &ours, &n_ours, err);
	if (r >= 0)
		r = uvpi_store_list(work->store, "/local/domain", &homes, &n_homes, err);
	if (r >= 0)
		r = uvpi_store_list(work->store, UVPI_NODE_SLOWED, &noted, &n_noted, err);
	if (r < 0)
		return r;
	n_entries = uvpi_name_list(&entries, err);
	if (n_entries < 0)
		return n_entries;
	living.n = uvpi_hyp_all_domains(work->host->hyp, 0, &infos, err);
	if (living.n < 0)
		return living.n;
	living.infos = infos;
	sweep_names(&living, entries, n_entries);
	r = sweep(work, ours, n_ours, homes, n_homes, &living, result, err);
	mend_all(work, noted, n_noted, result);
	uvpi_qdisk_collect();
	if (r >= 0)
		result->outcome = HOSTD_DONE;
	return r;
}
