/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bringing devices up. Their removal is in xenbus_close.c. */
#include "device/xenbus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "device/xenbus_set.h"

#define GUEST_MS 10000

/* ---- sets ---- */

int uvpi_devset_init(struct uvpi_devset *set, struct uvp_host *host, const uint8_t uuid[16], bool pv,
		     struct uvp_error *err)
{
	memset(set, 0, sizeof(*set));
	set->host = host;
	set->pv = pv;
	memcpy(set->uuid, uuid, sizeof(set->uuid));
	return uvpi_host_store(host, &set->store, err);
}

void uvpi_devset_done(struct uvpi_devset *set)
{
	for (int i = 0; i < set->n; i++) {
		struct uvpi_device *dev = set->list[i];

		if (dev->class->release)
			dev->class->release(dev);
		if (dev->class->done)
			dev->class->done(dev);
		free(dev->script);
		free(dev);
	}
	free(set->list);
	uvpi_store_close(set->kernel);
	uvpi_disk_users_done(&set->users);
	set->list = NULL;
	set->n = 0;
	set->kernel = NULL;
}

struct uvpi_device *uvpi_devset_add(struct uvpi_devset *set, const struct uvpi_device_class *class, uint32_t devid)
{
	struct uvpi_device **more = reallocarray(set->list, (size_t)set->n + 1, sizeof(*more));
	struct uvpi_device *dev;

	if (!more)
		return NULL;
	set->list = more;
	dev = calloc(1, class->size);
	if (!dev)
		return NULL;
	dev->class = class;
	dev->devid = devid;
	more[set->n++] = dev;
	return dev;
}

void uvpi_devset_bind(struct uvpi_devset *set, uint32_t domid)
{
	set->domid = domid;
	for (int i = 0; i < set->n; i++) {
		struct uvpi_device *dev = set->list[i];
		const char *kind = dev->class->kind;

		snprintf(dev->backend, sizeof(dev->backend), "/local/domain/0/backend/%s/%" PRIu32 "/%" PRIu32, kind,
			 domid, dev->devid);
		snprintf(dev->frontend, sizeof(dev->frontend), "/local/domain/%" PRIu32 "/device/%s/%" PRIu32, domid,
			 kind, dev->devid);
		snprintf(dev->record, sizeof(dev->record), "/libxl/%" PRIu32 "/device/%s/%" PRIu32, domid, kind,
			 dev->devid);
	}
}

/* A device of that number may be there already, attached by whatever tool. */
static int check_free(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < set->n; i++) {
		uvpi_batch_list(batch, set->list[i]->frontend);
		uvpi_batch_list(batch, set->list[i]->backend);
	}
	r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < set->n && r >= 0; i++)
		if (uvpi_batch_value(batch, 2 * i, NULL) || uvpi_batch_value(batch, 2 * i + 1, NULL))
			r = uvpi_fail(err, UVP_E_EXISTS, 0, "domain %" PRIu32 " has %s already", set->domid,
				      set->list[i]->label);
	return r;
}

int uvpi_devset_prepare(struct uvpi_devset *set, bool look_only, struct uvp_error *err)
{
	int r = set->domid ? check_free(set, err) : 0;

	for (int i = 0; i < set->n && r == 0; i++)
		if (set->list[i]->class->claim)
			r = set->list[i]->class->claim(set, set->list[i], look_only, err);
	for (int i = 0; i < set->n && r == 0; i++)
		if (set->list[i]->class->prepare)
			r = set->list[i]->class->prepare(set, set->list[i], look_only, err);
	if (r == 0 && !look_only)
		UVPI_STEP("devices prepared");
	return r;
}

int uvpi_devset_add_known(struct uvpi_devset *set, const struct uvpi_device_class *class, uint32_t devid,
			  const char *label, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, class, devid);

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "%s", label);
	dev->has_nodes = true;
	dev->begun = class->end != NULL;
	return 0;
}

/* ---- states ---- */

