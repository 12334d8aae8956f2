/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Closing every device of a domain that is about to go, whoever attached them: its QEMU ends, kernel back ends are asked
 * to close and given time, and what they leave is removed. Only nodes that belong to domain 0 are believed: what
 * a front end says about its back end is the guest's word. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "device/driver.h"
#include "device/loop.h"
#include "device/netlink.h"
#include "device/pci_assign.h"
#include "device/qdisk.h"
#include "device/script.h"
#include "device/xenbus.h"
#include "dm/qemu.h"
#include "domain/destroy.h"
#include "domain/domain.h"

#define BACKENDS "/local/domain/0/backend"
#define DEVICES_MAX 1024
#define EACH_MS 500 /* what each device adds to the deadline */
#define CLOSING '5'

struct device {
	char kind[32], id[32];
	uint32_t server; /* the domain of its back end; an agent there removes its folder as the last it does */
	enum uvpi_silence silence; /* of that domain */
	bool open;
	bool untouched; /* that domain had not begun with it, and has nothing of it any more */
	bool left; /* in a domain that is paused, and undoes it when it goes on */
	char backend[128];
	char loop[32];     /* or network block device; xl's script takes loop devices down only when xl runs it */
	char target[1024]; /* the file behind it */
	char script[256], vifname[32];
	int ifindex;       /* of its network interface in domain 0; 0: there is none */
};

struct devices {
	struct device *list;
	int n;
	bool noted_pci; /* some domain of this host has PCI devices */
	bool any_driver; /* some of them are served by driver domains */
};

struct uvpi_closing {
	struct uvp_host *host;
	struct uvpi_store *store;
	uint32_t domid;
	int64_t deadline_ms;
	struct devices devices;
	bool open; /* a back end had not closed when we looked */
	int going; /* where the kernel announces interfaces that go, or -1 */
};

/* ---- what there is ---- */

static int add_device(struct devices *devices, const char *kind, const char *id, uint32_t server, uint32_t domid,
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
	more->server = server;
	snprintf(more->backend, sizeof(more->backend), "/local/domain/%" PRIu32 "/backend/%s/%" PRIu32 "%s%s", server, kind, domid,
		 *id ? "/" : "", id);
	return 0;
}

static void queue_list(struct uvpi_batch *batch, const char *kind, uint32_t domid)
{
	char path[128];

	snprintf(path, sizeof(path), BACKENDS "/%.32s/%" PRIu32, kind, domid);
	uvpi_batch_list(batch, path);
}

static int take_list(const struct uvpi_batch *batch, int at, const char *kind, uint32_t domid,
		     struct devices *devices, struct uvp_error *err)
{
	size_t len;
	const char *ids = uvpi_batch_value(batch, at, &len);
	int r = 0;

	if (ids && !len) /* a folder that has become empty */
		r = add_device(devices, kind, "", 0, domid, err);
	for (const char *id = ids; r >= 0 && id && id < ids + len; id += strlen(id) + 1)
		r = add_device(devices, kind, id, 0, domid, err);
	return r;
}

static bool is_known(const struct devices *devices, const char *kind, const char *id)
{
	for (int i = 0; i < devices->n; i++)
		if (!strcmp(devices->list[i].kind, kind) && !strcmp(devices->list[i].id, id))
			return true;
	return false;
}

