/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Learning that domains have ended. xenstored fires @releaseDomain for every end and every removal, without telling
 * whose: Xen's list is compared with what was known. However many events came together, it is read once. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/store.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "domain/domain.h"
#include "hostd/hostd.h"

#define RELEASED "release" /* tokens of the watches */
#define INTRODUCED "introduce"
#define SLOWED "slowed"
#define SCAN_AFTER_US 20000
#define STORE_PATIENCE_MS 3000 /* all else waits meanwhile, and it is tried again */

static int connect_store(struct hostd *hostd);

/* ---- comparing ---- */

static struct hostd_task *known(struct hostd *hostd, const struct uvpi_dominfo *info)
{
	struct hostd_task *task = hostd->by_domid[info->domid];
	bool named = false;

	if (task && memcmp(task->uuid, info->uuid, 16)) {
		/* Another domain, or the same that was given another UUID. */
		hostd->by_domid[info->domid] = NULL;
		task->gone = true;
		named = task->named;
		task->named = false;
		if (task->state != HOSTD_RUNNING)
			hostd_task_free(task);
		task = NULL;
	}
	if (!task) {
		task = hostd_task_new(hostd, HOSTD_JOB_END);
		if (!task)
			return NULL;
		task->domid = info->domid;
		memcpy(task->uuid, info->uuid, 16);
		hostd->by_domid[info->domid] = task;
		if (named)
			hostd_names_again(hostd, task);
	}
	task->seen = hostd->scans;
	return task;
}

/* Returns whether any is gone, or an error of the connection. */
static int forget_gone(struct hostd *hostd, struct uvp_error *err)
{
	struct hostd_task *next;
	int any = 0;

	for (struct hostd_task *task = hostd->tasks; task; task = next) {
		next = task->next;
		if (task->job != HOSTD_JOB_END || task->seen == hostd->scans || task->gone)
			continue;
		if (any >= 0)
			any = task->named ? hostd_names_leave(hostd, task->domid, err) : 0;
		any = any < 0 ? any : 1;
		task->gone = true;
		task->named = false;
		if (hostd->by_domid[task->domid] == task)
			hostd->by_domid[task->domid] = NULL;
		if (task->state != HOSTD_RUNNING)
			hostd_task_free(task);
	}
	return any;
}

static void take_info(struct hostd_task *task, const struct uvpi_dominfo *info)
{
	bool ended = info->shutdown && !info->dying && info->reason != UVPI_REASON_SUSPEND;

	if (ended && task->state == HOSTD_IDLE)
		hostd_task_queue(task);
	/* Brought back to life by whoever had it suspended or kept. */
	else if (!ended && task->state == HOSTD_OVER)
		task->state = HOSTD_IDLE;
}

/* Negative when the connection to xenstored is lost. */
static int scan(struct hostd *hostd, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_domains(hostd->hyp, 1, &infos, err), r = 0, gone;

	if (n < 0) {
		daemon_log_failure(DAEMON_ERROR, NULL, err);
		return 0;
	}
	hostd->scans++;
	hostd->highest = n ? infos[n - 1].domid : 0;
	for (int i = 0; i < n; i++) {
		struct hostd_task *task = infos[i].domid < HOSTD_DOMIDS ? known(hostd, &infos[i]) : NULL;

		if (!task)
			continue;
		take_info(task, &infos[i]);
		if (r >= 0 && !infos[i].dying)
			r = hostd_names_follow(hostd, task, err);
	}
	gone = forget_gone(hostd, r < 0 ? NULL : err);
	if (gone || hostd->scans == 1)
		hostd_sweep_soon(hostd);
	hostd_pool_look(hostd);
	hostd_status_changed(hostd);
	return r < 0 ? r : gone < 0 ? gone : 0;
}

/* ---- the connection ---- */

static int on_reconnect(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd *hostd = data;

	hostd->reconnect = sd_event_source_disable_unref(hostd->reconnect);
	return connect_store(hostd);
}

static void disconnect_store(struct hostd *hostd)
{
	hostd->store_source = sd_event_source_disable_unref(hostd->store_source);
	hostd->scan_source = sd_event_source_disable_unref(hostd->scan_source);
	hostd_names_lost(hostd);
	uvpi_store_close(hostd->store);
	hostd->store = NULL;
}

/* Said once, and again when it is over; not at every try. */
static int connect_later(struct hostd *hostd, const struct uvp_error *why)
{
	disconnect_store(hostd);
	if (!hostd->connect_tries)
		daemon_log(DAEMON_WARNING, NULL,
			   "%s; ends of domains go unseen until xenstored is there, which is tried again and again",
			   why->message);
	hostd_status_changed(hostd);
	return sd_event_add_time_relative(hostd->event, &hostd->reconnect, CLOCK_MONOTONIC,
					  (uint64_t)hostd_retry_pause_s(hostd->connect_tries < 4 ? hostd->connect_tries++ : 4) *
						  1000000,
					  0, on_reconnect, hostd);
}

