/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking devices away from a domain that goes on: with the guest, or without it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "device/driver.h"
#include "device/script.h"
#include "device/xenbus_set.h"

#define GUEST_MS 10000

/* The nodes of a driver domain are its own, who may write them all the time: no transaction. Nothing is written for one
 * that is gone: that would make a folder of it. */
static int write_elsewhere(struct uvpi_devset *set, struct uvpi_device *dev, const char *online, enum uvpi_xenbus state,
			   struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	enum uvpi_xenbus is;
	char path[160], number[4];
	int r;

	snprintf(path, sizeof(path), "%s/state", dev->backend);
	r = uvpi_store_read(set->store, path, &text, err);
	if (r < 0 || !text)
		return r;
	is = uvpi_xenbus_parse(text);
	snprintf(path, sizeof(path), "%s/online", dev->backend);
	r = uvpi_store_write(set->store, path, online, err);
	/* Nobody answers a second time. */
	if (r < 0 || (state == UVPI_XENBUS_CLOSING && (is == UVPI_XENBUS_CLOSING || is == UVPI_XENBUS_CLOSED)))
		return r;
	snprintf(path, sizeof(path), "%s/state", dev->backend);
	snprintf(number, sizeof(number), "%d", state);
	return uvpi_store_write(set->store, path, number, err);
}

static int write_states(struct uvpi_devset *set, const char *online, enum uvpi_xenbus state, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);

	for (int i = 0; i < set->n && r >= 0; i++) {
		struct uvpi_device *dev = set->list[i];
		char path[160];

		if (!dev->has_nodes || dev->untouched)
			continue;
		if (dev->server) {
			r = write_elsewhere(set, dev, online, state, err);
			continue;
		}
		snprintf(path, sizeof(path), "%s/online", dev->backend);
		uvpi_batch_write(batch, path, online);
		/* Nobody answers a second time. */
		if (state == UVPI_XENBUS_CLOSING && dev->was >= UVPI_XENBUS_CLOSING)
			continue;
		snprintf(path, sizeof(path), "%s/state", dev->backend);
		uvpi_batch_writef(batch, path, "%d", state);
	}
	return r < 0 ? r : uvpi_batch_run(batch, true, err);
}

static void take_untouched(struct uvpi_devset *set)
{
	for (int i = 0; i < set->n; i++) {
		struct uvpi_device *dev = set->list[i];

		dev->untouched = dev->has_nodes && dev->server && uvpi_driver_take_untouched(set->store, dev->backend);
	}
}

/* Nobody is there who has anything to close or to undo. */
static bool is_alone(const struct uvpi_devset *set, struct uvpi_device *dev)
{
	return !dev->has_nodes || uvpi_driver_is_silent(set, dev) || dev->untouched;
}

/* A back end whose node is gone, or that nobody serves, is closed too. */
static int look_for_close(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	char devid[12];

	snprintf(devid, sizeof(devid), "%" PRIu32, dev->devid);
	return is_alone(set, dev) || dev->back_state == UVPI_XENBUS_CLOSED || dev->back_state == UVPI_XENBUS_UNKNOWN ||
	       (!dev->server && !uvpi_xenbus_is_served(dev->class->kind, set->domid, devid));
}

static int look_for_removal(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	return !dev->server || is_alone(set, dev) || dev->back_state == UVPI_XENBUS_UNKNOWN;
}

/* Its domain is paused, and has not undone its part. */
static bool is_paused_with(const struct uvpi_device *dev)
{
	return dev->has_nodes && dev->silence == UVPI_SILENT_PAUSED && !dev->untouched && dev->back_state != UVPI_XENBUS_UNKNOWN;
}

/* It is paused, and undoes its part by its nodes when it goes on: they stay, and so does the record, by which they are found
 * again. Who takes away what was left before gives that up. */
static bool is_left(const struct uvpi_device *dev)
{
	return is_paused_with(dev) && !dev->given_up;
}

