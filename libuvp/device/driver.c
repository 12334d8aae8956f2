/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/devspec.h"
#include "config/spec.h"
#include "config/xml_list.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"
#include "device/xenbus.h"
#include "domain/domain.h"

/* Whoever pauses a domain for longer than for a look at it. */
#define PAUSE_MS 2000

/* ---- which domain ---- */

static enum uvpi_silence silence_of(const struct uvpi_dominfo *info)
{
	return info->dying    ? UVPI_SILENT_DYING :
	       info->shutdown ? UVPI_SILENT_ENDED :
	       info->paused   ? UVPI_SILENT_PAUSED :
				UVPI_ANSWERS;
}

const char *uvpi_driver_silence_text(enum uvpi_silence silence)
{
	static const char *const texts[] = { NULL, "is paused", "has shut down or crashed", "is being destroyed", "is gone" };

	return texts[silence];
}

enum uvpi_silence uvpi_driver_silence(struct uvp_host *host, uint32_t domid)
{
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(host->hyp, domid, &info, NULL);

	return r == -UVP_E_NOT_FOUND ? UVPI_SILENT_GONE : r < 0 ? UVPI_ANSWERS : silence_of(&info);
}

bool uvpi_driver_is_silent(const struct uvpi_devset *set, struct uvpi_device *dev)
{
	dev->silence = dev->server ? uvpi_driver_silence(set->host, dev->server) : UVPI_ANSWERS;
	return dev->silence != UVPI_ANSWERS;
}

bool uvpi_driver_stays_silent(const struct uvpi_devset *set, struct uvpi_device *dev)
{
	if (uvpi_driver_is_silent(set, dev) && dev->silence != UVPI_SILENT_PAUSED)
		return true;
	if (dev->silence == UVPI_ANSWERS)
		dev->paused_ms = 0;
	else if (!dev->paused_ms)
		dev->paused_ms = uvpi_now_ms();
	return dev->paused_ms && uvpi_now_ms() - dev->paused_ms >= PAUSE_MS;
}

static int check_state(const struct uvp_domain *domain, const struct uvpi_dominfo *info, struct uvp_error *err)
{
	char label[UVPI_LABEL], word[UVPI_LABEL];
	enum uvpi_silence silence = silence_of(info);

	if (silence == UVPI_ANSWERS)
		return 0;
	uvpi_domain_label(domain, label);
	uvpi_fail(err, UVP_E_BUSY, 0, "%s %s, and %s", label, uvpi_driver_silence_text(silence),
		  silence == UVPI_SILENT_PAUSED ? "does not answer" : "serves nobody");
	if (silence == UVPI_SILENT_PAUSED)
		uvpi_hint(err, "xlx unpause %.200s", uvpi_domain_word(domain, word));
	return -UVP_E_BUSY;
}

static int look_up(struct uvpi_devset *set, struct uvpi_device *dev, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvpi_dominfo info;
	int r = uvp_domain_lookup(set->host, dev->backend_name, &domain, err);

	if (r < 0)
		return r;
	if (!memcmp(domain->uuid, set->uuid, sizeof(set->uuid)))
		return uvpi_fail(err, UVP_E_INVALID, 0, "it is the domain itself, and no domain can serve itself");
	r = uvpi_domain_look(domain, &info, err);
	if (r == 0)
		r = check_state(domain, &info, err);
	if (r < 0)
		return r;
	dev->server = domain->domid;
	memcpy(dev->server_uuid, domain->uuid, sizeof(dev->server_uuid));
	uvpi_domain_label(domain, dev->server_label);
	return 0;
}

/* Domains are looked up once, however many of the devices they serve. */
static const struct uvpi_device *same_server(const struct uvpi_devset *set, const struct uvpi_device *dev)
{
	for (int i = 0; i < set->n && set->list[i] != dev; i++)
		if (set->list[i]->backend_name && !strcmp(set->list[i]->backend_name, dev->backend_name))
			return set->list[i];
	return NULL;
}

