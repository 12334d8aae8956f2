/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Closing every device of a domain that is about to go, whoever attached them: its QEMU ends, kernel back ends are asked
 * to close and given time, and what they leave is removed. Only nodes that belong to domain 0 are believed: what
 * a front end says about its back end is the guest's word. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/step.h"
#include "core/store.h"
#include "device/loop.h"
#include "device/qdisk.h"
#include "device/script.h"
#include "device/xenbus.h"
#include "dm/qemu.h"
#include "domain/destroy.h"

#define BACKENDS "/local/domain/0/backend"
#define ERRORS "/local/domain/0/error/backend"
#define DEVICES_MAX 1024
#define EACH_MS 500 /* what each device adds to the deadline */
#define CLOSING '5'

struct device {
	char kind[32], id[32];
	char backend[128];
	char loop[32];     /* or network block device; xl's script takes loop devices down only when xl runs it */
	char target[1024]; /* the file behind it */
	char script[256], vifname[32];
	char state;        /* the digit in the node; '0': there is none */
};

struct devices {
	struct device *list;
	int n;
};

/* ---- what there is ---- */

static int add_device(struct devices *devices, const char *kind, const char *id, uint32_t domid,
		      struct uvp_error *err)
{
	struct device *more;

	if (strlen(kind) >= sizeof(more->kind) || strlen(id) >= sizeof(more->id) || devices->n >= DEVICES_MAX)
		return 0;
	more = reallocarray(devices->list, (size_t)devices->n + 1, sizeof(*more));
	if (!more)
		return uvpi_no_memory(err);
	devices->list = more;
	more += devices->n++;
	memset(more, 0, sizeof(*more));
	memcpy(more->kind, kind, strlen(kind));
	memcpy(more->id, id, strlen(id));
	snprintf(more->backend, sizeof(more->backend), BACKENDS "/%s/%" PRIu32 "/%s", kind, domid, id);
	return 0;
}