static void warn_agent(const struct uvpi_devset *set)
{
	const struct uvpi_device *first = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	char what[96];
	int more = 0;

	for (int i = 0; i < set->n; i++) {
		const struct uvpi_device *dev = set->list[i];

		if (dev->settled && !is_paused_with(dev))
			continue;
		if (first)
			more++;
		else
			first = dev;
	}
	if (!first)
		return;
	snprintf(what, sizeof(what), "%s", first->label);
	if (more)
		snprintf(what, sizeof(what), "%s and %d more", first->label, more);
	uvpi_driver_not_undone(first->server_label, is_left(first) ? UVPI_SILENT_PAUSED : UVPI_ANSWERS, what, &why);
	uvpi_op_warn(set->op, &why);
}

/* What its scripts did in a driver domain the agent there undoes when the back end has closed, and removes the folder. One
 * that does not is not waited for without end. */
static int wait_agents(struct uvpi_devset *set, const struct uvp_op *op, struct uvp_error *err)
{
	bool any = false;
	int r;

	for (int i = 0; i < set->n; i++)
		any |= set->list[i]->has_nodes && set->list[i]->server;
	if (!any)
		return 0;
	r = uvpi_devset_wait(set, look_for_removal, false, uvpi_now_ms() + UVPI_DRIVER_UNDO_MS, op, err);
	if (r >= 0)
		warn_agent(set);
	return r < 0 ? r : 0;
}

/* QEMU takes no notice of a front end's folder that is gone: what it serves is just removed. */
static int look_without_guest(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	return !dev->class->module || look_for_close(set, dev, error, err);
}

/* The path up to its last '/'. */
static void parent_of(const char *path, char *buf, int len)
{
	snprintf(buf, (size_t)len, "%.*s", (int)(strrchr(path, '/') - path), path);
}

/* The folder of the domain's devices of a kind, when the last of them has gone. */
static int prune(struct uvpi_devset *set, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		_cleanup_free_ char **names = NULL;
		char path[160];
		int n, r;

		parent_of(set->list[i]->backend, path, sizeof(path));
		r = uvpi_store_list(set->store, path, &names, &n, err);
		if (r >= 0 && n == 0)
			r = uvpi_store_rm(set->store, path, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int uvpi_devset_begin(struct uvpi_devset *set, struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < set->n && r == 0; i++) {
		struct uvpi_device *dev = set->list[i];

		dev->begun = dev->class->begin != NULL;
		if (dev->begun)
			r = dev->class->begin(set, dev, err);
	}
	return r;
}

int uvpi_devset_end(struct uvpi_devset *set, struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < set->n && r == 0; i++) {
		struct uvpi_device *dev = set->list[i];

		/* The back end has let go when it has noticed that its nodes are gone. */
		if (dev->begun)
			r = uvpi_devset_barrier(set, uvpi_now_ms() + uvpi_devset_patience(set), NULL, err);
		if (r >= 0 && dev->begun)
			r = dev->class->end(set, dev, err);
		dev->begun = r < 0;
	}
	return r < 0 ? r : 0;
}

static int remove_nodes(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < set->n; i++) {
		struct uvpi_device *dev = set->list[i];
		char path[160], error[160];

		if (!dev->has_nodes)
			continue;
		if (!dev->server)
			uvpi_hotplug_remove(dev->class->kind, set->domid, dev->devid, dev->script, dev->ifname,
					    set->op);
		/* That of errors is of all this domain's devices of the kind; old ones are of no use to anybody. */
		uvpi_batch_rm(batch, dev->frontend);
		if (is_left(dev)) {
			snprintf(path, sizeof(path), "%s/" UVPI_DEVICE_LEFT, dev->record);
			uvpi_batch_write(batch, path, "1");
		} else {
			uvpi_batch_rm(batch, dev->backend);
			uvpi_batch_rm(batch, dev->record);
		}
		uvpi_devset_error_path(set, dev, true, error, sizeof(error));
		parent_of(error, path, sizeof(path));
		parent_of(path, error, sizeof(error));
		uvpi_batch_rm(batch, error);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	for (int i = 0; i < set->n; i++)
		set->list[i]->has_nodes = false;
	r = prune(set, err);
	for (int i = 0; i < set->n; i++)
		if (set->list[i]->server)
			uvpi_driver_sweep(set->host, set->store, set->list[i]->server);
	return r < 0 ? r : uvpi_devset_end(set, err);
}