int uvpi_driver_find(struct uvpi_devset *set, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		struct uvpi_device *dev = set->list[i];
		const struct uvpi_device *other;
		int r;

		if (!dev->backend_name)
			continue;
		other = same_server(set, dev);
		if (other) {
			dev->server = other->server;
			memcpy(dev->server_uuid, other->server_uuid, sizeof(dev->server_uuid));
			memcpy(dev->server_label, other->server_label, sizeof(dev->server_label));
			continue;
		}
		r = look_up(set, dev, err);
		if (r < 0) {
			uvpi_prefix(err, "%s: the domain of its back end, '%.80s'", dev->label, dev->backend_name);
			return r;
		}
	}
	return 0;
}

void uvpi_driver_set(struct uvpi_devset *set, struct uvpi_device *dev, uint32_t domid)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;

	dev->server = domid;
	if (!domid)
		return;
	if (uvp_domain_open(set->host, domid, &domain, NULL) == 0)
		uvpi_domain_label(domain, dev->server_label);
	else
		snprintf(dev->server_label, sizeof(dev->server_label), "domain %" PRIu32, domid);
}

void uvpi_driver_not_undone(const char *label, enum uvpi_silence silence, const char *what, struct uvp_error *err)
{
	if (silence == UVPI_SILENT_PAUSED) {
		uvpi_fail(err, UVP_E_BUSY, 0, "%.200s is paused, and has not undone what it did for %.120s", label, what);
		uvpi_hint(err, "it does when it is unpaused");
		return;
	}
	uvpi_fail(err, UVP_E_TIMEOUT, 0, "%.200s did not undo in time what it did for %.120s", label, what);
	uvpi_hint(err, "does an agent (xl devd) run there? A loop device may be left: losetup -a");
}

bool uvpi_driver_is_vm(const char *vm, const uint8_t uuid[16])
{
	char text[UVPI_UUID_TEXT];
	size_t len;

	uvpi_format_uuid(uuid, text);
	len = strlen(text);
	return vm && !strncmp(vm, "/vm/", 4) && !strncmp(vm + 4, text, len) && (!vm[4 + len] || vm[4 + len] == '-');
}

bool uvpi_driver_any(const struct uvpi_devset *set)
{
	for (int i = 0; i < set->n; i++)
		if (set->list[i]->server)
			return true;
	return false;
}

const char *uvpi_driver_label(const struct uvpi_device *dev, char buf[UVPI_DRIVER_LABEL])
{
	if (dev->server)
		snprintf(buf, UVPI_DRIVER_LABEL, "back end of %s in %s", dev->label, dev->server_label);
	else
		snprintf(buf, UVPI_DRIVER_LABEL, "%sback end of %s", dev->class->module ? "kernel's " : "", dev->label);
	return buf;
}

/* ---- its nodes ---- */

void uvpi_driver_sweep(struct uvp_host *host, struct uvpi_store *store, uint32_t domid)
{
	_cleanup_free_ char *vm = NULL;
	struct uvpi_dominfo info;
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", domid);
	if (uvpi_store_read(store, path, &vm, NULL) < 0 || vm)
		return;
	/* A domain that is being made has no nodes, and is there. */
	if (uvpi_hyp_domain(host->hyp, domid, &info, NULL) == 0 && !info.dying)
		return;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32, domid);
	uvpi_store_rm(store, path, NULL);
}

bool uvpi_driver_take_untouched(struct uvpi_store *store, const char *backend)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[160], number[4];
	int state_at;

	if (uvpi_batch_new(store, &batch, NULL) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/state", backend);
	snprintf(number, sizeof(number), "%d", UVPI_XENBUS_INITIALISING);
	state_at = uvpi_batch_read(batch, path);
	uvpi_batch_rm(batch, backend);
	return uvpi_batch_run_if(batch, state_at, number, NULL) > 0;
}

