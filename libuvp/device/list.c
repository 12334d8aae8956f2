/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What devices a domain has, whichever tool attached them. Only the state of the front end is the guest's word. */
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
#include "device/xenbus.h"
#include "domain/domain.h"

static const char *const kinds[] = { "vbd", "vif" };

/* What is read of each, in this order. */
static const char *const back_keys[] = { "state", "frontend-id", "params", "mode", "dev", "physical-device-path",
					 "mac",	  "bridge",	 "mtu",	   "vifname" };
enum { STATE, FRONTEND_ID, PARAMS, MODE, DEV, PATH, MAC, BRIDGE, MTU, VIFNAME, N_KEYS };

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

	return x->devid < y->devid ? -1 : x->devid > y->devid;
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

/* Where the back ends are, by libxl's record, which belongs to domain 0. */
static int find(struct uvpi_store *store, uint32_t domid, const char *kind, struct uvp_device_info **ret_list,
		int *ret_n, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_free_ char **names = NULL;
	struct uvp_device_info *list;
	char path[160];
	int n, used = 0, r;

	snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s", domid, kind);
	r = uvpi_store_list(store, path, &names, &n, err);
	if (r >= 0)
		r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%s/%.20s/backend", domid, kind, names[i]);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	list = calloc((size_t)n + 1, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++) {
		const char *backend = uvpi_batch_value(batch, i, NULL);
		struct uvp_device_info *info = &list[used];

		if (!parse_backend(backend, &info->backend_domid) ||
		    uvpi_parse_u32(names[i], "devid", 0, UINT32_MAX, &info->devid, NULL) < 0)
			continue;
		info->backend_path = strdup(backend);
		used++;
		if (!info->backend_path) {
			uvp_device_list_free(list, used);
			return uvpi_no_memory(err);
		}
	}
	*ret_list = list;
	*ret_n = used;
	return 0;
}

static void copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static int fill(struct uvp_device_info *info, enum uvp_device_class device_class, uint32_t domid,
		const struct uvpi_batch *batch, int at, struct uvp_error *err)
{
	const char *value[N_KEYS];
	const char *colon;

	for (int i = 0; i < N_KEYS; i++)
		value[i] = uvpi_batch_value(batch, at + i, NULL);
	info->backend_state = uvpi_xenbus_parse(value[STATE]);
	info->frontend_state = uvpi_xenbus_parse(uvpi_batch_value(batch, at + N_KEYS, NULL));
	if (device_class == UVP_DEVICE_VIF) {
		if (value[VIFNAME])
			copy(info->name, sizeof(info->name), value[VIFNAME]);
		else
			snprintf(info->name, sizeof(info->name), "vif%" PRIu32 ".%" PRIu32, domid, info->devid);
		copy(info->mac, sizeof(info->mac), value[MAC]);
		copy(info->bridge, sizeof(info->bridge), value[BRIDGE]);
		if (value[MTU])
			uvpi_parse_u32(value[MTU], "mtu", 0, 65535, &info->mtu, NULL);
		return 0;
	}
	if (value[DEV])
		copy(info->name, sizeof(info->name), value[DEV]);
	else
		uvpi_vdev_name(info->devid, info->name, sizeof(info->name));
	info->readonly = value[MODE] && *value[MODE] == 'r';
	copy(info->device, sizeof(info->device), value[PATH]);
	/* Back ends of QEMU write "FORMAT:PATH". */
	colon = value[PARAMS] && *value[PARAMS] != '/' ? strchr(value[PARAMS], ':') : NULL;
	if (value[PARAMS]) {
		info->target = strdup(colon ? colon + 1 : value[PARAMS]);
		if (!info->target)
			return uvpi_no_memory(err);
	}
	return 0;
}

int uvp_device_list(struct uvp_domain *domain, enum uvp_device_class device_class, struct uvp_device_info **ret_list,
		    struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvp_device_info *list = NULL;
	const char *kind = kinds[device_class];
	struct uvpi_store *store;
	char path[160];
	int n = 0, r = uvpi_host_store(domain->host, &store, err);

	if (r == 0)
		r = find(store, domain->domid, kind, &list, &n, err);
	if (r == 0)
		r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < N_KEYS; j++) {
			snprintf(path, sizeof(path), "%s/%s", list[i].backend_path, back_keys[j]);
			uvpi_batch_read(batch, path);
		}
		snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/device/%s/%" PRIu32 "/state", domain->domid, kind,
			 list[i].devid);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < n && r >= 0; i++)
		r = fill(&list[i], device_class, domain->domid, batch, i * (N_KEYS + 1), err);
	if (r < 0) {
		uvp_device_list_free(list, n);
		return r;
	}
	qsort(list, (size_t)n, sizeof(*list), by_devid);
	*ret_list = list;
	return n;
}