static const char *const state_names[] = { "unknown",	"Initialising", "InitWait", "Initialised",   "Connected",
					   "Closing",	"Closed",	"Reconfiguring", "Reconfigured" };

const char *uvpi_xenbus_name(int state)
{
	return state >= 0 && state < (int)UVPI_ARRAY_SIZE(state_names) ? state_names[state] : state_names[0];
}

const char *uvp_device_state_name(int state)
{
	return uvpi_xenbus_name(state);
}

enum uvpi_xenbus uvpi_xenbus_parse(const char *text)
{
	return text && text[0] >= '0' && text[0] <= '8' && !text[1] ? (enum uvpi_xenbus)(text[0] - '0') :
								     UVPI_XENBUS_UNKNOWN;
}

bool uvpi_xenbus_in_kernel(const char *kind)
{
	static const char *const kinds[] = { "vbd", "vif", "vscsi", "pvcalls", "vusb", "pci" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

bool uvpi_xenbus_is_served(const char *kind, uint32_t domid, const char *devid)
{
	char path[160];

	if (!uvpi_xenbus_in_kernel(kind))
		return true;
	snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/%.32s-%" PRIu32 "-%.32s/driver", kind, domid, devid);
	return access(path, F_OK) == 0;
}

/* ---- waiting ---- */

int uvpi_devset_patience(const struct uvpi_devset *set)
{
	return 10000 + 500 * set->n;
}

static int open_kernel(struct uvpi_devset *set, struct uvp_error *err)
{
	return set->kernel ? 0 : uvpi_store_open_kernel(&set->kernel, err);
}

/* A new watch fires once at once; that event stands in the kernel's queue behind all that happened before. */
int uvpi_devset_barrier(struct uvpi_devset *set, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	char token[24];
	int r = open_kernel(set, err);

	if (r < 0)
		return r;
	snprintf(token, sizeof(token), "barrier%u", set->barriers++);
	r = uvpi_store_watch(set->kernel, "/uvp", token, err);
	while (r == 0) {
		struct uvpi_store_event event = { NULL };
		bool ours;

		r = uvpi_store_next_event(set->kernel, deadline_ms, uvpi_op_cancel_fd(op), &event, err);
		if (r == 0)
			r = uvpi_fail(err, UVP_E_TIMEOUT, 0,
				      "the kernel's back ends are busy and did not take notice of the devices in time");
		if (r < 0)
			break;
		ours = !strcmp(event.token, token);
		uvpi_store_event_done(&event);
		r = ours;
	}
	if (r > 0)
		r = uvpi_store_unwatch(set->kernel, "/uvp", token, err);
	return r;
}

void uvpi_devset_error_path(const struct uvpi_devset *set, const struct uvpi_device *dev, bool back, char *buf, int len)
{
	if (back)
		snprintf(buf, (size_t)len, "/local/domain/0/error/backend/%s/%" PRIu32 "/%" PRIu32 "/error",
			 dev->class->kind, set->domid, dev->devid);
	else
		snprintf(buf, (size_t)len, "/local/domain/%" PRIu32 "/error/device/%s/%" PRIu32 "/error", set->domid,
			 dev->class->kind, dev->devid);
}

/* Watch, or stop to watch, what either end says. The token is the device's place in the set. */
static int watch_all(struct uvpi_devset *set, bool on, bool front, struct uvp_error *err)
{
	int (*call)(struct uvpi_store *, const char *, const char *, struct uvp_error *) =
		on ? uvpi_store_watch : uvpi_store_unwatch;
	int r = open_kernel(set, err);

	for (int i = 0; i < set->n && r >= 0; i++) {
		struct uvpi_device *dev = set->list[i];
		char token[16], path[160];

		snprintf(token, sizeof(token), "%d", i);
		snprintf(path, sizeof(path), "%s/state", dev->backend);
		r = call(set->kernel, path, token, err);
		if (r >= 0 && front) {
			snprintf(path, sizeof(path), "%s/state", dev->frontend);
			r = call(set->kernel, path, token, err);
		}
		if (r >= 0) {
			uvpi_devset_error_path(set, dev, true, path, sizeof(path));
			r = call(set->kernel, path, token, err);
		}
	}
	return r < 0 ? r : 0;
}

static void unwatch_all(struct uvpi_devset *set, bool front)
{
	struct uvpi_store_event event = { NULL };

	watch_all(set, false, front, NULL);
	while (uvpi_store_next_event(set->kernel, 0, -1, &event, NULL) > 0)
		uvpi_store_event_done(&event);
}

/* Take all events there are, and wait for one if there is none. 0: the deadline has passed. */
static int take_events(struct uvpi_devset *set, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_store_event event = { NULL };
	int r = uvpi_store_next_event(set->kernel, deadline_ms, uvpi_op_cancel_fd(op), &event, err);

	if (r <= 0)
		return r;
	do {
		uint32_t i;

		if (uvpi_parse_u32(event.token, "token", 0, (uint32_t)set->n - 1, &i, NULL) == 0)
			set->list[i]->looked_at = true;
		uvpi_store_event_done(&event);
	} while (uvpi_store_next_event(set->kernel, 0, -1, &event, NULL) > 0);
	return 1;
}

/* Read the states of those that an event came for, and hand each to look(), which says whether it is where it
 * should be (1), or not yet (0), or never will be. *ret_open: how many are not. */
static int look(struct uvpi_devset *set, uvpi_devset_look *fn, int *ret_open, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err), open = 0, at = 0;

	for (int i = 0; i < set->n && r >= 0; i++) {
		struct uvpi_device *dev = set->list[i];
		char path[160];

		if (!dev->looked_at)
			continue;
		snprintf(path, sizeof(path), "%s/state", dev->backend);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/state", dev->frontend);
		uvpi_batch_read(batch, path);
		uvpi_devset_error_path(set, dev, true, path, sizeof(path));
		uvpi_batch_read(batch, path);
	}
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < set->n && r >= 0; i++) {
		struct uvpi_device *dev = set->list[i];

		if (dev->looked_at) {
			dev->looked_at = false;
			dev->back_state = uvpi_xenbus_parse(uvpi_batch_value(batch, at, NULL));
			dev->front_state = uvpi_xenbus_parse(uvpi_batch_value(batch, at + 1, NULL));
			r = fn(set, dev, uvpi_batch_value(batch, at + 2, NULL), err);
			dev->settled = r > 0;
			at += 3;
		}
		open += !dev->settled;
	}
	*ret_open = open;
	return r < 0 ? r : 0;
}

