/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bringing devices up. Their nodes are in xenbus_nodes.c, how they are waited for in xenbus_wait.c, their removal in
 * xenbus_close.c. */
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
#include "device/driver.h"
#include "device/xenbus_set.h"

#define GUEST_MS 10000
#define NUDGE_MS 3000
#define AGENT_MS 60000 /* without a deadline of the caller; xl devd gives its scripts 40 s */

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

		snprintf(dev->backend, sizeof(dev->backend), "/local/domain/%" PRIu32 "/backend/%s/%" PRIu32 "/%" PRIu32,
			 dev->server, kind, domid, dev->devid);
		snprintf(dev->frontend, sizeof(dev->frontend), "/local/domain/%" PRIu32 "/device/%s/%" PRIu32, domid,
			 kind, dev->devid);
		snprintf(dev->record, sizeof(dev->record), "/libxl/%" PRIu32 "/device/%s/%" PRIu32, domid, kind,
			 dev->devid);
	}
}

static int fail_left(const struct uvpi_devset *set, const struct uvpi_device *dev, struct uvp_error *err)
{
	_cleanup_free_ char *left = NULL;
	char path[160];

	uvpi_fail(err, UVP_E_BUSY, 0, "%.200s has not undone yet what it did for an earlier %s of domain %" PRIu32, dev->server_label,
		  dev->label, set->domid);
	snprintf(path, sizeof(path), "%s/" UVPI_DEVICE_LEFT, dev->record);
	if (uvpi_store_read(set->store, path, &left, NULL) == 0 && left)
		uvpi_hint(err, "if it does not, 'xlx %s-detach --force %" PRIu32 " %" PRIu32 "' removes what is left",
			  dev->class == &uvpi_vbd_class ? "block" : "network", set->domid, dev->devid);
	return -UVP_E_BUSY;
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
	set->looked = true;
	for (int i = 0; i < set->n && r >= 0; i++)
		if (uvpi_batch_value(batch, 2 * i, NULL) || (uvpi_batch_value(batch, 2 * i + 1, NULL) && !set->list[i]->server))
			r = uvpi_fail(err, UVP_E_EXISTS, 0, "domain %" PRIu32 " has %s already", set->domid,
				      set->list[i]->label);
		else if (uvpi_batch_value(batch, 2 * i + 1, NULL))
			r = fail_left(set, set->list[i], err);
	return r;
}

int uvpi_devset_prepare(struct uvpi_devset *set, bool look_only, struct uvp_error *err)
{
	int r = uvpi_driver_find(set, err);

	if (r == 0 && set->domid) {
		uvpi_devset_bind(set, set->domid);
		r = check_free(set, err);
	}
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
			  uint32_t server, const char *label, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, class, devid);

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "%s", label);
	dev->has_nodes = true;
	dev->begun = class->end != NULL;
	uvpi_driver_set(set, dev, server);
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

/* ---- bringing up ---- */

/* "22 creating vbd structure" is how the kernel's back ends write errors: a number of the system and what failed. */
static int fail_back_end(const struct uvpi_device *dev, const char *text, struct uvp_error *err)
{
	char number[8], label[UVPI_DRIVER_LABEL];
	size_t len = strcspn(text, " ");
	int64_t code;

	uvpi_driver_label(dev, label);
	if (len && len < sizeof(number)) {
		memcpy(number, text, len);
		number[len] = '\0';
		if (uvpi_parse_i64(number, "errno", -4095, 4095, &code, NULL) == 0)
			return uvpi_fail(err, UVP_E_IO, (int)(code < 0 ? -code : code),
					 "the %s failed: %s (%.200s)", label,
					 strerror((int)(code < 0 ? -code : code)), text + len + (text[len] == ' '));
	}
	return uvpi_fail(err, UVP_E_IO, 0, "the %s failed: %.200s", label, text);
}

static int fail_silent(const struct uvpi_device *dev, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_BUSY, 0, "%.200s, which is to serve %s, %s", dev->server_label, dev->label,
			 uvpi_driver_silence_text(dev->silence));
}