static int take_events(struct hostd *hostd);

/* The scan makes watches, which fire at once, and whose answers may bring other events along. */
static int on_scan(sd_event_source *source, uint64_t usec, void *data)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct hostd *hostd = data;
	int r;

	if (scan(hostd, &err) < 0)
		return connect_later(hostd, &err);
	r = take_events(hostd);
	if (r >= 0)
		hostd_names_keep(hostd);
	return r;
}

/* Who makes or ends one domain may be about to do so with the next ones: one scan for all of them, and not in their way.
 */
static void scan_soon(struct hostd *hostd)
{
	int enabled;

	if (sd_event_source_get_enabled(hostd->scan_source, &enabled) >= 0 && enabled == SD_EVENT_OFF &&
	    sd_event_source_set_time_relative(hostd->scan_source, SCAN_AFTER_US) >= 0)
		sd_event_source_set_enabled(hostd->scan_source, SD_EVENT_ONESHOT);
}

/* Each watch fires once when it is made; what the first scan starts looks for moves itself. */
static void note_move(struct hostd *hostd)
{
	if (hostd->scans)
		hostd_mend_soon(hostd);
}

static int take_events(struct hostd *hostd)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	for (;;) {
		struct uvpi_store_event event;

		r = uvpi_store_next_event(hostd->store, 0, -1, &event, &err);
		if (r == 0 && hostd->n_renamed) {
			r = hostd_names_read(hostd, &err);
			if (r < 0)
				break;
			continue;
		}
		if (r <= 0)
			break;
		hostd->introduced += !strcmp(event.token, INTRODUCED);
		hostd->released += !strcmp(event.token, RELEASED);
		if (!strcmp(event.token, SLOWED))
			note_move(hostd);
		else if (!hostd_names_event(hostd, event.token))
			scan_soon(hostd);
		uvpi_store_event_done(&event);
	}
	return r < 0 ? connect_later(hostd, &err) : 0;
}

static int on_store(sd_event_source *source, int fd, uint32_t events, void *data)
{
	return take_events(data);
}

static int watch(struct hostd *hostd, struct uvp_error *err)
{
	int r = uvpi_store_open_within(STORE_PATIENCE_MS, &hostd->store, err);

	if (r >= 0)
		uvpi_store_set_patience(hostd->store, STORE_PATIENCE_MS);
	if (r >= 0)
		r = uvpi_store_watch(hostd->store, "@releaseDomain", RELEASED, err);
	if (r >= 0)
		r = uvpi_store_watch(hostd->store, "@introduceDomain", INTRODUCED, err);
	if (r >= 0)
		r = uvpi_store_watch(hostd->store, UVPI_NODE_SLOWED, SLOWED, err);
	if (r >= 0)
		r = hostd_names_follow_host(hostd, err);
	return r;
}

static int connect_store(struct hostd *hostd)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	if (watch(hostd, &err) < 0)
		return connect_later(hostd, &err);
	r = sd_event_add_io(hostd->event, &hostd->store_source, uvpi_store_fd(hostd->store), EPOLLIN, on_store, hostd);
	if (r >= 0)
		r = sd_event_add_time_relative(hostd->event, &hostd->scan_source, CLOCK_MONOTONIC, 0, 1000, on_scan, hostd);
	if (r < 0)
		return r;
	if (hostd->connect_tries)
		daemon_log(DAEMON_NOTICE, NULL, "xenstored is there");
	hostd->connect_tries = 0;
	hostd_status_changed(hostd);
	/* What the watches fired while they were made is in the connection already. */
	return take_events(hostd);
}

int hostd_watch_start(struct hostd *hostd, struct uvp_error *err)
{
	int r = uvpi_hyp_open(&hostd->hyp, err);
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;

	/* A Xen of another release says so at the first call. */
	if (r >= 0)
		r = uvpi_hyp_domains(hostd->hyp, 0, &infos, err);
	if (r < 0)
		return r;
	r = connect_store(hostd);
	return r < 0 ? daemon_fail(err, r, "watch xenstore") : 0;
}

void hostd_watch_stop(struct hostd *hostd)
{
	sd_event_source_disable_unref(hostd->reconnect);
	disconnect_store(hostd);
	uvpi_hyp_close(hostd->hyp);
	hostd->hyp = NULL;
}