int uvpi_devset_wait(struct uvpi_devset *set, uvpi_devset_look *fn, bool front, int64_t deadline_ms,
		     const struct uvp_op *op, struct uvp_error *err)
{
	int open = set->n, r;

	if (!set->n)
		return 1;
	for (int i = 0; i < set->n; i++)
		set->list[i]->settled = false;
	r = watch_all(set, true, front, err);
	while (r >= 0 && open > 0) {
		r = take_events(set, deadline_ms, op, err);
		if (r <= 0)
			break;
		r = look(set, fn, &open, err);
	}
	if (set->kernel)
		unwatch_all(set, front);
	return r < 0 ? r : open == 0;
}

/* ---- nodes ---- */

static void write_value(struct uvpi_batch *batch, const struct uvpi_device *dev, const struct uvpi_devkey *key,
			const char *folder)
{
	const void *field = (const char *)dev + key->offset;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, key->key);
	switch (key->value) {
	case UVPI_VALUE_CONST:
		uvpi_batch_write(batch, path, key->text);
		break;
	case UVPI_VALUE_STRING:
		if (*(const char *const *)field)
			uvpi_batch_write(batch, path, *(const char *const *)field);
		break;
	case UVPI_VALUE_CHARS:
		if (*(const char *)field)
			uvpi_batch_write(batch, path, field);
		break;
	case UVPI_VALUE_BOOL:
		uvpi_batch_write(batch, path, *(const bool *)field ? "1" : "0");
		break;
	case UVPI_VALUE_U32_SET:
	case UVPI_VALUE_U32:
		if (key->value == UVPI_VALUE_U32 || *(const uint32_t *)field)
			uvpi_batch_writef(batch, path, "%" PRIu32, *(const uint32_t *)field);
		break;
	}
}