static int look_for_back_end(struct uvpi_devset *set, struct uvpi_device *dev, const char *error,
			     struct uvp_error *err)
{
	char label[UVPI_DRIVER_LABEL];

	if (uvpi_driver_stays_silent(set, dev))
		return fail_silent(dev, err);
	if (error)
		return fail_back_end(dev, error, err);
	if (dev->back_state >= UVPI_XENBUS_CLOSING)
		return uvpi_fail(err, UVP_E_IO, 0, "the %s closed at once", uvpi_driver_label(dev, label));
	return dev->back_state >= UVPI_XENBUS_INIT_WAIT;
}

static int fail_no_back_end(const struct uvpi_devset *set, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		const struct uvpi_device *dev = set->list[i];

		if (dev->settled)
			continue;
		uvpi_fail(err, UVP_E_TIMEOUT, 0, "no back end took %s in time: its node is in state %s", dev->label,
			  uvpi_xenbus_name(dev->back_state));
		if (dev->server)
			uvpi_hint(err, "has %.120s booted, and has it the module %s?", dev->server_label, dev->class->module);
		else if (dev->class->module)
			uvpi_hint(err, "is the kernel's module loaded? modprobe %s", dev->class->module);
		break;
	}
	return -UVP_E_TIMEOUT;
}

static int wait_back_ends(struct uvpi_devset *set, const struct uvp_op *op, struct uvp_error *err)
{
	int patience = uvpi_devset_patience(set), boots = uvpi_driver_boots_for(set);
	int64_t deadline = uvpi_op_until(op, uvpi_now_ms() + (boots > patience ? boots : patience)).deadline_ms;
	int r = uvpi_devset_wait(set, look_for_back_end, false, deadline, op, err);

	return r == 0 ? fail_no_back_end(set, err) : r < 0 ? r : 0;
}

/* The host's part of each, then one look at what the back ends made of it. */
static int connect_all(struct uvpi_devset *set, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err), open;

	for (int i = 0; i < set->n && r >= 0; i++)
		if (set->list[i]->class->connect && !set->list[i]->server)
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
	r = uvpi_devset_look_once(set, look_for_back_end, &open, err);
	for (int i = 0; i < set->n && r >= 0; i++) {
		set->list[i]->connected = true;
		if (set->list[i]->class->release)
			set->list[i]->class->release(set->list[i]);
	}
	return r;
}

/* Xen's own script for files ends well without one. */
static int fail_no_device(const struct uvpi_devset *set, const struct uvpi_device *dev, struct uvp_error *err)
{
	_cleanup_free_ char *target = NULL;
	char path[160];

	/* Ours: what a driver domain has there is its own word. */
	snprintf(path, sizeof(path), "%s/params", dev->record);
	uvpi_store_read(set->store, path, &target, NULL);
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s: there is no '%.160s' in %.200s, or its script did not say which block device it is",
		  dev->label, target ? target : "?", dev->server_label);
	uvpi_hint(err, "target= is a path in that domain");
	return -UVP_E_NOT_FOUND;
}

/* In a driver domain somebody else has the host's part: his scripts say when it is done, or what is wrong. blkback is
 * waited for with the number of its device, whoever wrote that, and serves nothing without. */
