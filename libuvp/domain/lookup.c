/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding a domain. By id: one hypercall. By name: the folder of names says which id, Xen whether that is still the
 * same domain, and xenstore whether it still has that name; only a name that the folder does not know costs a look at
 * all domains. */
#include "domain/domain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/store.h"
#include "define/store.h"

/* The name is good to have for messages, but a xenstored that hangs must not keep anybody from pausing domain 7. */
#define NAME_PATIENCE_MS 5000
#define MAX_ID 0x7fef

int uvpi_domain_new(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], const char *name,
		    struct uvp_domain **ret_domain, struct uvp_error *err)
{
	struct uvp_domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return uvpi_no_memory(err);
	domain->host = host;
	domain->domid = domid;
	memcpy(domain->uuid, uuid, sizeof(domain->uuid));
	snprintf(domain->name, sizeof(domain->name), "%s", name);
	*ret_domain = domain;
	return 0;
}

void uvp_domain_free(struct uvp_domain *domain)
{
	free(domain);
}

uint32_t uvp_domain_id(const struct uvp_domain *domain)
{
	return domain->domid;
}

const uint8_t *uvp_domain_uuid(const struct uvp_domain *domain)
{
	return domain->uuid;
}

const char *uvp_domain_name(const struct uvp_domain *domain)
{
	return domain->name;
}

/* ---- names ---- */

/* The name in the folder of a domain that xenstore has none for: it is half made, or xenstored is gone. */
static void folder_name(const uint8_t uuid[16], char name[256])
{
	_cleanup_free_ struct uvpi_name_entry *entries = NULL;
	int n = uvpi_name_list(&entries, NULL);

	name[0] = '\0';
	for (int i = 0; i < n; i++)
		if (!memcmp(entries[i].uuid, uuid, 16))
			snprintf(name, 256, "%s", entries[i].name);
}

static int open_info(struct uvp_host *host, const struct uvpi_dominfo *info, struct uvp_domain **ret_domain,
		     struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_store *store = NULL;
	const char *value = NULL;
	char name[256];
	int patience = 0;

	if (uvpi_host_store(host, &store, NULL) == 0) {
		patience = uvpi_store_set_patience(store, NAME_PATIENCE_MS);
		if (uvpi_names_ask(host, info, 1, NULL, &batch, NULL) == 0)
			value = uvpi_batch_value(batch, 0, NULL);
		uvpi_store_set_patience(store, patience);
	}
	if (value && *value)
		snprintf(name, sizeof(name), "%s", value);
	else
		folder_name(info->uuid, name);
	return uvpi_domain_new(host, info->domid, info->uuid, name, ret_domain, err);
}

/* ---- by id and UUID ---- */

static int fail_no_id(uint32_t domid, struct uvp_error *err)
{
	int r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no domain %" PRIu32, domid);

	uvpi_hint(err, "'xlx list' shows the domains there are");
	return r;
}

int uvp_domain_open(struct uvp_host *host, uint32_t domid, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r;

	if (domid > MAX_ID)
		return fail_no_id(domid, err);
	r = uvpi_hyp_domain(host->hyp, domid, &info, err);
	if (r == -UVP_E_NOT_FOUND)
		return fail_no_id(domid, err);
	if (r < 0)
		return r;
	if (uvpi_is_shell(info.uuid)) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain %" PRIu32 " is no guest: it is prepared for one that is yet to be created",
			      domid);
		uvpi_hint(err, "'xlx pool' shows such domains, and 'xlx pool drain' removes them");
		return r;
	}
	return open_info(host, &info, ret_domain, err);
}

static int lookup_uuid(struct uvp_host *host, const char *text, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	const struct uvpi_dominfo *found, *other;
	uint8_t uuid[16];
	int n, r;

	r = uvpi_parse_uuid(text, uuid, err);
	if (r < 0)
		return r;
	n = uvpi_hyp_domains(host->hyp, 0, &infos, err);
	if (n < 0)
		return n;
	found = uvpi_name_domain(infos, n, uuid);
	if (!found)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no domain with the UUID %s", text);
	other = uvpi_name_domain(found + 1, n - (int)(found - infos) - 1, uuid);
	if (other && !other->dying) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "domains %" PRIu32 " and %" PRIu32 " both have the UUID %s",
			      found->domid, other->domid, text);
		uvpi_hint(err, "name the one you mean by its id");
		return r;
	}
	return open_info(host, found, ret_domain, err);
}

/* ---- by name ---- */

/* 1: found. 0: the folder does not know, or what it says is not so. */
static int lookup_folder(struct uvp_host *host, const char *name, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_name_entry entry;
	struct uvpi_dominfo info;
	const char *value;
	int r;

	if (uvpi_name_get(name, &entry, NULL) <= 0 || entry.domid < 0)
		return 0;
	r = uvpi_hyp_domain(host->hyp, (uint32_t)entry.domid, &info, err);
	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	if (memcmp(info.uuid, entry.uuid, 16))
		return 0;
	/* Without xenstored there is nobody who could know better than the folder. */
	if (uvpi_names_ask(host, &info, 1, NULL, &batch, NULL) == 0) {
		value = uvpi_batch_value(batch, 0, NULL);
		/* One without any name there is being removed, or its removal was interrupted. */
		if (value && strcmp(value, name))
			return 0;
	}
	r = uvpi_domain_new(host, info.domid, info.uuid, name, ret_domain, err);
	return r < 0 ? r : 1;
}

