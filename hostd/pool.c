/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the warm pool is filled: after shells were taken, or the operator changed what is wanted, once the host's CPUs have
 * time. The folder of shells tells of both; while nothing happens, nothing here wakes up. */
#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "daemon/log.h"
#include "hostd/hostd.h"
#include "shell/shell.h"

#define SOON_US 200000    /* after a create, another one may follow */
#define LOOK_US 100000    /* how long CPUs are looked at */
#define BUSY_US 1000000   /* until one looks again */
#define FAILED_US 60000000 /* after a refill was given up */
#define WINDOW_US 60000000 /* in which what was taken counts */
#define IDLE_PERCENT 25   /* of all CPUs, at least */

struct hostd_pool {
	struct hostd_wanted wanted;
	uint32_t taken[UVPI_SHAPES_MAX]; /* in this window */
	sd_event_source *notify, *timer, *window;
	int64_t looked_ns;  /* when the CPUs' idle time was read; 0: not yet */
	uint64_t idle_ns;
	bool filling, again, wrong;
};

static void fill_soon(struct hostd *hostd, uint64_t us);

/* ---- what is wanted ---- */

static void read_shapes(struct hostd *hostd)
{
	struct hostd_pool *pool = hostd->pool;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_shapes shapes;

	pool->wrong = uvpi_shapes_read(UVPI_POOL_FILE, &shapes, &err) < 0;
	if (pool->wrong) {
		daemon_log_failure(DAEMON_ERROR, NULL, &err);
		return;
	}
	memset(pool->taken, 0, sizeof(pool->taken));
	pool->wanted.shapes = shapes;
}

const struct hostd_wanted *hostd_pool_wanted(struct hostd *hostd)
{
	struct hostd_pool *pool = hostd->pool;

	for (int i = 0; i < pool->wanted.shapes.n; i++)
		pool->wanted.shells[i] = uvpi_shape_wanted(&pool->wanted.shapes.shapes[i], pool->taken[i]);
	return &pool->wanted;
}

/* ---- are the CPUs idle? ---- */

/* Of all CPUs that are online; returns how many those are. */
static int read_idle(struct hostd *hostd, uint64_t *ret_ns)
{
	_cleanup_free_ uint64_t *idle = NULL;
	int n = uvpi_hyp_cpu_idle(hostd->hyp, &idle, NULL);
	struct uvpi_physinfo phys;

	*ret_ns = 0;
	for (int i = 0; i < n; i++)
		*ret_ns += idle[i];
	/* One that is offline is listed too. */
	return n <= 0 || uvpi_hyp_physinfo(hostd->hyp, &phys, NULL) < 0 ? 0 : (int)phys.cpus;
}

/* 1: yes, 0: no, -1: ask again in a moment. */
static int cpus_are_idle(struct hostd *hostd)
{
	struct hostd_pool *pool = hostd->pool;
	int64_t now = hostd_clock_ns(CLOCK_MONOTONIC), before = pool->looked_ns;
	uint64_t idle, was = pool->idle_ns;
	int n = read_idle(hostd, &idle);

	if (n <= 0)
		return 1; /* this Xen does not tell */
	pool->idle_ns = idle;
	if (!before || idle < was) { /* one went offline in between */
		pool->looked_ns = now;
		return -1;
	}
	pool->looked_ns = 0;
	return (idle - was) * 100 >= (uint64_t)(now - before) * (uint64_t)n * IDLE_PERCENT;
}

/* ---- filling ---- */

static void fill(struct hostd *hostd)
{
	struct hostd_pool *pool = hostd->pool;
	struct hostd_task *task;

	if (pool->filling) {
		pool->again = true;
		return;
	}
	task = hostd_task_new(hostd, HOSTD_JOB_REFILL);
	if (!task)
		return;
	pool->filling = true;
	hostd_task_queue(task);
}

void hostd_pool_refilled(struct hostd *hostd, const struct hostd_result *result)
{
	struct hostd_pool *pool = hostd->pool;

	if (!pool)
		return;
	pool->filling = false;
	/* What cannot be made comes and goes as well, which is no reason to try at once. */
	if (pool->again)
		fill_soon(hostd, result->outcome == HOSTD_DONE ? SOON_US : FAILED_US);
	pool->again = false;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd *hostd = data;
	int idle = cpus_are_idle(hostd);

	if (idle > 0)
		fill(hostd);
	else
		fill_soon(hostd, idle < 0 ? LOOK_US : BUSY_US);
	return 0;
}

