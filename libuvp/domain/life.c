/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pausing domains, asking them to end, and waiting until they have. */
#include "domain/domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"
#include "migrate/handover.h"
#include "migrate/slow.h"
#include "stream/suspend.h"

#define WAIT_DEFAULT_MS (5 * 60 * 1000)
/* Xen counts pauses in a byte. */
#define MAX_PAUSES 256

const char *uvpi_domain_label(const struct uvp_domain *domain, char buf[UVPI_LABEL])
{
	if (domain->name[0])
		snprintf(buf, UVPI_LABEL, "domain '%s'", domain->name);
	else
		snprintf(buf, UVPI_LABEL, "domain %" PRIu32, domain->domid);
	return buf;
}

const char *uvpi_domain_word(const struct uvp_domain *domain, char buf[UVPI_LABEL])
{
	if (domain->name[0])
		snprintf(buf, UVPI_LABEL, "%s", domain->name);
	else
		snprintf(buf, UVPI_LABEL, "%" PRIu32, domain->domid);
	return buf;
}

int uvpi_domain_look(const struct uvp_domain *domain, struct uvpi_dominfo *ret_info, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	char label[UVPI_LABEL];
	int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

	if (r && r != -UVP_E_NOT_FOUND)
		return r;
	if (r || memcmp(info.uuid, domain->uuid, sizeof(info.uuid)))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s does not exist any more",
				 uvpi_domain_label(domain, label));
	*ret_info = info;
	return 0;
}

/* ---- pausing ---- */

int uvp_domain_pause(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r;

	if (!domain->domid)
		return uvpi_fail(err, UVP_E_INVALID, 0, "domain 0 cannot be paused: nobody could unpause it");
	r = uvpi_domain_look(domain, &info, err);
	if (r)
		return r;
	if (info.paused)
		return 1;
	return uvpi_hyp_pause(domain->host->hyp, domain->domid, err);
}

/* One that was being saved when whoever did it was killed. */
static int resume_suspended(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	char label[UVPI_LABEL];
	int lock = uvpi_saving_begin(domain, UVPI_SAVING_RESUME, err), r;

	if (lock < 0) {
		uvpi_prefix(err, "cannot let %s go on", uvpi_domain_label(domain, label));
		return lock;
	}
	/* One that goes on slowly, and with the memory that it has, is better than one that does not. The note stays. */
	if (uvpi_slow_put_back(domain, NULL, &why) < 0)
		uvpi_debug("what moving has changed stays: %s", why.message);
	r = uvpi_resume(domain, err);
	uvpi_saving_end(domain, lock);
	return r;
}

int uvp_domain_unpause(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_domain_look(domain, &info, err);
	bool suspended;

	if (r)
		return r;
	suspended = info.shutdown && !info.dying && info.reason == UVPI_REASON_SUSPEND;
	/* One that moves runs on one host only: here it is suspended, or never ran. What was left to do for it may have been to let it run.
	 * No other one needs xenstored. */
	if (suspended || (info.paused && !info.cpu_time_ns)) {
		bool paused = info.paused;

		r = uvpi_handover_check(domain, err);
		if (r == 0)
			r = uvpi_domain_look(domain, &info, err);
		if (r < 0)
			return r;
		if (paused && !info.paused && !suspended)
			return 0;
	}
	if (suspended)
		r = resume_suspended(domain, err);
	if (r < 0)
		return r;
	if (!info.paused)
		return suspended ? 0 : 1;
	for (int i = 0; i < MAX_PAUSES && info.paused; i++) {
		r = uvpi_hyp_unpause(domain->host->hyp, domain->domid, err);
		if (!r)
			r = uvpi_domain_look(domain, &info, err);
		if (r)
			return r;
	}
	return 0;
}

/* ---- requests through the control nodes ---- */

int uvpi_domain_can_hear(struct uvp_domain *domain, const char *what, struct uvpi_dominfo *ret_info,
			 struct uvp_error *err)
{
	struct uvpi_dominfo info;
	char label[UVPI_LABEL], word[UVPI_LABEL];
	bool has_drivers = true;
	int r;

