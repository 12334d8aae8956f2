/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks and their children: a bounded number at a time, one for each UUID, what they tell, and trying again. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config/xml_lib.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "hostd/hostd.h"

#define SWEEP_AFTER_S 2
#define MEND_EVERY_S 5 /* as long as a domain moves: nothing tells that who moves it was killed */

static void start_queued(struct hostd *hostd);

struct hostd_task *hostd_task_new(struct hostd *hostd, enum hostd_job job)
{
	struct hostd_task *task = calloc(1, sizeof(*task));

	if (!task) {
		daemon_log(DAEMON_ERROR, NULL, "out of memory: a domain's end may not be acted upon");
		return NULL;
	}
	task->hostd = hostd;
	task->job = job;
	task->pipe = -1;
	task->next = hostd->tasks;
	if (task->next)
		task->next->prev = task;
	hostd->tasks = task;
	return task;
}

static void unqueue(struct hostd_task *task)
{
	struct hostd *hostd = task->hostd;

	for (struct hostd_task **at = &hostd->queue; *at; at = &(*at)->queue_next) {
		if (*at != task)
			continue;
		*at = task->queue_next;
		if (hostd->queue_tail == &task->queue_next)
			hostd->queue_tail = at;
		break;
	}
	task->queue_next = NULL;
}

void hostd_task_free(struct hostd_task *task)
{
	struct hostd *hostd = task->hostd;

	unqueue(task);
	if (task->prev)
		task->prev->next = task->next;
	else
		hostd->tasks = task->next;
	if (task->next)
		task->next->prev = task->prev;
	if (task->domid && hostd->by_domid[task->domid] == task)
		hostd->by_domid[task->domid] = NULL;
	if (hostd->sweep == task)
		hostd->sweep = NULL;
	if (hostd->mend == task)
		hostd->mend = NULL;
	sd_event_source_disable_unref(task->child);
	sd_event_source_disable_unref(task->timer);
	if (task->pipe >= 0)
		close(task->pipe);
	free(task);
}

void hostd_status_changed(struct hostd *hostd)
{
	uint32_t waiting = 0;

	for (struct hostd_task *task = hostd->tasks; task; task = task->next)
		waiting += task->state == HOSTD_WAITING && task->job == HOSTD_JOB_FINISH;
	if (!hostd->store)
		daemon_notify(0, "waiting for xenstored");
	else if (waiting)
		daemon_notify(0, "%" PRIu32 " jobs, %" PRIu32 " restarts to be tried again", hostd->running, waiting);
	else
		daemon_notify(0, "%" PRIu32 " jobs", hostd->running);
}

/* ---- the child's side ---- */

static void run_child(struct hostd_task *task, int out) __attribute__((noreturn));

static void run_child(struct hostd_task *task, int out)
{
	static struct hostd_result result;
	struct hostd_work work = { .conf = &task->hostd->conf };
	struct uvp_error err = UVP_ERROR_INIT;
	ssize_t written;
	int r;

	daemon_child_init();
	prctl(PR_SET_NAME, "uvp-hostd-job");
	r = uvp_host_open(&work.host, &err);
	if (r >= 0)
		r = uvpi_host_store(work.host, &work.store, &err);
	if (r >= 0 && task->job == HOSTD_JOB_END)
		r = hostd_act(&work, task->domid, task->uuid, &result, &err);
	else if (r >= 0 && task->job == HOSTD_JOB_FINISH)
		r = hostd_finish(&work, task->uuid, &result, &err);
	else if (r >= 0 && task->job == HOSTD_JOB_REFILL)
		r = hostd_refill(&work, hostd_pool_wanted(task->hostd), &result, &err);
	else if (r >= 0 && task->job == HOSTD_JOB_MEND)
		r = hostd_mend(&work, &result, &err);
	else if (r >= 0)
		r = hostd_sweep(&work, &result, &err);
	if (r < 0) {
		result.outcome = 0;
		result.err = err;
	}
	/* Less than a pipe holds: this does not block. */
	written = write(out, &result, sizeof(result));
	_exit(written == (ssize_t)sizeof(result) ? 0 : 1);
}

/* ---- the daemon's side ---- */