static void write_both_ends(struct uvpi_devset *set, struct uvpi_batch *batch, struct uvpi_device *dev)
{
	const struct uvpi_perm front[] = { { set->domid, UVPI_ACCESS_NONE }, { 0, UVPI_ACCESS_READ } };
	const struct uvpi_perm back[] = { { 0, UVPI_ACCESS_NONE }, { set->domid, UVPI_ACCESS_READ } };
	char path[160];

#define WRITE(folder, key, ...)                                                                    \
	do {                                                                                       \
		snprintf(path, sizeof(path), "%s/%s", folder, key);                                \
		uvpi_batch_writef(batch, path, __VA_ARGS__);                                       \
	} while (0)
	uvpi_batch_mkdir(batch, dev->backend);
	uvpi_batch_perms(batch, dev->backend, back, 2);
	/* What is made before the folder is the guest's belongs to domain 0: xenstored lets each guest have 1000 nodes, which
	 * is not enough for all of 80 devices that have connected. */
	for (const struct uvpi_devkey *key = dev->class->keys; key->key; key++) {
		if (key->where != UVPI_FROM_FRONT)
			write_value(batch, dev, key, key->where == UVPI_IN_BACK ? dev->backend : dev->frontend);
		if (key->where == UVPI_IN_BACK)
			write_value(batch, dev, key, dev->record);
	}
	if (dev->class->write)
		dev->class->write(set, dev, batch);
	WRITE(dev->frontend, "backend", "%s", dev->backend);
	WRITE(dev->frontend, "backend-id", "0");
	uvpi_batch_perms(batch, dev->frontend, dev->class->guest_keys ? back : front, 2);
	for (const struct uvpi_devkey *key = dev->class->keys; key->key; key++)
		if (key->where == UVPI_FROM_FRONT)
			write_value(batch, dev, key, dev->frontend);
	WRITE(dev->backend, "frontend", "%s", dev->frontend);
	WRITE(dev->backend, "frontend-id", "%" PRIu32, set->domid);
	WRITE(dev->backend, "online", "1");
	WRITE(dev->record, "frontend", "%s", dev->frontend);
	WRITE(dev->record, "backend", "%s", dev->backend);
	WRITE(dev->frontend, "state", "%d", UVPI_XENBUS_INITIALISING);
	WRITE(dev->backend, "state", "%d", UVPI_XENBUS_INITIALISING);
	for (const char *const *key = dev->class->guest_keys; key && *key; key++) {
		if (strcmp(*key, "state") != 0)
			WRITE(dev->frontend, *key, "%s", "");
		snprintf(path, sizeof(path), "%s/%s", dev->frontend, *key);
		uvpi_batch_perms(batch, path, front, 2);
	}
#undef WRITE
}

/* One transaction: either end finds the other complete, and a crash leaves no half of a device. */
static int write_some(struct uvpi_devset *set, int from, int to, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);

	if (r < 0)
		return r;
	for (int i = from; i < to; i++)
		write_both_ends(set, batch, set->list[i]);
	r = uvpi_batch_run(batch, true, err);
	if (r < 0) {
		uvpi_prefix(err, "cannot write the devices' nodes");
		return r;
	}
	for (int i = from; i < to; i++)
		set->list[i]->has_nodes = true;
	return 0;
}

/* What xenstored does for each request of a transaction grows with what the transaction has touched. */
#define PER_TRANSACTION 4

/* The folder of all guests' devices of a kind is everybody's: a transaction that adds to it conflicts with that of any
 * other guest. So the folder of this guest in it comes before the transactions where many may be made at once. */
