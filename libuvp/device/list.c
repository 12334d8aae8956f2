/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What devices a domain has, whichever tool attached them. Only what is read of the front end is the guest's word. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/device.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/store.h"
#include "device/counts.h"
#include "device/list_qemu.h"
#include "device/nbd.h"
#include "device/qdisk.h"
#include "device/xenbus.h"
#include "domain/domain.h"

#define DEVICES_MAX 4096
#define QUEUES_MAX 1024

static const char *const kinds[] = { "vbd", "vif" };

/* What is read of each, in this order: of the back end, and then of the front end. The place of DETAIL is filled by the
 * kind's own key. */
static const char *const back_keys[] = { "state", "params", "mode", "dev",     "physical-device-path",
					 "mac",	  "bridge", "mtu",  "vifname", NULL };
static const char *const front_keys[] = { "state", "multi-queue-num-queues", "ring-page-order" };
enum {
	STATE, PARAMS, MODE, DEV, PATH, MAC, BRIDGE, MTU, VIFNAME, DETAIL, N_BACK,
	FRONT_STATE = N_BACK, QUEUES, RING_ORDER, N_KEYS
};

/* What tells devices of other kinds apart for people. */
static const struct {
	const char *kind, *key;
} details[] = {
	{ "9pfs", "path" },    { "pci", "dev-0" },   { "vtpm", "uuid" },     { "vfb", "vnclisten" },
	{ "vkbd", "unique-id" }, { "console", "name" }, { "vusb", "type" }, { "qusb", "type" },
};

static const char *detail_key(const char *kind)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(details); i++)
		if (!strcmp(details[i].kind, kind))
			return details[i].key;
	return "type";
}

void uvp_device_list_free(struct uvp_device_info *list, int n)
{
	for (int i = 0; list && i < n; i++) {
		free(list[i].target);
		free(list[i].backend_path);
	}
	free(list);
}

static int by_devid(const void *a, const void *b)
{
	const struct uvp_device_info *x = a, *y = b;
	int kind = strcmp(x->kind, y->kind);

	return kind ? kind : x->devid < y->devid ? -1 : x->devid > y->devid;
}

/* "/local/domain/3/backend/vbd/7/51712": the id of the domain that serves it. */
static bool parse_backend(const char *path, uint32_t *ret_domid)
{
	static const char prefix[] = "/local/domain/";
	char number[12];
	size_t len;

	if (!path || strncmp(path, prefix, strlen(prefix)) != 0 || strlen(path) > 120)
		return false;
	path += strlen(prefix);
	len = strspn(path, "0123456789");
	if (!len || len >= sizeof(number) || strncmp(path + len, "/backend/", 9) != 0)
		return false;
	memcpy(number, path, len);
	number[len] = '\0';
	return uvpi_parse_u32(number, "domain", 0, 0x7fff, ret_domid, NULL) == 0;
}

struct found {
	struct uvp_device_info *list;
	int n;
};

static int add_found(struct found *found, const char *kind, const char *id, struct uvp_error *err)
{
	struct uvp_device_info *more, info = { 0 };

	if (strlen(kind) >= sizeof(info.kind) || found->n >= DEVICES_MAX ||
	    uvpi_parse_u32(id, "devid", 0, UINT32_MAX, &info.devid, NULL) < 0)
		return 0;
	snprintf(info.kind, sizeof(info.kind), "%s", kind);
	more = reallocarray(found->list, (size_t)found->n + 1, sizeof(*more));
	if (!more)
		return uvpi_no_memory(err);
	found->list = more;
	more[found->n++] = info;
	return 0;
}