int uvpi_devset_remove(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	bool any = false;
	int64_t deadline = uvpi_now_ms() + uvpi_devset_patience(set);
	int r;

	for (int i = 0; i < set->n; i++)
		any |= set->list[i]->has_nodes;
	if (!any)
		return 0;
	take_untouched(set);
	r = write_states(set, "0", UVPI_XENBUS_CLOSING, err);
	UVPI_STEP("back ends asked to close");
	if (r >= 0)
		r = uvpi_batch_new(set->store, &batch, err);
	if (r < 0)
		return r;
	/* A back end that sees its front end's folder gone closes for good. */
	for (int i = 0; i < set->n; i++)
		if (set->list[i]->has_nodes)
			uvpi_batch_rm(batch, set->list[i]->frontend);
	r = uvpi_batch_run(batch, false, err);
	if (r >= 0)
		r = uvpi_devset_wait(set, look_without_guest, false, deadline, NULL, err);
	if (r >= 0)
		r = wait_agents(set, NULL, err);
	if (r < 0)
		return r;
	UVPI_STEP("back ends closed");
	r = remove_nodes(set, err);
	UVPI_STEP("devices removed");
	return r < 0 ? r : uvpi_devset_barrier(set, uvpi_now_ms() + uvpi_devset_patience(set), NULL, err);
}

/* ---- with the guest ---- */

/* A front end that never connected has nothing to let go of, and nobody there to answer. */
static bool guest_has(const struct uvpi_device *dev)
{
	return dev->front_state > UVPI_XENBUS_INITIALISING && dev->front_state < UVPI_XENBUS_CLOSED;
}

static bool guest_has_any(const struct uvpi_devset *set)
{
	for (int i = 0; i < set->n; i++)
		if (guest_has(set->list[i]))
			return true;
	return false;
}

static int fail_silent(const struct uvpi_devset *set, const struct uvpi_device *dev, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_BUSY, 0, "the guest of domain %" PRIu32 " has %s, and cannot let go of it: %.200s, which serve%c it, %s",
		  set->domid, dev->label, dev->server_label, dev->silence == UVPI_SILENT_PAUSED ? 's' : 'd',
		  uvpi_driver_silence_text(dev->silence));
	uvpi_hint(err, "%stake it away with --force", dev->silence == UVPI_SILENT_PAUSED ? "unpause that, or " : "");
	return -UVP_E_BUSY;
}

/* The guest would go on waiting for what it asked of it, and find its device gone. */
static int check_servers(const struct uvpi_devset *set, struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		struct uvpi_device *dev = set->list[i];

		if (!dev->server)
			continue;
		if (!uvpi_driver_is_silent(set, dev) && dev->was == UVPI_XENBUS_UNKNOWN)
			dev->silence = UVPI_SILENT_GONE;
		if (dev->silence != UVPI_ANSWERS)
			return fail_silent(set, dev, err);
	}
	return 0;
}

/* What a guest has it keeps until it lets go, whatever becomes of who serves it. */
static int look_for_guest(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	if (dev->server && guest_has(dev) && uvpi_driver_is_silent(set, dev))
		return fail_silent(set, dev, err);
	return look_for_close(set, dev, error, err);
}

static int fail_not_closed(const struct uvpi_devset *set, const struct uvpi_device *dev, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_TIMEOUT, 0, "the guest of domain %" PRIu32 " has let go of %s, and %.200s did not close it in time: back end %s",
		  set->domid, dev->label, dev->server_label, uvpi_xenbus_name(dev->back_state));
	uvpi_hint(err, "take it away with --force");
	return -UVP_E_TIMEOUT;
}

/* The guest has not begun to close, and can have it as it was when who serves it goes on. */
static bool can_go_on(const struct uvpi_devset *set)
{
	const struct uvpi_device *dev = set->list[0];

	return set->n == 1 && dev->front_state <= UVPI_XENBUS_CONNECTED && dev->silence <= UVPI_SILENT_PAUSED;
}