/* The back ends in domain 0, by their own folders. One list of kinds, then all lists of devices at once. */
static int find_devices(struct uvpi_store *store, uint32_t domid, const char *kinds, size_t kinds_len,
			struct devices *devices, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err), i = 0;

	if (r < 0)
		return r;
	for (const char *kind = kinds; kind < kinds + kinds_len; kind += strlen(kind) + 1) {
		char path[128];

		snprintf(path, sizeof(path), BACKENDS "/%.32s/%" PRIu32, kind, domid);
		uvpi_batch_list(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	for (const char *kind = kinds; kind < kinds + kinds_len; kind += strlen(kind) + 1, i++) {
		size_t len;
		const char *ids = uvpi_batch_value(batch, i, &len);

		if (ids && !len) /* a folder that has become empty */
			r = add_device(devices, kind, "", domid, err);
		for (const char *id = ids; r >= 0 && id && id < ids + len; id += strlen(id) + 1)
			r = add_device(devices, kind, id, domid, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- closing ---- */

/* Those that a kernel serves, and which answer when they are told to close. */
static bool kernel_serves(const char *kind)
{
	static const char *const kinds[] = { "vbd", "vif", "vscsi", "pvcalls", "vusb", "pci" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

/* A back end closes for good when its front end's folder is gone. */
static int ask_to_close(struct uvpi_store *store, uint32_t domid, struct devices *devices, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[256];
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < devices->n; i++) {
		struct device *d = &devices->list[i];

		/* One that has begun to close may be done at any moment: nobody would answer a second time. */
		if (!kernel_serves(d->kind) || !d->id[0] || d->state < '1' || d->state >= CLOSING)
			continue;
		snprintf(path, sizeof(path), "%s/online", d->backend);
		uvpi_batch_write(batch, path, "0");
		snprintf(path, sizeof(path), "%s/state", d->backend);
		uvpi_batch_write(batch, path, "5");
	}
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/device", domid);
	uvpi_batch_rm(batch, path);
	return uvpi_batch_run(batch, false, err);
}

/* Number of those that have not closed; also learns of loop devices while their nodes are there. */
#define N_READ 5
static int look_at_states(struct uvpi_store *store, struct devices *devices, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err), open = 0;

	if (r < 0)
		return r;
	for (int i = 0; i < devices->n; i++) {
		static const char *const keys[N_READ] = { "state", "node", "params", "script", "vifname" };

		for (int j = 0; j < N_READ; j++) {
			char path[256];

			snprintf(path, sizeof(path), "%s/%s", devices->list[i].backend, keys[j]);
			uvpi_batch_read(batch, path);
		}
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	for (int i = 0; i < devices->n; i++) {
		struct device *d = &devices->list[i];
		const char *state = uvpi_batch_value(batch, N_READ * i, NULL);
		const char *node = uvpi_batch_value(batch, N_READ * i + 1, NULL);
		const char *target = uvpi_batch_value(batch, N_READ * i + 2, NULL);
		const char *script = uvpi_batch_value(batch, N_READ * i + 3, NULL);
		const char *vifname = uvpi_batch_value(batch, N_READ * i + 4, NULL);

		if (node && (!strncmp(node, "/dev/loop", 9) || !strncmp(node, "/dev/nbd", 8)))
			snprintf(d->loop, sizeof(d->loop), "%.31s", node);
		if (target)
			snprintf(d->target, sizeof(d->target), "%s", uvpi_params_path(target));
		if (script)
			snprintf(d->script, sizeof(d->script), "%s", script);
		if (vifname)
			snprintf(d->vifname, sizeof(d->vifname), "%s", vifname);
		d->state = state && strlen(state) == 1 ? *state : '0';
		open += d->id[0] && kernel_serves(d->kind) && d->state >= '1' && d->state <= CLOSING;
	}
	return open;
}

static int wait_closed(struct uvpi_store *store, struct devices *devices, int64_t deadline_ms,
		       struct uvp_error *err)
{
	int r = uvpi_store_watch(store, BACKENDS, "close", err);

	if (r < 0)
		return r;
	while ((r = look_at_states(store, devices, err)) > 0) {
		struct uvpi_store_event event = { NULL };

		r = uvpi_store_next_event(store, deadline_ms, -1, &event, err);
		if (r <= 0)
			break;
		/* More may have come with it: one look is for all of them. */
		do
			uvpi_store_event_done(&event);
		while (uvpi_store_next_event(store, 0, -1, &event, NULL) > 0);
	}
	uvpi_store_unwatch(store, BACKENDS, "close", NULL);
	return r < 0 ? r : 0;
}

static int remove_backends(struct uvpi_store *store, uint32_t domid, const struct devices *devices,
			   struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < devices->n; i++) {
		const struct device *d = &devices->list[i];
		char path[128];
		uint32_t devid;

		if (!strncmp(d->loop, "/dev/loop", 9))
			uvpi_loop_detach(d->loop, d->target);
		if (kernel_serves(d->kind) && uvpi_parse_u32(d->id, "devid", 0, UINT32_MAX, &devid, NULL) == 0)
			uvpi_hotplug_remove(d->kind, domid, devid, d->script, d->vifname);
		/* The folder of this domain's devices of that kind. */
		snprintf(path, sizeof(path), BACKENDS "/%s/%" PRIu32, devices->list[i].kind, domid);
		uvpi_batch_rm(batch, path);
		snprintf(path, sizeof(path), ERRORS "/%s/%" PRIu32, devices->list[i].kind, domid);
		uvpi_batch_rm(batch, path);
	}
	return uvpi_batch_run(batch, false, err);
}

/* Back ends let go of what they have open a moment after they say that they are closed. */
static int wait_let_go(struct uvp_host *host, const struct devices *devices, int64_t deadline_ms, struct uvp_error *err)
{
	static const uint8_t no_uuid[16];
	struct uvpi_devset set = { NULL };
	bool any = false;
	int r;

	for (int i = 0; i < devices->n; i++)
		any |= kernel_serves(devices->list[i].kind);
	if (!any)
		return 0;
	r = uvpi_devset_init(&set, host, no_uuid, false, err);
	if (r == 0)
		r = uvpi_devset_barrier(&set, deadline_ms, NULL, err);
	uvpi_devset_done(&set);
	for (int i = 0; i < devices->n && r == 0; i++)
		if (devices->list[i].loop[0])
			uvpi_block_wait_free(devices->list[i].loop, devices->list[i].target, deadline_ms);
	return r;
}

static int close_devices(struct uvp_host *host, uint32_t domid, int64_t deadline_ms, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_free_ struct device *list = NULL;
	struct devices devices = { NULL };
	struct uvpi_store *store;
	char path[128];
	const char *kinds;
	size_t len;
	int r = uvpi_host_store(host, &store, err);

	if (r < 0)
		return r;
	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	uvpi_batch_list(batch, BACKENDS);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/image/device-model-pid", domid);
	uvpi_batch_read(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	uvpi_qemu_end(domid, uvpi_batch_value(batch, 1, NULL), deadline_ms);
	kinds = uvpi_batch_value(batch, 0, &len);
	if (!kinds || !len)
		return 0;
	r = find_devices(store, domid, kinds, len, &devices, err);
	list = devices.list;
	if (r < 0 || !devices.n)
		return r;
	UVPI_STEP("devices found");
	deadline_ms += devices.n * EACH_MS;
	r = look_at_states(store, &devices, err);
	if (r < 0)
		return r;
	r = ask_to_close(store, domid, &devices, err);
	if (r < 0)
		return r;
	UVPI_STEP("devices asked to close");
	r = wait_closed(store, &devices, deadline_ms, err);
	if (r < 0)
		return r;
	r = remove_backends(store, domid, &devices, err);
	return r < 0 ? r : wait_let_go(host, &devices, deadline_ms, err);
}

int uvpi_close_devices(struct uvp_host *host, uint32_t domid, int64_t deadline_ms, struct uvp_error *err)
{
	int r = close_devices(host, domid, deadline_ms, err);

	uvpi_qdisk_collect();
	return r;
}
