/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for either end of devices: by watches, with a deadline. */
#include "device/xenbus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/store.h"
#include "device/driver.h"
#include "device/xenbus_set.h"

int uvpi_devset_patience(const struct uvpi_devset *set)
{
	/* A guest that serves others has their work to do and its own. */
	return (uvpi_driver_any(set) ? 30000 : 10000) + 500 * set->n;
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
		snprintf(buf, (size_t)len, "/local/domain/%" PRIu32 "/error/backend/%s/%" PRIu32 "/%" PRIu32 "/error",
			 dev->server, dev->class->kind, set->domid, dev->devid);
	else
		snprintf(buf, (size_t)len, "/local/domain/%" PRIu32 "/error/device/%s/%" PRIu32 "/error", set->domid,
			 dev->class->kind, dev->devid);
}

#define RELEASED "released"

/* Watch, or stop to watch, what either end says, and whether a domain has ended. The token is the device's place in the set. */
static int watch_all(struct uvpi_devset *set, bool on, bool front, struct uvp_error *err)
{
	int (*call)(struct uvpi_store *, const char *, const char *, struct uvp_error *) =
		on ? uvpi_store_watch : uvpi_store_unwatch;
	int r = open_kernel(set, err);

	if (r >= 0 && uvpi_driver_any(set))
		r = call(set->kernel, "@releaseDomain", RELEASED, err);
	for (int i = 0; i < set->n && r >= 0; i++) {
		struct uvpi_device *dev = set->list[i];
		char token[16], path[160];

		snprintf(token, sizeof(token), "%d", i);
		/* In a driver domain its scripts are waited for, too, and that the folder goes. */
		snprintf(path, sizeof(path), "%s%s", dev->backend, dev->server ? "" : "/state");
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

static void look_at_served(struct uvpi_devset *set)
{
	for (int i = 0; i < set->n; i++)
		set->list[i]->looked_at |= set->list[i]->server != 0;
}

/* Take all events there are, and wait for one if there is none. 0: the deadline has passed. That a domain is paused no event
 * tells: those who serve are looked at again and again. */
static int take_events(struct uvpi_devset *set, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_store_event event = { NULL };
	int64_t soon = uvpi_now_ms() + UVPI_DRIVER_LOOK_MS;
	bool early = uvpi_driver_any(set) && deadline_ms && (deadline_ms < 0 || soon < deadline_ms);
	int r = uvpi_store_next_event(set->kernel, early ? soon : deadline_ms, uvpi_op_cancel_fd(op), &event, err);
	int most = 1024; /* either end may write without a pause */

	if (r == 0 && early) {
		look_at_served(set);
		return 1;
	}
	if (r <= 0)
		return r;
	do {
		uint32_t i;

		if (uvpi_parse_u32(event.token, "token", 0, (uint32_t)set->n - 1, &i, NULL) == 0)
			set->list[i]->looked_at = true;
		if (!strcmp(event.token, RELEASED))
			look_at_served(set);
		uvpi_store_event_done(&event);
	} while (--most && uvpi_store_next_event(set->kernel, 0, -1, &event, NULL) > 0);
	return 1;
}

int uvpi_devset_look_once(struct uvpi_devset *set, uvpi_devset_look *fn, int *ret_open, struct uvp_error *err)
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
		r = uvpi_devset_look_once(set, fn, &open, err);
		if (r >= 0 && open > 0 && deadline_ms > 0 && uvpi_now_ms() >= deadline_ms)
			break;
	}
	if (set->kernel)
		unwatch_all(set, front);
	return r < 0 ? r : open == 0;
}
