/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of domains: Xen says which there are and how they are, xenstore what they are called. Whether one is
 * still being made is asked only of those that are paused and have never run. */
#include <uvp/list.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/store.h"
#include "domain/domain.h"

/* A list without names now is worth more than one with names in half a minute; figures, than one in a second. */
#define LIST_PATIENCE_MS 10000
#define HASTY_PATIENCE_MS 333
/* Each question costs xenstored the more the more guests it serves. Figures ask for names that are known in turns: so long one may
 * be old that another tool has changed. */
#define NAMES_ROUND_MS 10000
#define PAGE 4096

const char *uvp_state_name(enum uvp_state state)
{
	static const char *const names[] = { "running", "idle", "paused", "shut-down", "dying", "building", "left-over" };

	return (size_t)state < UVPI_ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *uvp_reason_name(enum uvp_reason reason)
{
	static const char *const names[] = { "poweroff", "reboot", "suspend", "crash", "watchdog", "soft-reset" };

	return (size_t)reason < UVPI_ARRAY_SIZE(names) ? names[reason] : "unknown";
}

const char *uvp_type_name(enum uvp_type type)
{
	static const char *const names[] = { "unknown", "pv", "pvh", "hvm" };

	return (size_t)type < UVPI_ARRAY_SIZE(names) ? names[type] : "unknown";
}

/* What the list lends names from. */
struct owned {
	const char **known; /* by the table of what was seen */
	struct uvpi_batch *batch;
	struct uvpi_name_entry *entries; /* of the folder, when they had to be read */
	int n_entries;
};

struct work {
	struct uvp_host *host;
	const struct uvpi_dominfo *infos;
	int n;
	unsigned int flags;
	bool kept; /* the known names are true: they need not be asked for */
	int turn_first, turn_n; /* of the other known ones these are, from the end on at the beginning */
	struct uvp_domain_list *list;
	struct owned *owned;
};

/* ---- what Xen says ---- */

static enum uvp_state state_of(const struct uvpi_dominfo *info)
{
	if (info->dying)
		return UVP_STATE_DYING;
	if (info->shutdown)
		return UVP_STATE_SHUT_DOWN;
	if (info->paused)
		return UVP_STATE_PAUSED;
	return info->blocked && !info->running ? UVP_STATE_IDLE : UVP_STATE_RUNNING;
}

static void from_xen(const struct uvpi_dominfo *info, struct uvp_domain_info *domain)
{
	domain->id = info->domid;
	memcpy(domain->uuid, info->uuid, sizeof(domain->uuid));
	domain->state = state_of(info);
	domain->reason = (enum uvp_reason)info->reason;
	/* only what has an emulated chipset has its power button */
	domain->type = !info->hvm ? UVP_TYPE_PV : info->power_button ? UVP_TYPE_HVM : UVP_TYPE_PVH;
	domain->memory_bytes = (info->pages + info->outstanding_pages) * PAGE;
	domain->max_memory_bytes = info->max_pages > UINT64_MAX / PAGE ? UINT64_MAX : info->max_pages * PAGE;
	domain->vcpus = info->online_vcpus;
	domain->max_vcpus = info->max_vcpu_id + 1;
	domain->cpu_time_ns = info->cpu_time_ns;
	domain->pool = info->cpupool;
}

/* ---- what xenstore says ---- */

enum { TYPE, START, OURS, DETAILS };

static void choose_turns(struct work *work, int64_t now)
{
	int64_t since = now - work->host->names_ms, all = work->n;

	work->turn_n = work->n;
	if (!(work->flags & UVPI_LIST_HASTY) || !work->host->names_ms || since >= NAMES_ROUND_MS)
		return;
	/* one at least: who is silent is asked, too */
	work->turn_n = (int)(all * since / NAMES_ROUND_MS) + 1;
	while (work->turn_first < work->n && work->infos[work->turn_first].domid < work->host->names_next)
		work->turn_first++;
}

static void end_turns(const struct work *work, int64_t now)
{
	if (!(work->flags & UVPI_LIST_HASTY) || !work->n)
		return;
	work->host->names_ms = now;
	work->host->names_next = work->infos[(work->turn_first + work->turn_n) % work->n].domid;
}

static bool must_ask_name(const struct work *work, int i)
{
	if (!work->owned->known || !work->owned->known[i])
		return true;
	return !work->kept && (i - work->turn_first + work->n) % work->n < work->turn_n;
}

static void ask_details(struct uvpi_batch *batch, const struct uvpi_dominfo *info)
{
	char path[96], uuid[UVPI_UUID_TEXT];

	snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/type", info->domid);
	uvpi_batch_read(batch, path);
	uvpi_format_uuid(info->uuid, uuid);
	snprintf(path, sizeof(path), "/vm/%s/start_time", uuid);
	uvpi_batch_read(batch, path);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/uuid", info->domid);
	uvpi_batch_read(batch, path);
}

/* Returns how many questions there are. */
static int ask(const struct work *work, struct uvpi_batch *batch)
{
	int asked = 0;

	for (int i = 0; i < work->n; i++) {
		char path[64];

		if (must_ask_name(work, i)) {
			snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", work->infos[i].domid);
			if (batch)
				uvpi_batch_read(batch, path);
			asked++;
		}
		if (work->flags & UVP_LIST_DETAILS) {
			if (batch)
				ask_details(batch, &work->infos[i]);
			asked += DETAILS;
		}
	}
	return asked;
}

static int ask_store(struct work *work, struct uvp_error *err)
{
	struct uvpi_store *store;
	int patience = work->flags & UVPI_LIST_HASTY ? HASTY_PATIENCE_MS : LIST_PATIENCE_MS, r;

	if (!ask(work, NULL))
		return 0;
	if (work->flags & UVPI_LIST_NO_STORE)
		return uvpi_fail(err, UVP_E_TIMEOUT, 0, "xenstored did not answer the last time");
	r = uvpi_host_store_within(work->host, patience, &store, err);
	if (r < 0)
		return r;
	r = uvpi_batch_new(store, &work->owned->batch, err);
	if (r < 0)
		return r;
	ask(work, work->owned->batch);
	patience = uvpi_store_set_patience(store, patience);
	r = uvpi_batch_run(work->owned->batch, false, err);
	uvpi_store_set_patience(store, patience);
	return r;
}

static void take_details(const struct uvpi_batch *batch, int first, struct uvp_domain_info *domain)
{
	const char *type = uvpi_batch_value(batch, first + TYPE, NULL);
	const char *start = uvpi_batch_value(batch, first + START, NULL);
	const char *ours = uvpi_batch_value(batch, first + OURS, NULL);
	uint8_t uuid[16];
	char seconds[24];
	uint64_t value;

	if (type && domain->type != UVP_TYPE_PV && !strcmp(type, "pvh"))
		domain->type = UVP_TYPE_PVH;
	if (type && domain->type != UVP_TYPE_PV && !strcmp(type, "hvm"))
		domain->type = UVP_TYPE_HVM;
	/* "SECONDS.HUNDREDTHS", as libxl writes it. */
	snprintf(seconds, sizeof(seconds), "%.*s", start ? (int)strcspn(start, ".") : 0, start ? start : "");
	if (uvpi_parse_u64(seconds, "start_time", 1, INT64_MAX, &value, NULL) == 0)
		domain->start_time = (int64_t)value;
	domain->ours = ours && uvpi_parse_uuid(ours, uuid, NULL) == 0 && !memcmp(uuid, domain->uuid, 16);
}

static void take_store(struct work *work)
{
	int index = 0;

	for (int i = 0; i < work->n; i++) {
		struct uvp_domain_info *domain = &work->list->domains[i];
		const char *name = must_ask_name(work, i) ? uvpi_batch_value(work->owned->batch, index++, NULL) :
							   work->owned->known[i];

		domain->name = name && *name ? name : NULL;
		if (work->flags & UVP_LIST_DETAILS) {
			take_details(work->owned->batch, index, domain);
			index += DETAILS;
		}
	}
}

/* Without an answer. */
static void take_known(struct work *work)
{
	for (int i = 0; work->owned->known && i < work->n; i++) {
		const char *name = work->owned->known[i];

		work->list->domains[i].name = name && *name ? name : NULL;
	}
}

/* ---- what the folder of names says ---- */

static const struct uvpi_name_entry *entry_of(struct work *work, const uint8_t uuid[16])
{
	struct owned *owned = work->owned;

	if (owned->n_entries < 0)
		owned->n_entries = uvpi_name_list(&owned->entries, NULL);
	for (int i = 0; i < owned->n_entries; i++)
		if (!memcmp(owned->entries[i].uuid, uuid, 16))
			return &owned->entries[i];
	return NULL;
}

static void take_claim(const struct uvpi_name_entry *entry, struct uvp_domain_info *domain)
{
	/* With an id, it is a claim of the name that a complete domain is about to get. */
	if (memcmp(entry->uuid, domain->uuid, 16) || entry->domid >= 0)
		return;
	if (entry->claimed)
		domain->state = UVP_STATE_BUILDING;
	else if (entry->abandoned)
		domain->state = UVP_STATE_LEFT_OVER;
}

/* A domain that never ran may be half made; one without a name may have it in the folder. */
static void take_folder(struct work *work)
{
	for (int i = 0; i < work->n; i++) {
		struct uvp_domain_info *domain = &work->list->domains[i];
		const struct uvpi_name_entry *entry;
		struct uvpi_name_entry named;
		bool never_ran = domain->state == UVP_STATE_PAUSED && !domain->cpu_time_ns;

		if (domain->name && never_ran && uvpi_name_get(domain->name, &named, NULL) > 0)
			take_claim(&named, domain);
		if (domain->name)
			continue;
		entry = entry_of(work, domain->uuid);
		if (entry)
			domain->name = entry->name;
		if (entry && never_ran)
			take_claim(entry, domain);
		if (!domain->name && !domain->id)
			domain->name = "Domain-0";
	}
}

/* Entries that there are more of than domains belong to some that are gone. */
static void forget_gone(struct work *work)
{
	_cleanup_free_ const char **names = calloc((size_t)work->n + 1, sizeof(*names));
	_cleanup_free_ struct uvpi_name_link *links = NULL;
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n_links = uvpi_name_collect(work->n, &links), n;

	if (!n_links || !names)
		return;
	/* Newer than the links: a domain that was made since we asked is not gone. */
	n = uvpi_hyp_domains(work->host->hyp, 0, &infos, NULL);
	for (int i = 0; i < work->n; i++)
		names[i] = work->list->domains[i].name;
	if (n > 0)
		uvpi_name_discard(links, n_links, infos, n, names, work->n);
}

/* What was seen is remembered, what is gone is forgotten: later claims and lookups then cost less. */
static void refresh_folder(struct work *work)
{
	const char **known = work->owned->known;

	if (!known || work->list->store_error.code)
		return;
	for (int i = 0; i < work->n; i++) {
		const char *name = work->list->domains[i].name;

		if (!name || (known[i] && !strcmp(known[i], name)))
			continue;
		if (known[i])
			uvpi_name_release(known[i], work->infos[i].uuid);
		uvpi_name_note(name, &work->infos[i], false);
	}
	if (!work->kept)
		forget_gone(work);
}

/* ---- putting it together ---- */

static int fill(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, unsigned int flags, bool all,
		struct uvp_domain_list *ret_list, struct uvp_error *err)
{
	struct uvp_domain_list list = { .n = (size_t)n };
	struct work work = { .host = host, .infos = infos, .n = n, .flags = flags, .list = &list };
	int64_t now = uvpi_now_ms();

	list.domains = calloc((size_t)n + 1, sizeof(*list.domains));
	list.owned = work.owned = calloc(1, sizeof(*work.owned));
	if (!list.domains || !list.owned) {
		uvp_domain_list_free(&list);
		return uvpi_no_memory(err);
	}
	work.owned->n_entries = -1;
	work.owned->known = uvpi_known_names(infos, n);
	work.kept = uvpi_known_kept(NULL);
	choose_turns(&work, now);
	for (int i = 0; i < n; i++)
		from_xen(&infos[i], &list.domains[i]);
	if (ask_store(&work, &list.store_error) == 0) {
		take_store(&work);
		end_turns(&work, now);
	} else {
		take_known(&work);
	}
	take_folder(&work);
	if (all)
		refresh_folder(&work);
	*ret_list = list;
	return 0;
}

int uvpi_domain_list_of(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, unsigned int flags,
			struct uvp_domain_list *ret_list, struct uvp_error *err)
{
	return fill(host, infos, n, flags, true, ret_list, err);
}

int uvp_domain_list(struct uvp_host *host, unsigned int flags, struct uvp_domain_list *ret_list, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_domains(host->hyp, 0, &infos, err);

	return n < 0 ? n : fill(host, infos, n, flags, true, ret_list, err);
}

int uvp_domain_list_some(struct uvp_domain *const *domains, size_t n, unsigned int flags,
			 struct uvp_domain_list *ret_list, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = calloc(n + 1, sizeof(*infos));

	if (!infos || n > INT32_MAX)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < n; i++) {
		int r = uvpi_domain_look(domains[i], &infos[i], err);

		if (r < 0)
			return r;
	}
	if (!n) {
		*ret_list = (struct uvp_domain_list){ 0 };
		return 0;
	}
	return fill(domains[0]->host, infos, (int)n, flags, false, ret_list, err);
}

void uvp_domain_list_free(struct uvp_domain_list *list)
{
	struct owned *owned;

	if (!list)
		return;
	owned = list->owned;
	if (owned) {
		uvpi_batch_free(owned->batch);
		free(owned->known);
		free(owned->entries);
		free(owned);
	}
	free(list->domains);
	*list = (struct uvp_domain_list){ 0 };
}