/* "/local/domain/5/backend/vbd/7/51712", which domain 0 has written: in which domain, and of what kind. */
static bool parse_backend(const char *path, uint32_t *ret_server, char ret_kind[32])
{
	static const char prefix[] = "/local/domain/";
	char number[8];
	size_t len;

	if (!path || strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return false;
	path += sizeof(prefix) - 1;
	len = strcspn(path, "/");
	snprintf(number, sizeof(number), "%.*s", (int)len, path);
	if (uvpi_parse_u32(number, "domain", 1, 0x7fef, ret_server, NULL) < 0 || strncmp(path + len, "/backend/", 9) != 0)
		return false;
	path += len + 9;
	len = strcspn(path, "/");
	if (!len || len >= 32)
		return false;
	snprintf(ret_kind, 32, "%.*s", (int)len, path);
	return true;
}

/* Those of libxl's record that have no back end in domain 0: it says where it is. */
static int find_elsewhere(struct uvpi_store *store, uint32_t domid, const char *kind, const char *ids, size_t len,
			  struct devices *devices, struct uvp_error *err)
{
	int here = devices->n, r = 0;

	for (const char *id = ids; r >= 0 && id && id < ids + len; id += strlen(id) + 1) {
		_cleanup_free_ char *backend = NULL;
		char path[192], its_kind[32];
		uint32_t server;

		if (is_known(devices, kind, id))
			continue;
		snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%.32s/%.32s/backend", domid, kind, id);
		r = uvpi_store_read(store, path, &backend, err);
		if (r >= 0 && parse_backend(backend, &server, its_kind))
			r = add_device(devices, its_kind, id, server, domid, err);
	}
	devices->any_driver |= devices->n > here;
	return r < 0 ? r : 0;
}

/* What there is of each kind that this host has back ends of, and of each that libxl's record has: all lists at once, and none for
 * a domain without devices on a host without any. */
static int find_of_kinds(struct uvpi_store *store, uint32_t domid, const char *kinds, size_t kinds_len, const char *recorded,
			 size_t recorded_len, struct devices *devices, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err), at = 0;
	const char *ids;
	char path[128];
	size_t len;

	if (r < 0)
		return r;
	for (const char *kind = kinds; kind && kind < kinds + kinds_len; kind += strlen(kind) + 1)
		queue_list(batch, kind, domid);
	for (const char *kind = recorded; kind && kind < recorded + recorded_len; kind += strlen(kind) + 1) {
		snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device/%.32s", domid, kind);
		uvpi_batch_list(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	for (const char *kind = kinds; r >= 0 && kind && kind < kinds + kinds_len; kind += strlen(kind) + 1)
		r = take_list(batch, at++, kind, domid, devices, err);
	for (const char *kind = recorded; r >= 0 && kind && kind < recorded + recorded_len; kind += strlen(kind) + 1) {
		ids = uvpi_batch_value(batch, at++, &len);
		r = find_elsewhere(store, domid, kind, ids, len, devices, err);
	}
	return r < 0 ? r : 0;
}

/* The back ends in domain 0, by their own folders; and the domain's QEMU ends. */
static int find_devices(struct uvpi_store *store, uint32_t domid, int64_t deadline_ms, struct devices *devices,
			struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err), kinds_at, pid_at, pci_at, recorded_at;
	const char *kinds, *recorded;
	size_t kinds_len = 0, recorded_len = 0;
	char path[128];

	if (r < 0)
		return r;
	kinds_at = uvpi_batch_list(batch, BACKENDS);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/image/device-model-pid", domid);
	pid_at = uvpi_batch_read(batch, path);
	pci_at = uvpi_batch_list(batch, UVPI_PCI_NODES);
	snprintf(path, sizeof(path), "/libxl/%" PRIu32 "/device", domid);
	recorded_at = uvpi_batch_list(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	devices->noted_pci = uvpi_batch_value(batch, pci_at, NULL) != NULL;
	uvpi_qemu_end(domid, uvpi_batch_value(batch, pid_at, NULL), deadline_ms);
	kinds = uvpi_batch_value(batch, kinds_at, &kinds_len);
	recorded = uvpi_batch_value(batch, recorded_at, &recorded_len);
	if ((!kinds || !kinds_len) && (!recorded || !recorded_len))
		return 0;
	return find_of_kinds(store, domid, kinds, kinds_len, recorded, recorded_len, devices, err);
}

/* ---- closing ---- */

static bool is_open(const struct device *d, const char *state)
{
	if (d->server)
		return state != NULL && d->silence == UVPI_ANSWERS && !d->untouched;
	return d->id[0] && uvpi_xenbus_in_kernel(d->kind) && state && *state >= '1' && *state <= CLOSING && !state[1];
}

/* Number of those that have not closed; also learns what else is to be undone while their nodes are there. */
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

		open += is_open(d, state);
		/* The rest is what domain 0 would undo, and no other domain is believed. */
		if (d->server)
			continue;
		if (node && (!strncmp(node, "/dev/loop", 9) || !strncmp(node, "/dev/nbd", 8)))
			snprintf(d->loop, sizeof(d->loop), "%.31s", node);
		if (target)
			snprintf(d->target, sizeof(d->target), "%s", uvpi_params_path(target));
		if (script)
			snprintf(d->script, sizeof(d->script), "%s", script);
		if (vifname)
			snprintf(d->vifname, sizeof(d->vifname), "%s", vifname);
	}
	return open;
}