/* Those that libxl's record names, which belongs to domain 0. kind NULL: of every kind. */
static int find(struct uvpi_store *store, uint32_t domid, const char *kind, struct found *found, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_free_ char **names = NULL;
	char path[160];
	int n = 1, r = 0;

	snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device", domid);
	if (!kind)
		r = uvpi_store_list(store, path, &names, &n, err);
	if (r >= 0)
		r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%.40s", domid, kind ? kind : names[i]);
		uvpi_batch_list(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < n && r >= 0; i++) {
		size_t len = 0;
		const char *ids = uvpi_batch_value(batch, i, &len);

		for (const char *id = ids; r >= 0 && id && id < ids + len; id += strlen(id) + 1)
			r = add_found(found, kind ? kind : names[i], id, err);
	}
	return r < 0 ? r : 0;
}

/* Where both ends are; what has no back end is left out. */
static int find_ends(struct uvpi_store *store, uint32_t domid, struct found *found, char (**ret_fronts)[128],
		     struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char(*fronts)[128] = calloc((size_t)found->n + 1, sizeof(*fronts)), path[160];
	int used = 0, r = fronts ? uvpi_batch_new(store, &batch, err) : uvpi_no_memory(err);

	for (int i = 0; i < found->n && r >= 0; i++) {
		const struct uvp_device_info *info = &found->list[i];

		for (int end = 0; end < 2; end++) {
			snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s/%" PRIu32 "/%s", domid, info->kind,
				 info->devid, end ? "frontend" : "backend");
			uvpi_batch_read(batch, path);
		}
	}
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < found->n && r >= 0; i++) {
		const char *backend = uvpi_batch_value(batch, 2 * i, NULL);
		const char *frontend = uvpi_batch_value(batch, 2 * i + 1, NULL);
		struct uvp_device_info info = found->list[i];

		if (!parse_backend(backend, &info.backend_domid))
			continue;
		info.backend_path = strdup(backend);
		if (!info.backend_path)
			r = uvpi_no_memory(err);
		snprintf(fronts[used], sizeof(*fronts), "%s", frontend ? frontend : "");
		found->list[used++] = info;
	}
	found->n = used;
	if (r < 0)
		free(fronts);
	else
		*ret_fronts = fronts;
	return r < 0 ? r : 0;
}

static void copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void fill_vif(struct uvp_device_info *info, uint32_t domid, const char *const *value)
{
	if (value[VIFNAME])
		copy(info->name, sizeof(info->name), value[VIFNAME]);
	else
		snprintf(info->name, sizeof(info->name), "vif%" PRIu32 ".%" PRIu32, domid, info->devid);
	copy(info->mac, sizeof(info->mac), value[MAC]);
	copy(info->bridge, sizeof(info->bridge), value[BRIDGE]);
	if (value[MTU])
		uvpi_parse_u32(value[MTU], "mtu", 0, 65535, &info->mtu, NULL);
}

static const char *fill_vbd(struct uvp_device_info *info, const char *const *value)
{
	const char *params = value[PARAMS];
	/* Back ends of QEMU write "FORMAT:PATH". */
	const char *colon = params && *params != '/' ? strchr(params, ':') : NULL;
	char text[UVPI_NBD_TEXT];

	if (value[DEV])
		copy(info->name, sizeof(info->name), value[DEV]);
	else
		uvpi_vdev_name(info->devid, info->name, sizeof(info->name));
	info->readonly = value[MODE] && *value[MODE] == 'r';
	copy(info->device, sizeof(info->device), value[PATH]);
	if (colon && !strncmp(params, "aio:", 4))
		copy(info->format, sizeof(info->format), "raw");
	else if (params && (colon || *params == '/'))
		snprintf(info->format, sizeof(info->format), "%.*s", colon ? (int)(colon - params) : 3, colon ? params : "raw");
	info->lost = uvpi_nbd_text_of(info->device, text) && uvpi_qdisk_is_lost(text);
	return params ? uvpi_params_path(params) : NULL;
}

static int fill(struct uvp_device_info *info, uint32_t domid, const struct uvpi_batch *batch, int at,
		struct uvp_error *err)
{
	const char *value[N_KEYS], *target;
	uint32_t order;