static int arm(struct hostd *hostd, sd_event_source **source, uint64_t us, sd_event_time_handler_t handler)
{
	int enabled;

	if (*source && sd_event_source_get_enabled(*source, &enabled) >= 0 && enabled != SD_EVENT_OFF)
		return 0;
	*source = sd_event_source_disable_unref(*source);
	return sd_event_add_time_relative(hostd->event, source, CLOCK_MONOTONIC, us, us / 10, handler, hostd);
}

static void fill_soon(struct hostd *hostd, uint64_t us)
{
	if (arm(hostd, &hostd->pool->timer, us, on_timer) < 0)
		fill(hostd);
}

/* What was taken in this window counts no more: what is too many by now is given back. */
static int on_window(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd *hostd = data;

	memset(hostd->pool->taken, 0, sizeof(hostd->pool->taken));
	fill_soon(hostd, SOON_US);
	return 0;
}

/* Also those that somebody is making, or is about to give back. */
static uint32_t shells_in_xen(struct hostd *hostd)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_all_domains(hostd->hyp, 1, &infos, NULL);
	uint32_t shells = 0;

	for (int i = 0; i < n; i++)
		shells += uvpi_is_shell(infos[i].uuid) && !infos[i].dying;
	return shells;
}

/* Who creates a guest takes what memory is missing at once, and leaves nothing to this. Here the reserve comes back, and what could
 * not be made for want of memory is made when there is some. */
void hostd_pool_look(struct hostd *hostd)
{
	struct hostd_pool *pool = hostd->pool;
	struct uvpi_physinfo phys;
	uint64_t free_kib, wanted = 0;
	uint32_t shells;
	bool room = false;

	if (!pool || !pool->wanted.shapes.n || uvpi_shell_is_drained() || uvpi_hyp_physinfo(hostd->hyp, &phys, NULL) < 0)
		return;
	free_kib = hostd_pool_free_kib(&phys);
	for (int i = 0; i < pool->wanted.shapes.n; i++) {
		const struct uvpi_shape *shape = &pool->wanted.shapes.shapes[i];

		wanted += uvpi_shape_wanted(shape, pool->taken[i]);
		room |= free_kib >= pool->wanted.shapes.reserve_kib + uvpi_shell_needed_kib(shape->type, shape->memory_kib, shape->vcpus);
	}
	shells = shells_in_xen(hostd);
	if (free_kib < pool->wanted.shapes.reserve_kib ? shells > 0 : room && shells < wanted)
		fill_soon(hostd, SOON_US);
}

/* ---- the folder ---- */

static void count_taken(struct hostd *hostd, const char *file)
{
	struct hostd_pool *pool = hostd->pool;
	struct uvpi_shell shell;

	if (!uvpi_shell_parse(file, &shell))
		return;
	for (int i = 0; i < pool->wanted.shapes.n; i++) {
		const struct uvpi_shape *shape = &pool->wanted.shapes.shapes[i];

		if (!uvpi_shell_is(&shell, shape->type, shape->memory_kib, shape->vcpus))
			continue;
		pool->taken[i]++;
		break;
	}
	arm(hostd, &pool->window, WINDOW_US, on_window);
	fill_soon(hostd, SOON_US);
}

static int on_notify(sd_event_source *source, const struct inotify_event *event, void *data)
{
	struct hostd *hostd = data;

	if (!event->len)
		return 0;
	if (event->mask & IN_MOVED_FROM) {
		count_taken(hostd, event->name);
	} else if (!strcmp(event->name, UVPI_SHELL_DRAINED) || !strcmp(event->name, UVPI_SHELL_CHANGED)) {
		read_shapes(hostd);
		if (!hostd->pool->wrong)
			fill_soon(hostd, SOON_US);
	}
	return 0;
}

void hostd_pool_start(struct hostd *hostd)
{
	char path[PATH_MAX];
	int r;

	hostd->pool = calloc(1, sizeof(*hostd->pool));
	if (!hostd->pool)
		return;
	r = uvpi_shell_folder(path, sizeof(path)) < 0 ? -errno :
		sd_event_add_inotify(hostd->event, &hostd->pool->notify, path, IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR, on_notify, hostd);
	if (r < 0) {
		daemon_log(DAEMON_WARNING, NULL, "no domains are prepared ahead: cannot watch %s: %s", path, strerror(-r));
		hostd_pool_stop(hostd);
		return;
	}
	read_shapes(hostd);
	/* Also without any shape: an earlier daemon may have had some. */
	if (!hostd->pool->wrong)
		fill_soon(hostd, SOON_US);
}

void hostd_pool_stop(struct hostd *hostd)
{
	struct hostd_pool *pool = hostd->pool;

	if (!pool)
		return;
	sd_event_source_disable_unref(pool->notify);
	sd_event_source_disable_unref(pool->timer);
	sd_event_source_disable_unref(pool->window);
	free(pool);
	hostd->pool = NULL;
}