static int look_for_agent(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	static const char *const keys[] = { "hotplug-status", "hotplug-error", "physical-device", "online" };
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	const char *status, *says;
	int r;

	if (!dev->server)
		return 1;
	if (uvpi_driver_stays_silent(set, dev))
		return fail_silent(dev, err);
	if (error)
		return fail_back_end(dev, error, err);
	r = uvpi_batch_new(set->store, &batch, err);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys) && r == 0; i++) {
		char path[160];

		snprintf(path, sizeof(path), "%s/%s", dev->backend, keys[i]);
		uvpi_batch_read(batch, path);
	}
	if (r == 0)
		r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	status = uvpi_batch_value(batch, 0, NULL);
	says = uvpi_batch_value(batch, 1, NULL);
	if (!uvpi_batch_value(batch, 3, NULL))
		return uvpi_fail(err, UVP_E_IO, 0, "%.200s has removed the back end of %s, or is gone", dev->server_label,
				 dev->label);
	if (status && (!strcmp(status, "error") || !strcmp(status, "busy")))
		return uvpi_fail(err, !strcmp(status, "busy") ? UVP_E_BUSY : UVP_E_IO, 0, "%.200s cannot serve %s: %.200s",
				 dev->server_label, dev->label, says && *says ? says : "its script failed, and did not say why");
	if (dev->class != &uvpi_vbd_class)
		return status && !strcmp(status, "connected");
	if (uvpi_batch_value(batch, 2, NULL))
		return 1;
	return status && !strcmp(status, "connected") ? fail_no_device(set, dev, err) : 0;
}

static int fail_no_agent(const struct uvpi_devset *set, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		const struct uvpi_device *dev = set->list[i];

		if (dev->settled)
			continue;
		uvpi_fail(err, UVP_E_TIMEOUT, 0, "nobody in %.200s has set up %s in time", dev->server_label, dev->label);
		uvpi_hint(err, "does an agent run there that does? Xen's own is started by: xl devd");
		break;
	}
	return -UVP_E_TIMEOUT;
}

/* An agent that was started after the kernel's back end had answered knows of no device but by such an event. */
static void nudge(struct uvpi_devset *set)
{
	for (int i = 0; i < set->n; i++) {
		_cleanup_free_ char *state = NULL;
		char path[160];

		if (!set->list[i]->server || set->list[i]->settled)
			continue;
		snprintf(path, sizeof(path), "%s/state", set->list[i]->backend);
		if (uvpi_store_read(set->store, path, &state, NULL) < 0 || !state)
			continue;
		snprintf(path, sizeof(path), "%s/online", set->list[i]->backend);
		uvpi_store_write(set->store, path, "1", NULL);
	}
}

static int wait_agents(struct uvpi_devset *set, const struct uvp_op *op, struct uvp_error *err)
{
	int64_t deadline = uvpi_op_deadline(op, AGENT_MS);
	int r;

	uvpi_op_progress(op, "waiting for the driver domain", 0, 0, UVP_UNIT_NONE);
	for (;;) {
		int64_t soon = uvpi_now_ms() + NUDGE_MS;

		r = uvpi_devset_wait(set, look_for_agent, false, soon < deadline ? soon : deadline, op, err);
		if (r != 0 || uvpi_now_ms() >= deadline)
			break;
		nudge(set);
	}
	UVPI_STEP("driver domain ready");
	return r == 0 ? fail_no_agent(set, err) : r < 0 ? r : 0;
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

	if (uvpi_driver_stays_silent(set, dev))
		return fail_silent(dev, err);
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
		/* ENODEV of Linux's driver. */
		if (text && !strncmp(text, "19 ", 3))
			uvpi_hint(err, "its driver takes no such device: Linux has none for CD-ROM drives of PVH guests, for which a read-only disk does");
		else
			uvpi_hint(err, "has it booted, and has it drivers for Xen? With --no-wait the device waits for it");
		break;
	}
	return -UVP_E_TIMEOUT;
}

static int bring_up(struct uvpi_devset *set, bool wait, const struct uvp_op *op, struct uvp_error *err)
{
	int r = set->looked ? 0 : check_free(set, err);

	if (r == 0)
		r = uvpi_devset_begin(set, err);
	if (r == 0)
		r = uvpi_devset_write_nodes(set, err);
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
	if (r == 0 && uvpi_driver_any(set))
		r = wait_agents(set, op, err);
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
	if (r < 0 && (uvpi_devset_remove(set, &why) < 0 || uvpi_devset_end(set, &why) < 0)) {
		uvpi_debug("cannot undo: %s", why.message);
		uvpi_hint(err, "what is left of the devices goes with the domain: xlx destroy %" PRIu32, set->domid);
	}
	set->op = NULL;
	return r;
}