static int make_folders(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < set->n; i++) {
		const char *kind = set->list[i]->class->kind;
		char path[160];

		if (i && !strcmp(kind, set->list[i - 1]->class->kind))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)(strrchr(set->list[i]->backend, '/') - set->list[i]->backend),
			 set->list[i]->backend);
		uvpi_batch_mkdir(batch, path);
	}
	return uvpi_batch_run(batch, false, err);
}

static int write_nodes(struct uvpi_devset *set, struct uvp_error *err)
{
	int r = set->creating ? make_folders(set, err) : 0;

	UVPI_STEP("device folders made");

	for (int i = 0; i < set->n && r == 0; i += PER_TRANSACTION)
		r = write_some(set, i, i + PER_TRANSACTION < set->n ? i + PER_TRANSACTION : set->n, err);
	return r;
}

/* ---- bringing up ---- */

/* "22 creating vbd structure" is how the kernel's back ends write errors: a number of the system and what failed. */
static int fail_back_end(const struct uvpi_device *dev, const char *text, struct uvp_error *err)
{
	char number[8];
	size_t len = strcspn(text, " ");
	int64_t code;

	if (len && len < sizeof(number)) {
		memcpy(number, text, len);
		number[len] = '\0';
		if (uvpi_parse_i64(number, "errno", -4095, 4095, &code, NULL) == 0)
			return uvpi_fail(err, UVP_E_IO, (int)(code < 0 ? -code : code),
					 "the %sback end of %s failed: %s (%.200s)", dev->class->module ? "kernel's " : "",
					 dev->label,
					 strerror((int)(code < 0 ? -code : code)), text + len + (text[len] == ' '));
	}
	return uvpi_fail(err, UVP_E_IO, 0, "the %sback end of %s failed: %.200s", dev->class->module ? "kernel's " : "",
			 dev->label, text);
}

static int look_for_back_end(struct uvpi_devset *set, struct uvpi_device *dev, const char *error,
			     struct uvp_error *err)
{
	if (error)
		return fail_back_end(dev, error, err);
	if (dev->back_state >= UVPI_XENBUS_CLOSING)
		return uvpi_fail(err, UVP_E_IO, 0, "the %sback end of %s closed at once",
				 dev->class->module ? "kernel's " : "", dev->label);
	return dev->back_state >= UVPI_XENBUS_INIT_WAIT;
}

static int fail_no_back_end(const struct uvpi_devset *set, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		const struct uvpi_device *dev = set->list[i];

		if (dev->settled)
			continue;
		uvpi_fail(err, UVP_E_TIMEOUT, 0, "no back end took %s within %d s: its node is in state %s",
			  dev->label, uvpi_devset_patience(set) / 1000, uvpi_xenbus_name(dev->back_state));
		if (dev->class->module)
			uvpi_hint(err, "is the kernel's module loaded? modprobe %s", dev->class->module);
		break;
	}
	return -UVP_E_TIMEOUT;
}

static int wait_back_ends(struct uvpi_devset *set, const struct uvp_op *op, struct uvp_error *err)
{
	int r = uvpi_devset_wait(set, look_for_back_end, false, uvpi_now_ms() + uvpi_devset_patience(set), op, err);

	return r == 0 ? fail_no_back_end(set, err) : r < 0 ? r : 0;
}

/* The host's part of each, then one look at what the back ends made of it. */
static int connect_all(struct uvpi_devset *set, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err), open;

	for (int i = 0; i < set->n && r >= 0; i++)
		if (set->list[i]->class->connect)
			r = set->list[i]->class->connect(set, set->list[i], batch, err);
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	UVPI_STEP("devices set up");
	r = uvpi_devset_barrier(set, uvpi_now_ms() + uvpi_devset_patience(set), op, err);
	if (r < 0)
		return r;
	for (int i = 0; i < set->n; i++)
		set->list[i]->looked_at = true;
	r = look(set, look_for_back_end, &open, err);
	for (int i = 0; i < set->n && r >= 0; i++) {
		set->list[i]->connected = true;
		if (set->list[i]->class->release)
			set->list[i]->class->release(set->list[i]);
	}
	return r;
}