/* Before anything is asked to close: whose end will be announced? */
static void watch_interfaces(struct uvpi_closing *closing)
{
	for (int i = 0; i < closing->devices.n; i++) {
		struct device *d = &closing->devices.list[i];
		char name[80];

		if (strcmp(d->kind, "vif") != 0 || d->server)
			continue;
		if (closing->going < 0)
			closing->going = uvpi_links_going();
		snprintf(name, sizeof(name), "vif%" PRIu32 ".%s", closing->domid, d->id);
		d->ifindex = (int)if_nametoindex(d->vifname[0] ? d->vifname : name);
	}
}

/* An agent waits for both: that it is not to come back, and that it has closed. One that has closed already would not
 * answer a second time. The nodes are another domain's, who may write them all the time: no transaction. */
static int tell_driver(struct uvpi_store *store, struct device *d, struct uvp_error *err)
{
	_cleanup_free_ char *state = NULL;
	char path[256];
	int r;

	d->untouched = uvpi_driver_take_untouched(store, d->backend);
	if (d->untouched)
		return 0;
	/* Nothing is written for a domain that is gone: that would make a folder of it. */
	snprintf(path, sizeof(path), "%s/state", d->backend);
	r = uvpi_store_read(store, path, &state, err);
	if (r < 0 || !state)
		return r;
	snprintf(path, sizeof(path), "%s/online", d->backend);
	r = uvpi_store_write(store, path, "0", err);
	snprintf(path, sizeof(path), "%s/state", d->backend);
	if (r >= 0 && uvpi_xenbus_parse(state) != UVPI_XENBUS_CLOSED)
		r = uvpi_store_write(store, path, "5", err);
	return r;
}

static void tell_drivers(struct uvpi_closing *closing)
{
	for (int i = 0; i < closing->devices.n; i++) {
		struct device *d = &closing->devices.list[i];
		struct uvp_error why = UVP_ERROR_INIT;

		if (d->server && tell_driver(closing->store, d, &why) < 0)
			uvpi_debug("%s: %s", d->backend, why.message);
	}
}

/* Whatever it was told before, a back end closes for good when its front end's folder is gone. To tell it more would cost
 * it more: it looks at each change of its own folder. */
static int ask_to_close(struct uvpi_closing *closing, struct uvp_error *err)
{
	char path[64];

	if (closing->devices.any_driver)
		tell_drivers(closing);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/device", closing->domid);
	return uvpi_store_rm(closing->store, path, err);
}

/* Which have not closed that somebody in the kernel serves: one without a driver never answers. */
static int look_for_open(const struct uvpi_closing *closing, struct devices *devices, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(closing->store, &batch, err);
	char path[256];

	for (int i = 0; i < devices->n && r >= 0; i++) {
		snprintf(path, sizeof(path), "%s/state", devices->list[i].backend);
		uvpi_batch_read(batch, path);
	}
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	for (int i = 0; i < devices->n; i++) {
		struct device *d = &devices->list[i];

		d->silence = d->server ? uvpi_driver_silence(closing->host, d->server) : UVPI_ANSWERS;
		d->left = d->silence == UVPI_SILENT_PAUSED && !d->untouched && uvpi_batch_value(batch, i, NULL);
		d->open = is_open(d, uvpi_batch_value(batch, i, NULL)) &&
			  (d->server || uvpi_xenbus_is_served(d->kind, closing->domid, d->id));
	}
	return 0;
}