static bool read_result(struct hostd_task *task, struct hostd_result *result)
{
	size_t len = 0;

	while (len < sizeof(*result)) {
		ssize_t n = read(task->pipe, (char *)result + len, sizeof(*result) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(task->pipe);
	task->pipe = -1;
	return len == sizeof(*result);
}

static const char *subject(const struct hostd_task *task, const struct hostd_result *result, char buf[320])
{
	if (task->job == HOSTD_JOB_SWEEP)
		return "looking for leftovers";
	if (task->job == HOSTD_JOB_MEND)
		return "looking for moves that were killed";
	if (task->job == HOSTD_JOB_REFILL)
		return "filling the warm pool";
	if (*result->domain)
		snprintf(buf, 320, "'%s'", result->domain);
	else if (task->job == HOSTD_JOB_END)
		snprintf(buf, 320, "domain %" PRIu32, task->domid);
	else
		return "a restart that was begun earlier";
	return buf;
}

/* A domain that is kept and a note that is to be tried again are different tasks. */
static struct hostd_task *note_task(struct hostd *hostd, const uint8_t uuid[16])
{
	struct hostd_task *task;

	for (task = hostd->tasks; task; task = task->next)
		if (task->job == HOSTD_JOB_FINISH && !memcmp(task->uuid, uuid, 16))
			return task;
	task = hostd_task_new(hostd, HOSTD_JOB_FINISH);
	if (task)
		memcpy(task->uuid, uuid, 16);
	return task;
}

static void retry(struct hostd_task *task, struct hostd_result *result)
{
	int64_t pause = hostd_retry_pause_s(result->tries ? result->tries - 1 : 0);
	struct hostd_task *again = note_task(task->hostd, task->uuid);
	char buf[320];

	daemon_log(DAEMON_WARNING, result->domain, "%s cannot be restarted now (try %" PRIu32 " of %" PRIu32
		   "; the next in %" PRId64 " s): %s",
		   subject(task, result, buf), result->tries, task->hostd->conf.tries, pause, result->err.message);
	task->state = HOSTD_OVER;
	if (again) {
		again->tries = 0;
		hostd_task_later(again, pause);
	}
}

/* The work itself failed: xenstored or Xen do not answer, or the child was killed. Nothing is lost; do it again. */
static void redo(struct hostd_task *task, struct hostd_result *result)
{
	struct hostd *hostd = task->hostd;
	int64_t pause = hostd_retry_pause_s(task->tries);
	char buf[320];

	if (++task->tries < hostd->conf.tries) {
		daemon_log(DAEMON_WARNING, result->domain, "%s: %s; trying again in %" PRId64 " s",
			   subject(task, result, buf), result->err.message, pause);
		hostd_task_later(task, pause);
		return;
	}
	uvpi_prefix(&result->err, "%s: given up after %" PRIu32 " tries", subject(task, result, buf), task->tries);
	uvpi_hint(&result->err, "'systemctl restart uvp-hostd' tries again");
	daemon_log_failure(DAEMON_ERROR, result->domain, &result->err);
	task->state = HOSTD_OVER;
}

static void start_notes(struct hostd *hostd, const struct hostd_result *result)
{
	for (int i = 0; i < result->n_notes; i++) {
		struct hostd_task *task = note_task(hostd, result->notes[i]);

		if (task && task->state == HOSTD_IDLE)
			hostd_task_queue(task);
	}
}

static void handle_result(struct hostd_task *task, struct hostd_result *result)
{
	switch (result->outcome) {
	case HOSTD_DONE:
	case HOSTD_SETTLED:
		task->state = HOSTD_OVER;
		break;
	case HOSTD_RETRY:
		retry(task, result);
		break;
	case HOSTD_GIVEN_UP:
		daemon_log_failure(DAEMON_ERROR, result->domain, &result->err);
		task->state = HOSTD_OVER;
		break;
	default:
		redo(task, result);
		break;
	}
}

static void finish_stopping(struct hostd *hostd)
{
	if (hostd->stopping && !hostd->running)
		sd_event_exit(hostd->event, 0);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *data)
{
	static struct hostd_result result;
	struct hostd_task *task = data;
	struct hostd *hostd = task->hostd;
	enum hostd_job job = task->job;
	bool again = task->again;

	task->child = sd_event_source_disable_unref(task->child);
	task->again = false;
	hostd->running--;
	memset(&result, 0, sizeof(result));
	if (!read_result(task, &result)) {
		memset(&result, 0, sizeof(result));
		uvpi_fail(&result.err, UVP_E_INTERNAL, 0, "the process that did this was ended by %s %d",
			  info->si_code == CLD_EXITED ? "itself, with status" : "signal", info->si_status);
	}
	result.domain[sizeof(result.domain) - 1] = '\0';
	handle_result(task, &result);
	if (task->job == HOSTD_JOB_SWEEP && result.outcome == HOSTD_DONE)
		start_notes(hostd, &result);
	if (task->job == HOSTD_JOB_REFILL && task->state == HOSTD_OVER)
		hostd_pool_refilled(hostd, &result);
	/* Tasks of domains live as long as the domain, so that one that is kept is not looked at again. */
	if (task->state == HOSTD_OVER && (task->job != HOSTD_JOB_END || task->gone))
		hostd_task_free(task);
	if (again && job == HOSTD_JOB_SWEEP)
		hostd_sweep_soon(hostd);
	if ((again && job == HOSTD_JOB_MEND) || result.n_moving)
		hostd_mend_soon(hostd);
	start_queued(hostd);
	hostd_status_changed(hostd);
	finish_stopping(hostd);
	return 0;
}

static bool is_of_domain(const struct hostd_task *task)
{
	return task->job == HOSTD_JOB_END || task->job == HOSTD_JOB_FINISH;
}

static int spawn(struct hostd_task *task, struct uvp_error *err)
{
	struct hostd *hostd = task->hostd;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return uvpi_fail_errno(err, errno, "cannot make a pipe");
	/* Loading it costs more than the rest of a child's work: once here, for all of them. */
	if (is_of_domain(task))
		uvpi_xml_lib(NULL);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(ends[0]);
		run_child(task, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return uvpi_fail_errno(err, errno, "cannot start a child process");
	}
	task->pipe = ends[0];
	task->state = HOSTD_RUNNING;
	hostd->running++;
	r = sd_event_add_child(hostd->event, &task->child, pid, WEXITED, on_child, task);
	if (r < 0)
		daemon_fail(err, r, "wait for a child process");
	return r < 0 ? sd_event_exit(hostd->event, 1) : 0;
}

/* Two children must not work on the same domain. */
static bool is_held_back(const struct hostd_task *task)
{
	if (!is_of_domain(task))
		return false;
	for (const struct hostd_task *other = task->hostd->tasks; other; other = other->next)
		if (other != task && other->state == HOSTD_RUNNING && is_of_domain(other) &&
		    !memcmp(other->uuid, task->uuid, 16))
			return true;
	return false;
}

static void start_queued(struct hostd *hostd)
{
	struct hostd_task *next;

	for (struct hostd_task *task = hostd->queue; task && hostd->running < hostd->conf.jobs && !hostd->stopping;
	     task = next) {
		struct uvp_error err = UVP_ERROR_INIT;

		next = task->queue_next;
		if (is_held_back(task))
			continue;
		unqueue(task);
		if (spawn(task, &err) < 0) {
			daemon_log_failure(DAEMON_WARNING, NULL, &err);
			hostd_task_later(task, hostd_retry_pause_s(task->tries++));
		}
	}
}

void hostd_task_queue(struct hostd_task *task)
{
	struct hostd *hostd = task->hostd;

	if (task->state == HOSTD_QUEUED || task->state == HOSTD_RUNNING)
		return;
	task->timer = sd_event_source_disable_unref(task->timer);
	task->state = HOSTD_QUEUED;
	*hostd->queue_tail = task;
	hostd->queue_tail = &task->queue_next;
	start_queued(hostd);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	hostd_task_queue(data);
	return 0;
}

void hostd_task_later(struct hostd_task *task, int64_t seconds)
{
	int r;

	task->timer = sd_event_source_disable_unref(task->timer);
	task->state = HOSTD_WAITING;
	r = sd_event_add_time_relative(task->hostd->event, &task->timer, CLOCK_MONOTONIC, (uint64_t)seconds * 1000000,
				       100000, on_timer, task);
	if (r < 0)
		hostd_task_queue(task);
}

/* There is one of its kind: while it is at work, once more after that. */
static void soon(struct hostd *hostd, struct hostd_task **task, enum hostd_job job, int seconds)
{
	if (!*task)
		*task = hostd_task_new(hostd, job);
	if (!*task)
		return;
	if ((*task)->state == HOSTD_RUNNING)
		(*task)->again = true;
	else if ((*task)->state == HOSTD_IDLE)
		hostd_task_later(*task, seconds);
}

void hostd_sweep_soon(struct hostd *hostd)
{
	soon(hostd, &hostd->sweep, HOSTD_JOB_SWEEP, hostd->scans > 1 ? SWEEP_AFTER_S : 0);
}

void hostd_mend_soon(struct hostd *hostd)
{
	soon(hostd, &hostd->mend, HOSTD_JOB_MEND, MEND_EVERY_S);
}