	for (int i = 0; i < N_KEYS; i++)
		value[i] = uvpi_batch_value(batch, at + i, NULL);
	info->backend_state = uvpi_xenbus_parse(value[STATE]);
	info->frontend_state = uvpi_xenbus_parse(value[FRONT_STATE]);
	if (value[QUEUES])
		uvpi_parse_u32(value[QUEUES], "queues", 1, QUEUES_MAX, &info->queues, NULL);
	if (value[RING_ORDER] && uvpi_parse_u32(value[RING_ORDER], "order", 0, 8, &order, NULL) == 0)
		info->ring_pages = 1u << order;
	target = value[DETAIL];
	if (!strcmp(info->kind, "vif"))
		fill_vif(info, domid, value);
	if (!strcmp(info->kind, "vif"))
		target = NULL;
	if (!strcmp(info->kind, "vbd"))
		target = fill_vbd(info, value);
	if (info->backend_domid == 0)
		uvpi_device_counts(info, domid);
	info->target = target ? strdup(target) : NULL;
	return target && !info->target ? uvpi_no_memory(err) : 0;
}

/* What a driver domain that was paused had not undone when it was taken away, and has by now. */
static void drop_undone(struct uvpi_store *store, uint32_t domid, struct found *found)
{
	int used = 0;

	for (int i = 0; i < found->n; i++) {
		struct uvp_device_info info = found->list[i];
		_cleanup_free_ char *left = NULL;
		char path[160];

		if (info.backend_domid && info.backend_state == UVPI_XENBUS_UNKNOWN) {
			snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s/%" PRIu32 "/" UVPI_DEVICE_LEFT, domid,
				 info.kind, info.devid);
			uvpi_store_read(store, path, &left, NULL);
		}
		if (left) {
			free(info.target);
			free(info.backend_path);
		} else {
			found->list[used++] = info;
		}
	}
	found->n = used;
}

/* Of a back end in another domain only its state is that domain's word: what it was told at the start is in libxl's
 * record, too. */
static int read_ends(struct uvpi_store *store, uint32_t domid, struct found *found, const char (*fronts)[128],
		     struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err);
	char path[256];

	for (int i = 0; i < found->n && r >= 0; i++)
		for (int j = 0; j < N_KEYS; j++) {
			const char *key = j >= N_BACK	? front_keys[j - N_BACK] :
					  j == DETAIL ? detail_key(found->list[i].kind) : back_keys[j];

			if (j != STATE && j < N_BACK && found->list[i].backend_domid)
				snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s/%" PRIu32 "/%s", domid,
					 found->list[i].kind, found->list[i].devid, key);
			else
				snprintf(path, sizeof(path), "%s/%s", j >= N_BACK ? fronts[i] : found->list[i].backend_path, key);
			uvpi_batch_read(batch, path);
		}
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < found->n && r >= 0; i++)
		r = fill(&found->list[i], domid, batch, i * N_KEYS, err);
	for (int i = 0; i < found->n && r >= 0; i++)
		r = found->list[i].backend_domid ? 0 : uvpi_device_list_qemu(store, domid, fronts[i], &found->list[i], err);
	if (r >= 0)
		drop_undone(store, domid, found);
	return r < 0 ? r : 0;
}

int uvp_device_list(struct uvp_domain *domain, enum uvp_device_class device_class, struct uvp_device_info **ret_list,
		    struct uvp_error *err)
{
	_cleanup_free_ char(*fronts)[128] = NULL;
	struct found found = { NULL };
	struct uvpi_store *store;
	int r = uvpi_host_store(domain->host, &store, err);

	if (r == 0)
		r = find(store, domain->domid, device_class == UVP_DEVICE_ANY ? NULL : kinds[device_class], &found, err);
	if (r == 0)
		r = find_ends(store, domain->domid, &found, &fronts, err);
	if (r == 0)
		r = read_ends(store, domain->domid, &found, fronts, err);
	if (r < 0) {
		uvp_device_list_free(found.list, found.n);
		return r;
	}
	if (found.n)
		qsort(found.list, (size_t)found.n, sizeof(*found.list), by_devid);
	*ret_list = found.list;
	return found.n;
}