/* The kernel's back ends close in the thread that hands out watch events: all have when an event of our own has come
 * through there. Those whose nodes are gone by then close no less. */
static int wait_for_kernel(struct uvpi_closing *closing, struct uvp_error *err)
{
	static const uint8_t no_uuid[16];
	struct uvpi_devset set = { NULL };
	int r = uvpi_devset_init(&set, closing->host, no_uuid, false, err);

	if (r == 0)
		r = uvpi_devset_barrier(&set, closing->deadline_ms, NULL, err);
	uvpi_devset_done(&set);
	return r;
}

/* Where the back ends change their states, and whether their domains end. */
static int watch_back_ends(const struct uvpi_closing *closing, bool on, struct uvp_error *err)
{
	int (*call)(struct uvpi_store *, const char *, const char *, struct uvp_error *) =
		on ? uvpi_store_watch : uvpi_store_unwatch;
	int r = call(closing->store, BACKENDS, "close", err);

	if (r >= 0 && closing->devices.any_driver)
		r = call(closing->store, "@releaseDomain", "close", err);
	for (int i = 0; i < closing->devices.n && r >= 0; i++)
		if (closing->devices.list[i].server)
			r = call(closing->store, closing->devices.list[i].backend, "close", err);
	return r < 0 ? r : 0;
}

static const struct device *find_open(const struct devices *devices, bool elsewhere)
{
	for (int i = 0; i < devices->n; i++)
		if (devices->list[i].open && (devices->list[i].server != 0) == elsewhere)
			return &devices->list[i];
	return NULL;
}

/* Until when those are waited for that are open still, without another look; 0: no more. */
static int64_t wait_until(const struct uvpi_closing *closing, int64_t drivers_ms)
{
	int64_t until = 0, now = uvpi_now_ms(), soon = now + UVPI_DRIVER_LOOK_MS;

	if (find_open(&closing->devices, false) && now < closing->deadline_ms)
		until = closing->deadline_ms;
	if (!find_open(&closing->devices, true) || now >= drivers_ms)
		return until;
	/* No event tells that a domain is paused. */
	if (soon > drivers_ms)
		soon = drivers_ms;
	return until && until < soon ? until : soon;
}

static void warn_driver(const struct uvpi_closing *closing, const struct uvp_op *op)
{
	_cleanup_domain_ struct uvp_domain *server = NULL;
	const struct device *d = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	char label[UVPI_LABEL], what[128], more[24] = "";
	int n = 0;

	for (int i = 0; i < closing->devices.n; i++) {
		const struct device *one = &closing->devices.list[i];

		if (!one->left && !(one->open && one->server))
			continue;
		n++;
		if (!d)
			d = one;
	}
	if (!d)
		return;
	if (n > 1)
		snprintf(more, sizeof(more), " and %d more", n - 1);
	if (uvp_domain_open(closing->host, d->server, &server, NULL) == 0)
		uvpi_domain_label(server, label);
	else
		snprintf(label, sizeof(label), "domain %" PRIu32, d->server);
	snprintf(what, sizeof(what), "%s %s%s of domain %" PRIu32, d->kind, d->id, more, closing->domid);
	uvpi_driver_not_undone(label, d->silence, what, &why);
	uvpi_op_warn(op, &why);
}

/* With their nodes there, also those that are not done then can be waited for. A driver domain takes nothing from the time
 * that domain 0's own have. */