	if (!domain->domid) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "domain 0 is the host itself and cannot %s from here", what);
		uvpi_hint(err, "use the host's own commands");
		return r;
	}
	r = uvpi_domain_look(domain, &info, err);
	if (r)
		return r;
	uvpi_domain_label(domain, label);
	uvpi_domain_word(domain, word);
	if (ret_info)
		*ret_info = info;
	if (info.dying)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s is being destroyed", label);
	if (info.shutdown)
		return 0;
	if (info.paused) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "%s cannot %s: it is paused", label, what);
		uvpi_hint(err, "let it run first: 'xlx unpause %s'; or end it at once: 'xlx destroy %s'", word, word);
		return r;
	}
	if (info.hvm)
		r = uvpi_hyp_has_callback(domain->host->hyp, domain->domid, &has_drivers, err);
	if (r || has_drivers)
		return r;
	r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s cannot %s: it has no PV drivers, or has not started them yet",
		      label, what);
	if (info.power_button)
		uvpi_hint(err, "press its power button: 'xlx trigger %s power'; or end it at once: 'xlx destroy %s'",
			  word, word);
	else
		uvpi_hint(err, "try again when it has booted, or end it at once: 'xlx destroy %s'", word);
	return r;
}

int uvpi_domain_request(struct uvp_domain *domain, const char *node, const char *value, struct uvp_error *err)
{
	/* The guest owns the node; nobody else but domain 0 may touch it. */
	const struct uvpi_perm perm = { domain->domid, UVPI_ACCESS_NONE };
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64];
	int r = uvpi_host_batch(domain->host, &batch, err);

	if (r)
		return r;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/control/%s", domain->domid, node);
	uvpi_batch_write(batch, path, value);
	uvpi_batch_perms(batch, path, &perm, 1);
	return uvpi_batch_run(batch, false, err);
}

/* A guest without PV drivers: the ACPI power button is all that is left, and only HVM guests have one. */
static int shutdown_by_button(struct uvp_domain *domain, enum uvp_shutdown how, struct uvp_error *err)
{
	struct uvp_error button = UVP_ERROR_INIT;
	char label[UVPI_LABEL], word[UVPI_LABEL];
	int r;

	if (how != UVP_SHUTDOWN_REBOOT)
		return uvp_domain_trigger(domain, UVP_TRIGGER_POWER, 0, err);
	r = uvp_domain_trigger(domain, UVP_TRIGGER_RESET, 0, &button);
	if (!r)
		return 0;
	r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		      "%s cannot be asked to reboot: it has no PV drivers, and Xen has no reset button for it",
		      uvpi_domain_label(domain, label));
	uvpi_hint(err, "shut it down and create it again: 'xlx shutdown -F %s'", uvpi_domain_word(domain, word));
	return r;
}

int uvp_domain_shutdown(struct uvp_domain *domain, enum uvp_shutdown how, unsigned int flags, struct uvp_error *err)
{
	static const struct {
		const char *request, *what;
	} ways[] = {
		[UVP_SHUTDOWN_POWEROFF] = { "poweroff", "be asked to shut down" },
		[UVP_SHUTDOWN_REBOOT] = { "reboot", "be asked to reboot" },
		[UVP_SHUTDOWN_HALT] = { "halt", "be asked to halt" },
	};
	struct uvpi_dominfo info = { 0 };
	int r;

	if ((size_t)how >= UVPI_ARRAY_SIZE(ways) || (flags & ~UVP_SHUTDOWN_TRIGGER))
		return uvpi_fail(err, UVP_E_INVALID, 0, "shutdown: unknown way %d or flags 0x%x", (int)how, flags);
	r = uvpi_domain_can_hear(domain, ways[how].what, &info, err);
	if (r == -UVP_E_UNSUPPORTED && (flags & UVP_SHUTDOWN_TRIGGER) && info.power_button)
		return shutdown_by_button(domain, how, err);
	if (r)
		return r;
	if (info.shutdown)
		return 1;
	return uvpi_domain_request(domain, "shutdown", ways[how].request, err);
}

/* ---- waiting ---- */

struct wait {
	struct uvp_domain *domain;
	struct uvpi_store *store;
	const struct uvp_op *op;
	bool gone; /* until it is gone, not just shut down */
	int64_t started, deadline;
};