static int64_t age_ms(struct uvpi_store *store, const struct uvpi_device *dev)
{
	_cleanup_free_ char *text = NULL;
	char uuid[UVPI_UUID_TEXT], path[128];
	uint64_t seconds;
	int64_t age;

	uvpi_format_uuid(dev->server_uuid, uuid);
	snprintf(path, sizeof(path), "/vm/%s/start_time", uuid);
	if (uvpi_store_read(store, path, &text, NULL) < 0 || !text)
		return INT64_MAX;
	text[strcspn(text, ".")] = '\0'; /* "SECONDS.HUNDREDTHS" */
	if (uvpi_parse_u64(text, "start_time", 1, INT32_MAX * 2ull, &seconds, NULL) < 0)
		return INT64_MAX;
	age = ((int64_t)time(NULL) - (int64_t)seconds) * 1000;
	return age < 0 ? INT64_MAX : age;
}

int uvpi_driver_boots_for(const struct uvpi_devset *set)
{
	int64_t most = 0;

	for (int i = 0; i < set->n; i++) {
		int64_t age = set->list[i]->server ? age_ms(set->store, set->list[i]) : INT64_MAX;

		if (age < UVPI_DRIVER_BOOT_MS && UVPI_DRIVER_BOOT_MS - age > most)
			most = UVPI_DRIVER_BOOT_MS - age;
	}
	return (int)most;
}

/* ---- whom it serves ---- */