/* The guest has not begun to close: as it was. Otherwise it goes on closing when it can. */
static int fail_refused(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	struct uvpi_device *dev = set->list[0];
	char path[160], says[160] = "";
	bool as_it_was;

	for (int i = 0; i < set->n; i++)
		if (!set->list[i]->settled)
			dev = set->list[i];
	as_it_was = can_go_on(set);
	uvpi_devset_error_path(set, dev, false, path, sizeof(path));
	uvpi_store_read(set->store, path, &text, NULL);
	if (dev->server && dev->front_state == UVPI_XENBUS_CLOSED)
		return fail_not_closed(set, dev, err);
	if (text)
		snprintf(says, sizeof(says), "; it says: %.120s", text);
	if (as_it_was)
		write_states(set, "1", dev->was, NULL);
	uvpi_fail(err, UVP_E_TIMEOUT, 0, "the guest of domain %" PRIu32 " did not let go of %s in time: front end %s%s",
		  set->domid, dev->label, uvpi_xenbus_name(dev->front_state), says);
	uvpi_hint(err, "%s; unmount it there and try again, or take it away with --force",
		  as_it_was ? "it stays attached" : "it is still closing");
	return -UVP_E_TIMEOUT;
}

#define N_READ 5
/* What both ends say now, and what is to be undone on the host. */
static int remember_states(struct uvpi_devset *set, bool force, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);
	char path[160];

	for (int i = 0; i < set->n && r >= 0; i++) {
		snprintf(path, sizeof(path), "%s/state", set->list[i]->backend);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/state", set->list[i]->frontend);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/script", set->list[i]->backend);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/vifname", set->list[i]->backend);
		uvpi_batch_read(batch, path);
		snprintf(path, sizeof(path), "%s/" UVPI_DEVICE_LEFT, set->list[i]->record);
		uvpi_batch_read(batch, path);
	}
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	for (int i = 0; i < set->n && r >= 0; i++) {
		struct uvpi_device *dev = set->list[i];
		const char *script = uvpi_batch_value(batch, N_READ * i + 2, NULL);
		const char *vifname = uvpi_batch_value(batch, N_READ * i + 3, NULL);

		dev->was = uvpi_xenbus_parse(uvpi_batch_value(batch, N_READ * i, NULL));
		dev->front_state = uvpi_xenbus_parse(uvpi_batch_value(batch, N_READ * i + 1, NULL));
		dev->given_up = force && uvpi_batch_value(batch, N_READ * i + 4, NULL);
		if (dev->server)
			continue;
		snprintf(dev->ifname, sizeof(dev->ifname), "%s", vifname ? vifname : "");
		free(dev->script);
		dev->script = script ? strdup(script) : NULL;
		if (script && !dev->script)
			r = uvpi_no_memory(err);
	}
	return r;
}

static int detach(struct uvpi_devset *set, bool force, const struct uvp_op *op, struct uvp_error *err)
{
	int r = remember_states(set, force, err);

	if (r < 0)
		return r;
	if (!guest_has_any(set))
		return uvpi_devset_remove(set, err);
	r = force ? 0 : check_servers(set, err);
	if (r == 0)
		r = write_states(set, "0", UVPI_XENBUS_CLOSING, err);
	if (r < 0)
		return r;
	UVPI_STEP("guest asked to let go");
	uvpi_op_progress(op, "waiting for the guest", 0, 0, UVP_UNIT_NONE);
	r = uvpi_devset_wait(set, force ? look_for_close : look_for_guest, true, uvpi_op_deadline(op, GUEST_MS), op, err);
	if (r == -UVP_E_BUSY && can_go_on(set))
		write_states(set, "1", set->list[0]->was, NULL);
	if (r < 0)
		return r;
	if (r == 0 && !force)
		return fail_refused(set, err);
	if (r == 0)
		return uvpi_devset_remove(set, err);
	r = wait_agents(set, op, err);
	if (r == 0)
		r = remove_nodes(set, err);
	UVPI_STEP("device removed");
	return r < 0 ? r : uvpi_devset_barrier(set, uvpi_now_ms() + uvpi_devset_patience(set), NULL, err);
}

int uvpi_devset_detach(struct uvpi_devset *set, bool force, const struct uvp_op *op, struct uvp_error *err)
{
	int r;

	set->op = op;
	r = detach(set, force, op, err);
	set->op = NULL;
	return r;
}