static int wait_closed(struct uvpi_closing *closing, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_store *store = closing->store;
	int64_t drivers = uvpi_op_until(op, uvpi_now_ms() + UVPI_DRIVER_UNDO_MS).deadline_ms, until, began = uvpi_now_ms();
	int r = wait_for_kernel(closing, err);

	if (r == 0)
		r = look_for_open(closing, &closing->devices, err);
	if (r < 0 || !wait_until(closing, drivers)) {
		warn_driver(closing, op);
		return r;
	}
	r = watch_back_ends(closing, true, err);
	while (r >= 0 && (r = look_for_open(closing, &closing->devices, err)) == 0 &&
	       (until = wait_until(closing, drivers))) {
		struct uvpi_store_event event = { NULL };

		r = uvpi_store_next_event(store, until, -1, &event, err);
		/* More may have come with it: one look is for all of them. */
		while (r > 0 && uvpi_now_ms() < until) {
			uvpi_store_event_done(&event);
			if (uvpi_store_next_event(store, 0, -1, &event, NULL) <= 0)
				break;
		}
		uvpi_store_event_done(&event);
	}
	watch_back_ends(closing, false, NULL);
	if (closing->devices.any_driver)
		closing->deadline_ms += uvpi_now_ms() - began;
	if (r >= 0)
		warn_driver(closing, op);
	return r < 0 ? r : 0;
}

/* An operator's script, a switch's port, a PCI device, what a driver domain did: undone when the device has closed, and before its nodes go. */
static bool needs_undoing(const struct devices *devices)
{
	for (int i = 0; i < devices->n; i++)
		if (!strcmp(devices->list[i].kind, "pci") || devices->list[i].server || uvpi_hotplug_is_needed(devices->list[i].script))
			return true;
	return false;
}

/* Also what was noted before the device had a node. A guest must be able to end whatever becomes of its devices, which Xen
 * takes from it then. */
static void take_back_pci(const struct uvpi_closing *closing)
{
	struct uvp_error why = UVP_ERROR_INIT;
	_cleanup_close_ int lock = -1;
	int r = closing->devices.noted_pci ? uvpi_pci_lock(&lock, &why) : 0;

	if (closing->devices.noted_pci && r == 0)
		r = uvpi_pci_take_back_all(closing->host, closing->domid, &why);
	if (r < 0)
		uvpi_debug("PCI devices of domain %" PRIu32 ": %s", closing->domid, why.message);
}

static void undo_on_host(const struct uvpi_closing *closing, const struct uvp_op *op)
{
	for (int i = 0; i < closing->devices.n; i++) {
		const struct device *d = &closing->devices.list[i];
		uint32_t devid;

		if (d->server)
			continue;
		if (!strncmp(d->loop, "/dev/loop", 9))
			uvpi_loop_detach(d->loop, d->target);
		if (uvpi_xenbus_in_kernel(d->kind) && uvpi_parse_u32(d->id, "devid", 0, UINT32_MAX, &devid, NULL) == 0)
			uvpi_hotplug_remove(d->kind, closing->domid, devid, d->script, d->vifname, op);
	}
}

static void free_closing(struct uvpi_closing *closing)
{
	if (closing->going >= 0)
		close(closing->going);
	free(closing->devices.list);
	free(closing);
}

int uvpi_closing_begin(struct uvp_host *host, uint32_t domid, const struct uvp_op *op, int64_t deadline_ms,
		       struct uvpi_closing **ret_closing, struct uvp_error *err)
{
	struct uvpi_closing *closing = calloc(1, sizeof(*closing));
	int r;

	*ret_closing = NULL;
	if (!closing)
		return uvpi_no_memory(err);
	closing->host = host;
	closing->domid = domid;
	closing->going = -1;
	r = uvpi_host_store(host, &closing->store, err);
	if (r == 0)
		r = find_devices(closing->store, domid, deadline_ms, &closing->devices, err);
	if (r == 0 && !closing->devices.n)
		take_back_pci(closing);
	if (r < 0 || !closing->devices.n)
		goto out;
	UVPI_STEP("devices found");
	closing->deadline_ms = deadline_ms + closing->devices.n * EACH_MS;
	r = look_at_states(closing->store, &closing->devices, err);
	if (r < 0)
		goto out;
	closing->open = r > 0;
	if (closing->open)
		watch_interfaces(closing);
	r = ask_to_close(closing, err);
	UVPI_STEP("devices asked to close");
	if (r == 0 && closing->open && needs_undoing(&closing->devices))
		r = wait_closed(closing, op, err);
	if (r < 0)
		goto out;
	undo_on_host(closing, op);
	take_back_pci(closing);
	*ret_closing = closing;
	return 0;
out:
	free_closing(closing);
	return r;
}