/* It may have made any node itself, but not this record. */
static bool is_served_by(struct uvpi_store *store, uint32_t client, const char *kind, uint32_t domid)
{
	_cleanup_free_ char **ids = NULL;
	char path[128], prefix[64];
	int n = 0;

	snprintf(prefix, sizeof(prefix), "/local/domain/%" PRIu32 "/", domid);
	snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%.32s", client, kind);
	if (uvpi_store_list(store, path, &ids, &n, NULL) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *backend = NULL;

		snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%.32s/%.32s/backend", client, kind, ids[i]);
		if (uvpi_store_read(store, path, &backend, NULL) == 0 && backend && !strncmp(backend, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

/* What has ended waits for no answers. */
static bool lives(struct uvp_host *host, uint32_t domid)
{
	struct uvpi_dominfo info;

	return uvpi_hyp_domain(host->hyp, domid, &info, NULL) == 0 && !info.dying &&
	       (!info.shutdown || info.reason == UVPI_REASON_SUSPEND);
}

struct clients {
	struct uvp_host *host;
	uint32_t domids[256];
	int n;
};

static void add_clients(struct uvpi_store *store, uint32_t domid, const char *kind, struct clients *clients)
{
	_cleanup_free_ char **names = NULL;
	char path[128];
	int n = 0;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/backend/%.32s", domid, kind);
	if (uvpi_store_list(store, path, &names, &n, NULL) < 0)
		return;
	for (int i = 0; i < n && clients->n < (int)UVPI_ARRAY_SIZE(clients->domids); i++) {
		uint32_t client;
		bool known = uvpi_parse_u32(names[i], "domain", 0, 0x7fef, &client, NULL) < 0 || client == domid;

		for (int j = 0; j < clients->n && !known; j++)
			known = clients->domids[j] == client;
		if (!known && is_served_by(store, client, kind, domid) && lives(clients->host, client))
			clients->domids[clients->n++] = client;
	}
}

int uvpi_driver_clients(struct uvp_host *host, uint32_t domid, char names[UVPI_DRIVER_CLIENTS])
{
	struct clients clients = { .host = host };
	_cleanup_free_ char **kinds = NULL;
	struct uvpi_store *store;
	char path[64];
	int n = 0;
	size_t len = 0;

	names[0] = '\0';
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/backend", domid);
	if (!domid || uvpi_host_store(host, &store, NULL) < 0 || uvpi_store_list(store, path, &kinds, &n, NULL) < 0)
		return 0;
	for (int i = 0; i < n && i < 32; i++)
		add_clients(store, domid, kinds[i], &clients);
	for (int i = 0; i < clients.n && len + 1 < UVPI_DRIVER_CLIENTS; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;
		char label[UVPI_LABEL];

		if (uvp_domain_open(host, clients.domids[i], &domain, NULL) == 0)
			uvpi_domain_label(domain, label);
		else
			snprintf(label, sizeof(label), "domain %" PRIu32, clients.domids[i]);
		len += (size_t)snprintf(names + len, UVPI_DRIVER_CLIENTS - len, "%s%s", i ? ", " : "", label);
	}
	return clients.n;
}

/* ---- what is kept ---- */

/* NULL where it can stay as it is: a UUID says which domain whatever its name is. */
static int name_of(struct uvp_host *host, const char *backend, char **ret_name, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r;

	*ret_name = NULL;
	if (!uvpi_backend_is_id(backend))
		return 0;
	r = uvp_domain_lookup(host, backend, &domain, err);
	if (r < 0 || !domain->name[0] || !strcmp(domain->name, backend))
		return r < 0 ? r : 0;
	*ret_name = strdup(domain->name);
	return *ret_name ? 0 : uvpi_no_memory(err);
}

int uvpi_driver_name_disk(struct uvp_host *host, struct uvpi_disk *disk, struct uvp_error *err)
{
	char *name;
	int r = name_of(host, disk->backend, &name, err);

	if (r < 0 || !name)
		return r;
	free(disk->backend);
	disk->backend = name;
	return 0;
}

int uvpi_driver_name_vif(struct uvp_host *host, const char *spec, char **ret_spec, struct uvp_error *err)
{
	_cleanup_free_ char *backend = uvpi_spec_get(spec, "backend"), *name = NULL, *part = NULL;
	const char *at;
	int r = name_of(host, backend, &name, err);

	*ret_spec = NULL;
	if (r < 0 || !name)
		return r;
	if (asprintf(&part, "backend=%s", backend) < 0)
		return uvpi_no_memory(err);
	/* The last is the one that counts. */
	at = spec;
	for (const char *next = strstr(spec, part); next; next = strstr(next + 1, part))
		at = next;
	if (asprintf(ret_spec, "%.*sbackend=%s%s", (int)(at - spec), spec, name, at + strlen(part)) < 0)
		return uvpi_no_memory(err);
	return 0;
}

static int name_item(struct uvp_host *host, const char *key, char **item, struct uvp_error *err)
{
	struct uvpi_disk disk = { NULL };
	char *text = NULL;
	int r;

	if (!strcmp(key, "vif")) {
		r = uvpi_driver_name_vif(host, *item, &text, err);
	} else {
		r = uvpi_disk_parse(*item, &disk, err);
		if (r == 0 && !uvpi_backend_is_here(disk.backend)) {
			r = uvpi_driver_name_disk(host, &disk, err);
			text = r == 0 ? uvpi_disk_text(&disk) : NULL;
		}
		uvpi_disk_done(&disk);
	}
	if (text) {
		free(*item);
		*item = text;
	}
	return r;
}

int uvpi_driver_name_record(struct uvp_host *host, char **text, struct uvp_error *err)
{
	static const char *const keys[] = { "disk", "vif" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++) {
		_cleanup_value_ struct xlcfg_value list = { .kind = XLCFG_LIST };
		char *changed;
		int r = uvpi_xml_list_get(*text, keys[i], &list, err);

		for (int j = 0; j < list.n_items && r == 0; j++)
			r = name_item(host, keys[i], &list.items[j].text, err);
		if (r == 0)
			r = uvpi_xml_list_set(*text, keys[i], &list, &changed, err);
		if (r < 0)
			return r;
		free(*text);
		*text = changed;
	}
	return 0;
}