/* A name that only a claim has: the domain is half made, or not made at all. The entry must be older than infos. */
static int lookup_claim(struct uvp_host *host, const struct uvpi_name_entry *entry, const struct uvpi_dominfo *infos,
			int n, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	const struct uvpi_dominfo *info;
	int r;

	if ((!entry->claimed && !entry->abandoned) || entry->domid >= 0)
		return 0;
	info = uvpi_name_domain(infos, n, entry->uuid);
	if (info) {
		r = uvpi_domain_new(host, info->domid, info->uuid, entry->name, ret_domain, err);
		return r < 0 ? r : 1;
	}
	if (entry->claimed) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain '%s' is being created and is not there yet",
			      entry->name);
		uvpi_hint(err, "wait until 'xlx create' has finished");
		return r;
	}
	uvpi_name_release(entry->name, entry->uuid);
	return uvpi_fail(err, UVP_E_NOT_FOUND, 0,
			 "there is no domain '%s': its creation was interrupted before anything was made", entry->name);
}

static int fail_several(const char *name, const struct uvpi_dominfo *infos, int n, struct uvpi_batch *batch,
			struct uvp_error *err)
{
	char ids[160] = "";
	size_t len = 0;
	int r;

	for (int i = 0; i < n; i++) {
		const char *value = uvpi_batch_value(batch, i, NULL);

		if (value && !strcmp(value, name) && len < sizeof(ids) - 12)
			len += (size_t)snprintf(ids + len, sizeof(ids) - len, "%s%" PRIu32, len ? ", " : "",
						infos[i].domid);
	}
	r = uvpi_fail(err, UVP_E_INVALID, 0, "several domains have the name '%s': %s", name, ids);
	uvpi_hint(err, "name the one you mean by its id");
	return r;
}

static int fail_no_name(const char *name, int n, struct uvpi_batch *batch, struct uvp_error *err)
{
	_cleanup_free_ const char **names = calloc((size_t)n + 1, sizeof(*names));
	const char *near = NULL;
	uint8_t uuid[16];
	int r, used = 0;

	for (int i = 0; names && i < n; i++) {
		const char *value = uvpi_batch_value(batch, i, NULL);

		if (value && *value)
			names[used++] = value;
	}
	if (names)
		near = uvpi_near_match(name, names);
	if (uvpi_def_name_get(name, uuid) && uvpi_def_exists(uuid)) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain '%s' is defined, and does not run", name);
		uvpi_hint(err, "'xlx start %.100s' starts it", name);
		return r;
	}
	r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no domain '%.200s'", name);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	else
		uvpi_hint(err, "'xlx list' shows the domains there are");
	return r;
}

/* Enter what was read, so that the next lookup need not read it again. */
static void note_names(const struct uvpi_dominfo *infos, int n, struct uvpi_batch *batch)
{
	_cleanup_free_ bool *known = calloc((size_t)n + 1, sizeof(*known));

	if (known)
		uvpi_names_note_all(infos, n, batch, known);
}

static int lookup_all(struct uvp_host *host, const char *name, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_name_entry entry = { 0 };
	int n, r, found = -1;

	r = uvpi_name_get(name, &entry, NULL);
	n = uvpi_hyp_domains(host->hyp, 0, &infos, err);
	if (n < 0)
		return n;
	r = r > 0 ? lookup_claim(host, &entry, infos, n, ret_domain, err) : 0;
	if (r)
		return r < 0 ? r : 0;
	r = uvpi_names_ask(host, infos, n, NULL, &batch, err);
	if (r < 0) {
		uvpi_prefix(err, "cannot look for domain '%.80s'", name);
		return r;
	}
	for (int i = 0; i < n; i++) {
		const char *value = uvpi_batch_value(batch, i, NULL);

		if (!value || strcmp(value, name))
			continue;
		if (found >= 0)
			return fail_several(name, infos, n, batch, err);
		found = i;
	}
	note_names(infos, n, batch);
	if (found < 0)
		return fail_no_name(name, n, batch, err);
	/* Also when it was known: another tool renamed it then. */
	uvpi_name_note(name, &infos[found], true);
	return uvpi_domain_new(host, infos[found].domid, infos[found].uuid, name, ret_domain, err);
}

static bool all_digits(const char *text)
{
	for (; *text; text++)
		if (!isdigit((unsigned char)*text))
			return false;
	return true;
}

int uvp_domain_lookup(struct uvp_host *host, const char *id_uuid_or_name, struct uvp_domain **ret_domain,
		      struct uvp_error *err)
{
	uint32_t domid;
	int r;

	if (!*id_uuid_or_name)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a domain is needed: its id, UUID or name, not an empty text");
	if (all_digits(id_uuid_or_name)) {
		r = uvpi_parse_u32(id_uuid_or_name, "domain id", 0, UINT32_MAX, &domid, err);
		return r < 0 ? r : uvp_domain_open(host, domid, ret_domain, err);
	}
	if (uvpi_is_uuid(id_uuid_or_name))
		return lookup_uuid(host, id_uuid_or_name, ret_domain, err);
	r = lookup_folder(host, id_uuid_or_name, ret_domain, err);
	if (r)
		return r < 0 ? r : 0;
	return lookup_all(host, id_uuid_or_name, ret_domain, err);
}