/* Said when the deadline passed: what became of the request tells the operator where to look. */
static int say_timeout(const struct wait *w, const struct uvpi_dominfo *info, struct uvp_error *err)
{
	long long seconds = (uvpi_now_ms() - w->started + 500) / 1000;
	char path[64], label[UVPI_LABEL], word[UVPI_LABEL];
	_cleanup_free_ char *request = NULL;
	int r;

	uvpi_domain_label(w->domain, label);
	uvpi_domain_word(w->domain, word);
	if (info->shutdown || info->dying) {
		r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "%s has %s, but is still there after %lld s", label,
			      info->dying ? "been destroyed" : "shut down", seconds);
		uvpi_hint(err, "is uvp-hostd running? 'xlx destroy %s' removes what is left", word);
		return r;
	}
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/control/shutdown", w->domain->domid);
	if (uvpi_store_read(w->store, path, &request, NULL))
		request = NULL;
	if (request && request[0]) {
		r = uvpi_fail(err, UVP_E_TIMEOUT, 0,
			      "%s still runs after %lld s: it has not taken the request to %s", label, seconds, request);
		uvpi_hint(err, "it hangs or has no driver that listens: see 'xlx console %s'; 'xlx destroy %s' ends it at once",
			  word, word);
		return r;
	}
	r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "%s still runs after %lld s: it took the request, but has not ended", label,
		      seconds);
	uvpi_hint(err, "see what holds it up: 'xlx console %s'; give it a longer --timeout, or 'xlx destroy %s'", word,
		  word);
	return r;
}

static void report(const struct wait *w, int64_t now)
{
	struct uvp_progress progress = { .unit = UVP_UNIT_SECONDS };
	char label[UVPI_LABEL], phase[UVPI_LABEL + 32];

	snprintf(phase, sizeof(phase), "waiting for %s", uvpi_domain_label(w->domain, label));
	progress.phase = phase;
	progress.done = (uint64_t)(now - w->started) / 1000;
	progress.total = (uint64_t)(w->deadline - w->started) / 1000;
	w->op->progress(w->op->progress_data, &progress);
}

/* Every death fires the watch, and no event says whose it was: look at ours each time. */
static int wait_for_end(struct wait *w, struct uvp_error *err)
{
	int cancel_fd = w->op ? w->op->cancel_fd : -1;

	for (;;) {
		struct uvpi_store_event event = { 0 };
		struct uvpi_dominfo info;
		int r = uvpi_domain_look(w->domain, &info, err);
		int64_t now = uvpi_now_ms(), until = w->deadline;

		if (r == -UVP_E_NOT_FOUND || (!r && !w->gone && (info.shutdown || info.dying)))
			return 0;
		if (r)
			return r;
		if (now >= w->deadline)
			return say_timeout(w, &info, err);
		if (w->op && w->op->progress) {
			report(w, now);
			until = now + 1000 < until ? now + 1000 : until;
		}
		r = uvpi_store_next_event(w->store, until, cancel_fd, &event, err);
		uvpi_store_event_done(&event);
		if (r < 0)
			return r;
	}
}

static int wait_with_watch(struct uvp_domain *domain, bool gone, const struct uvp_op *op, struct uvp_error *err)
{
	struct wait w = { .domain = domain, .op = op, .gone = gone, .started = uvpi_now_ms() };
	char token[32];
	int r = uvpi_host_store(domain->host, &w.store, err);

	if (r)
		return r;
	w.deadline = op && op->deadline_ms >= 0 ? op->deadline_ms : w.started + WAIT_DEFAULT_MS;
	snprintf(token, sizeof(token), "wait-%" PRIu32, domain->domid);
	r = uvpi_store_watch(w.store, "@releaseDomain", token, err);
	if (r)
		return r;
	r = wait_for_end(&w, err);
	if (uvpi_store_unwatch(w.store, "@releaseDomain", token, NULL))
		uvpi_debug("cannot take the watch for domain %" PRIu32 " back", domain->domid);
	return r;
}

int uvp_domain_wait_shutdown(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err)
{
	return wait_with_watch(domain, false, op, err);
}

int uvp_domain_wait_gone(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err)
{
	return wait_with_watch(domain, true, op, err);
}