/* What the guest complains of, if anything; the caller frees it. */
static char *guest_error(const struct uvpi_devset *set, const struct uvpi_device *dev)
{
	char path[160], *text = NULL;

	uvpi_devset_error_path(set, dev, false, path, sizeof(path));
	uvpi_store_read(set->store, path, &text, NULL);
	return text;
}

static int look_for_guest(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;

	if (error)
		return fail_back_end(dev, error, err);
	if (dev->back_state >= UVPI_XENBUS_CLOSING || dev->front_state == UVPI_XENBUS_CLOSED) {
		text = guest_error(set, dev);
		uvpi_fail(err, UVP_E_IO, 0, "the guest turned %s down: front end %s, back end %s%s%.100s", dev->label,
			  uvpi_xenbus_name(dev->front_state), uvpi_xenbus_name(dev->back_state),
			  text ? "; it says: " : "", text ? text : "");
		/* 28 is ENOSPC; drivers of other systems write words. */
		if (text && !strncmp(text, "28 ", 3))
			uvpi_hint(err, "it may have no more nodes in xenstored, which lets each guest have 1000 (--entry-nb)");
		return -UVP_E_IO;
	}
	return dev->back_state == UVPI_XENBUS_CONNECTED && dev->front_state == UVPI_XENBUS_CONNECTED;
}

static int fail_no_guest(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;

	for (int i = 0; i < set->n; i++) {
		const struct uvpi_device *dev = set->list[i];

		if (dev->settled)
			continue;
		text = guest_error(set, dev);
		uvpi_fail(err, UVP_E_TIMEOUT, 0,
			  "the guest did not connect to %s in time: front end %s, back end %s%s%.100s", dev->label,
			  uvpi_xenbus_name(dev->front_state), uvpi_xenbus_name(dev->back_state),
			  text ? "; it says: " : "", text ? text : "");
		uvpi_hint(err, "has it booted, and has it drivers for Xen? With --no-wait the device waits for it");
		break;
	}
	return -UVP_E_TIMEOUT;
}

static int bring_up(struct uvpi_devset *set, bool wait, const struct uvp_op *op, struct uvp_error *err)
{
	int r = check_free(set, err);

	if (r == 0)
		r = uvpi_devset_begin(set, err);
	if (r == 0)
		r = write_nodes(set, err);
	if (r < 0)
		return r;
	UVPI_STEP("device nodes written");
	for (int i = 0; i < set->n && set->start_qemu; i++)
		if (!set->list[i]->class->module) {
			r = set->start_qemu(set, err);
			break;
		}
	if (r < 0)
		return r;
	r = wait_back_ends(set, op, err);
	if (r == 0) {
		UVPI_STEP("back ends there");
		r = connect_all(set, op, err);
	}
	if (r < 0 || !wait)
		return r;
	uvpi_op_progress(op, "waiting for the guest", 0, 0, UVP_UNIT_NONE);
	r = uvpi_devset_wait(set, look_for_guest, true, uvpi_op_deadline(op, GUEST_MS), op, err);
	return r == 0 ? fail_no_guest(set, err) : r < 0 ? r : 0;
}

int uvpi_devset_attach(struct uvpi_devset *set, bool wait, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r;

	set->op = op;
	r = set->n ? bring_up(set, wait, op, err) : 0;
	set->op = NULL;
	if (r < 0 && (uvpi_devset_remove(set, &why) < 0 || uvpi_devset_end(set, &why) < 0)) {
		uvpi_debug("cannot undo: %s", why.message);
		uvpi_hint(err, "what is left of the devices goes with the domain: xlx destroy %" PRIu32, set->domid);
	}
	return r;
}