/* Is there one of that kind in that domain that is to find its nodes again? */
static bool is_left(const struct devices *devices, const struct device *like)
{
	for (int i = 0; i < devices->n; i++)
		if (devices->list[i].left && devices->list[i].server == like->server && !strcmp(devices->list[i].kind, like->kind))
			return true;
	return false;
}

void uvpi_closing_remove(const struct uvpi_closing *closing, struct uvpi_batch *batch)
{
	for (int i = 0; closing && i < closing->devices.n; i++) {
		const struct device *d = &closing->devices.list[i];
		bool beside = is_left(&closing->devices, d);
		char path[128];

		if (beside && !d->left)
			uvpi_batch_rm(batch, d->backend);
		/* The folders of this domain's devices of that kind: the same for all of a kind, which stand together. */
		if (i && !strcmp(d->kind, d[-1].kind) && d->server == d[-1].server)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/backend/%s/%" PRIu32, d->server, d->kind, closing->domid);
		if (!beside)
			uvpi_batch_rm(batch, path);
		snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/error/backend/%s/%" PRIu32, d->server, d->kind, closing->domid);
		uvpi_batch_rm(batch, path);
	}
}

/* An interface is announced when it goes, a loop device can be looked at: with nothing else there, the rest of the kernel's
 * work (for each interface it waits until no CPU can know it any more) need not be waited for. */
static bool wait_for_interfaces(struct uvpi_closing *closing)
{
	_cleanup_free_ int *indices = calloc((size_t)closing->devices.n + 1, sizeof(*indices));
	int n = 0;

	for (int i = 0; indices && i < closing->devices.n; i++) {
		const struct device *d = &closing->devices.list[i];

		if (d->ifindex)
			indices[n++] = d->ifindex;
		else if (uvpi_xenbus_in_kernel(d->kind) && !d->loop[0] && !d->server)
			return false;
	}
	return indices && closing->going >= 0 && uvpi_links_wait_gone(closing->going, indices, n, closing->deadline_ms);
}

int uvpi_closing_finish(struct uvpi_closing *closing, struct uvp_error *err)
{
	int r = closing && closing->open && !wait_for_interfaces(closing) ? wait_for_kernel(closing, err) : 0;

	/* It may have ended between the look at it and what was written for it. */
	for (int i = 0; closing && i < closing->devices.n; i++)
		if (closing->devices.list[i].server)
			uvpi_driver_sweep(closing->host, closing->store, closing->devices.list[i].server);
	/* What they have open they let go of a moment after that. */
	for (int i = 0; closing && i < closing->devices.n && r == 0; i++)
		if (closing->devices.list[i].loop[0])
			uvpi_block_wait_free(closing->devices.list[i].loop, closing->devices.list[i].target,
					     closing->deadline_ms);
	if (closing)
		free_closing(closing);
	uvpi_qdisk_collect();
	return r;
}

int uvpi_close_devices(struct uvp_host *host, uint32_t domid, int64_t deadline_ms, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_closing *closing;
	int r = uvpi_closing_begin(host, domid, NULL, deadline_ms, &closing, err), finished;

	if (r < 0 || !closing)
		return r < 0 ? r : uvpi_closing_finish(closing, err);
	r = uvpi_batch_new(closing->store, &batch, err);
	if (r == 0) {
		uvpi_closing_remove(closing, batch);
		r = uvpi_batch_run(batch, false, err);
	}
	finished = uvpi_closing_finish(closing, r < 0 ? NULL : err);
	return r < 0 ? r : finished;
}
