/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host that a domain leaves. Until the other host says that all of it is there, nothing is lost: whatever fails, the guest
 * runs on here. Then it is written down that it was handed over, and from there on only the other host's word counts. */
#include "migrate/send.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "migrate/preflight.h"
#include "migrate/settle.h"
#include "stream/describe.h"
#include "stream/native.h"
#include "stream/suspend.h"

#define FLAGS (UVP_MIGRATE_CHECK | UVP_MIGRATE_TRUST_DISKS | UVP_MIGRATE_NO_LIVE | UVP_MIGRATE_SLOW_DOWN | UVP_MIGRATE_STOP)
#define BUILT_MS 180000  /* devices on a busy host */
#define DONE_MS 10000
#define RUNNING_MS 30000 /* then it is asked again */

/* ---- before anything moves ---- */

/* By one that was killed. */
static int mend(struct uvpi_send *s, struct uvp_error *err)
{
	struct uvpi_slow_mended mended;
	int r = uvpi_slow_put_back(s->domain, &mended, err);

	if (r < 0)
		return r;
	if (mended.cap)
		snprintf(s->report->warnings[s->report->n_warnings++], sizeof(s->report->warnings[0]),
			 "an earlier move was killed and left it a cap of %" PRIu32 "; it has its own again, %" PRIu32, mended.left, mended.own);
	if (mended.limit)
		snprintf(s->report->warnings[s->report->n_warnings++], sizeof(s->report->warnings[0]),
			 "an earlier move was killed and left it a limit of memory of 0; it has its own again, %" PRIu64 " KiB", mended.limit_kib);
	return 0;
}

static int look(struct uvpi_send *s, struct uvp_error *err)
{
	int r = uvpi_suspend_check(s->domain, "moved by 'xl migrate'", "move it", &s->config, &s->info, err);

	if (r < 0)
		return r;
	if (s->info.paused) {
		uvpi_fail(err, UVP_E_BUSY, 0, "it is paused, and cannot suspend itself");
		uvpi_hint(err, "let it go on with 'xlx unpause', then move it");
		return -UVP_E_BUSY;
	}
	r = uvpi_suspend_can(s->domain, err);
	return r < 0 ? r : mend(s, err);
}

static int offer(struct uvpi_send *s, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	_cleanup_free_ char *cpu = NULL;
	uint32_t wanted = uvpi_lanes_wanted(s->how);
	int r;

	if (!message)
		return uvpi_no_memory(err);
	r = uvpi_stream_describe_cpu(s->domain, &cpu, err);
	if (r == 0)
		r = uvpi_stream_describe(s->domain, s->config, &s->info, &s->head, &s->text, err);
	if (r == 0)
		r = uvpi_defined_get(s->domain->uuid, &s->defined, err);
	if (r == 0)
		r = uvpi_token_new(s->handover.token, err);
	if (r == 0)
		r = uvpi_preflight_disks(s->config, message, err);
	if (r < 0)
		return r;
	message->type = UVPI_WIRE_OFFER;
	message->config = s->text;
	message->policy = cpu;
	message->domain = s->head;
	message->token = s->handover.token;
	message->flags = s->how->flags;
	message->connections = s->link.version >= UVPI_WIRE_JOIN_SINCE && wanted > 1 ? wanted : 0;
	uvpi_defined_offer(&s->defined, message);
	return uvpi_link_send(&s->link, message, s->op, err);
}

/* Both sides are asked, so that the operator has all of it at once. */
static int check(struct uvpi_send *s, struct uvp_error *err)
{
	int r = uvpi_preflight_source(s->domain, s->config, s->how->flags, s->list, err);

	if (r < 0)
		return r;
	uvpi_preflight_report(s->list, s->report);
	r = uvpi_link_open(&s->link, s->how, s->op, err);
	if (r == 0)
		uvpi_preflight_version(&s->link, s->info.hvm && !(s->how->flags & UVP_MIGRATE_NO_LIVE), s->report);
	if (r == 0)
		r = offer(s, err);
	return r < 0 ? r : uvpi_preflight_verdict(&s->link, s->report, s->op, err);
}

/* ---- handing over ---- */

/* The last word that came, if there was one, tells more than that the connection is gone. */
static int say_why(struct uvpi_send *s, int r, struct uvp_error *err)
{
	struct uvp_error theirs = UVP_ERROR_INIT;

	int64_t deadline = uvpi_now_ms() + 2000;

	if (!(s->link.broken || s->lanes.broken) || s->link.aborted)
		return r;
	/* Before it there may be that it is ready. */
	while (uvpi_link_receive_any(&s->link, deadline, NULL, &theirs) == 0)
		;
	if (s->link.aborted) {
		if (err)
			*err = theirs;
		return -theirs.code;
	}
	return r;
}

/* Those who have joined over there stay until who has the first has ended. */
static void hang_up(struct uvpi_send *s)
{
	uvpi_link_hang_up(&s->link);
	uvpi_lanes_close(&s->lanes);
	uvpi_link_close(&s->link);
}

/* Whoever was killed there has left something. Does that host know now that nothing comes? */
static bool tidy(struct uvpi_send *s)
{
	struct uvp_error why = UVP_ERROR_INIT;

	hang_up(s);
	if (uvpi_settle_tidy(s->handover.token, s->how, &why) == 0)
		return true;
	uvpi_debug("cannot tidy up there: %s", why.message);
	return false;
}

/* What the other host hints at is to be done there. */
static void say_with_hint(const char *here, struct uvp_error *err)
{
	char theirs[sizeof(err->hint)];

	snprintf(theirs, sizeof(theirs), "%s", err->hint);
	if (*theirs)
		uvpi_hint(err, "%s; on that host: %.200s", here, theirs);
	else
		uvpi_hint(err, "%s, and nothing of it is left there", here);
}

static int give_up(struct uvpi_send *s, int r, struct uvp_error *err)
{
	struct uvp_error resume = UVP_ERROR_INIT;
	char word[UVPI_LABEL];
	const char *ended, *here;
	bool suspended;

	r = say_why(s, r, err);
	/* no thread looks at its memory any more when it goes on */
	uvpi_packer_free(s->packer);
	s->packer = NULL;
	uvpi_slow_undo(&s->slow, s->domain, s->op);
	uvpi_memory_let_go(s->domain, &s->memory);
	uvpi_defined_switch_on(&s->defined);
	suspended = s->suspended && uvpi_resume(s->domain, &resume) < 0 && resume.code != UVP_E_NOT_FOUND;
	ended = uvpi_suspend_ended(s->domain);
	here = ended ? ended : "it runs on here";
	if (suspended)
		uvpi_debug("cannot resume: %s", resume.message);
	uvpi_domain_word(s->domain, word);
	if ((s->link.broken || s->lanes.broken) && s->link.greeted && !s->link.aborted && !tidy(s) && !suspended)
		uvpi_hint(err, "%s; what came of it may be left there: 'xlx destroy %.100s' there removes it", here, word);
	if (suspended)
		uvpi_hint(err, "the domain is suspended: 'xlx unpause %.100s' lets it go on", word);
	else if (err && !err->hint[0] && r == -UVP_E_TIMEOUT && s->link.greeted && !s->link.aborted)
		uvpi_hint(err, "%s; what came of it goes when that host sees the end of the connection; 'xlx destroy %.100s' there "
			       "removes it", here, word);
	else if (err && (ended || !err->hint[0]) && !s->link.aborted)
		uvpi_hint(err, "%s, and nothing of it is left there", here);
	else if (err && s->link.aborted)
		say_with_hint(here, err);
	return r;
}

/* It is there, and gone from here in a moment. */
static int finish(struct uvpi_send *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	char word[UVPI_LABEL];
	bool kept;
	int r;

	/* and not until what stands still no more was written down */
	s->report->pause_ms = (uint64_t)(uvpi_now_ms() - s->suspended_at);
	s->report->pause_ms -= s->link.message.ran_ms < s->report->pause_ms ? s->link.message.ran_ms : 0;
	UVPI_STEP("runs there");
	kept = s->defined.there && !s->link.message.n_warnings;
	uvpi_preflight_report(&s->link.message, s->report);
	/* First: as long as the domain is here, its note has the rest done. */
	if (kept && uvp_definition_remove(&s->defined.definition, &why) < 0 && s->report->n_warnings < UVP_MIGRATE_REFUSALS)
		snprintf(s->report->warnings[s->report->n_warnings++], sizeof(s->report->warnings[0]), "it is still defined here: %.200s",
			 why.message);
	UVPI_STEP("definition gone");
	r = uvp_domain_destroy(s->domain, &op, err); /* not to be stopped any more */
	if (r == 0 && s->slow.noted)
		uvpi_slow_forget(s->domain);
	UVPI_STEP("gone here");
	if (r < 0) {
		uvpi_prefix(err, "it runs on '%s', and what is left of it here cannot be removed", s->link.peer);
		uvpi_hint(err, "try 'xlx migrate --settle %.100s' again", uvpi_domain_word(s->domain, word));
		return r;
	}
	r = uvpi_link_tell(&s->link, UVPI_WIRE_DONE, NULL);
	if (r == 0)
		r = uvpi_link_receive(&s->link, UVPI_WIRE_DONE, uvpi_now_ms() + DONE_MS, NULL, NULL);
	/* It was killed meanwhile, and has its decision still written down. */
	if (r < 0)
		tidy(s);
	return 0;
}

/* Neither side guesses: the other one is asked on a connection of its own. */
static int ask(struct uvpi_send *s, struct uvp_error *err)
{
	enum uvp_migrate_end end;
	int r;

	uvpi_debug("the connection broke while handing over: asking");
	uvpi_link_close(&s->link);
	r = uvpi_settle(s->domain, &s->handover, s->how, NULL, &end, err);
	if (r < 0)
		return r;
	if (end == UVP_MIGRATE_THERE) {
		s->report->pause_ms = (uint64_t)(uvpi_now_ms() - s->suspended_at);
		if (s->defined.there && uvpi_def_exists(s->domain->uuid) && s->report->n_warnings < UVP_MIGRATE_REFUSALS)
			snprintf(s->report->warnings[s->report->n_warnings++], sizeof(s->report->warnings[0]),
				 "it is not defined there, but still here, where it does not start at boot any more");
		return 0;
	}
	uvpi_slow_undo(&s->slow, s->domain, s->op);
	uvpi_memory_let_go(s->domain, &s->memory);
	uvpi_defined_switch_on(&s->defined);
	r = uvpi_fail(err, UVP_E_IO, 0, "the connection to '%s' broke as it was handed over", s->how->host);
	uvpi_hint(err, "the other host was asked, and gave it back: it runs on here");
	return r;
}

static int hand_over(struct uvpi_send *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = uvpi_suspend_still(s->domain, err);

	if (r < 0) {
		s->suspended = false;
		return give_up(s, r, err);
	}
	snprintf(s->handover.host, sizeof(s->handover.host), "%s", s->how->host);
	snprintf(s->handover.ssh, sizeof(s->handover.ssh), "%s", s->how->ssh ? s->how->ssh : "-");
	s->handover.autostart = s->defined.autostart;
	s->handover.order = s->defined.definition.order;
	s->handover.delay_ms = s->defined.definition.delay_ms;
	r = uvpi_handover_note(s->domain, &s->handover, err);
	if (r == 0) {
		r = uvpi_defined_switch_off(&s->defined, err);
		if (r < 0)
			uvpi_handover_take_back(s->domain, NULL);
	}
	if (r < 0)
		return give_up(s, r, err);
	UVPI_STEP("handed over");
	uvpi_op_progress(s->op, "handing over", 0, 0, UVP_UNIT_NONE);
	r = uvpi_link_tell(&s->link, UVPI_WIRE_GO, &why);
	UVPI_STEP("said go");
	if (r == 0)
		r = uvpi_link_receive(&s->link, UVPI_WIRE_RUNNING, uvpi_now_ms() + RUNNING_MS, NULL, &why);
	return r < 0 ? ask(s, err) : finish(s, err);
}

static int move(struct uvpi_send *s, struct uvp_error *err)
{
	int r;

	r = uvpi_packer_new(&s->packer, err);
	if (r < 0)
		return r;
	r = uvpi_machine_open(&s->machine, s->domain, s->config, s->op, err);
	if (r == 0)
		r = uvpi_memory_hold(s->domain, &s->memory, s->op, err);
	if (r == 0 && !(s->how->flags & UVP_MIGRATE_NO_LIVE))
		r = uvpi_slow_begin(&s->slow, s->domain, err);
	if (r == 0)
		r = uvpi_send_guest(s, err);
	uvpi_native_stop_log(&s->pipe);
	uvpi_machine_close(&s->machine);
	UVPI_STEP("all sent");
	if (r == 0)
		r = uvpi_link_receive(&s->link, UVPI_WIRE_BUILT, uvpi_now_ms() + BUILT_MS, s->op, err);
	return r < 0 ? give_up(s, r, err) : hand_over(s, err);
}

/* The other host has been asked for as many as it understands. */
static void look_at_granted(struct uvpi_send *s)
{
	uint32_t wanted = uvpi_lanes_wanted(s->how), granted = s->link.message.connections ? s->link.message.connections : 1;

	if (granted < wanted && s->report->n_warnings < UVP_MIGRATE_REFUSALS)
		snprintf(s->report->warnings[s->report->n_warnings++], sizeof(s->report->warnings[0]),
			 "host '%.100s' takes %" PRIu32 " connection%s for a domain, and not %" PRIu32, s->link.peer, granted,
			 granted == 1 ? "" : "s", wanted);
}

static int connect_more(struct uvpi_send *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	char hint[sizeof(why.hint)];
	int r;

	r = uvpi_lanes_open(&s->lanes, &s->link, s->how, s->handover.token, s->op, &why);
	if (r == 0)
		return 0;
	uvpi_link_abort(&s->link, &why);
	if (s->lanes.n > 1 && r != -UVP_E_CANCELLED) {
		snprintf(hint, sizeof(hint), "%s", *why.hint ? why.hint : "nothing of it has moved: it runs on here");
		uvpi_hint(&why, "%.190s; fewer --connections ask less of that host", hint);
	}
	if (err)
		*err = why;
	return r;
}

static int migrate(struct uvpi_send *s, struct uvp_error *err)
{
	int r = look(s, err);

	if (r == 0)
		r = check(s, err);
	if (s->link.greeted)
		snprintf(s->report->there, sizeof(s->report->there), "%.127s", s->how->host);
	if (r == 0)
		look_at_granted(s);
	if (r == 0 && !(s->how->flags & UVP_MIGRATE_CHECK))
		r = connect_more(s, err);
	if (r < 0 && (r == -UVP_E_IO || s->lanes.n) && s->link.greeted && err && !err->hint[0])
		uvpi_hint(err, "nothing of it has moved: it runs on here");
	return r < 0 || s->how->flags & UVP_MIGRATE_CHECK ? r : move(s, err);
}

_Static_assert(UVP_MIGRATE_CONNECTIONS == UVPI_WIRE_CONNECTIONS, "as many as can be asked for can be granted");

/* Records go over several connections as a whole, and one must not take longer than the other host waits for it. */
static int check_how(const struct uvp_migrate *how, struct uvp_error *err)
{
	uint32_t connections = uvpi_lanes_wanted(how);

	if (how->flags & ~FLAGS)
		return uvpi_fail(err, UVP_E_INVALID, 0, "unknown flags 0x%x", how->flags);
	if (connections > UVP_MIGRATE_CONNECTIONS)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%" PRIu32 " connections: 1 to %d", connections, UVP_MIGRATE_CONNECTIONS);
	if (connections > 1 && how->bandwidth && how->bandwidth < 1 << 20)
		return uvpi_fail(err, UVP_E_INVALID, 0, "several connections are for more than 1 MiB a second");
	return 0;
}

static void fill_report(struct uvpi_send *s)
{
	s->report->rounds = s->rounds.round + s->suspended;
	s->report->wire_bytes = uvpi_send_wire(s);
	s->report->connections = (uint64_t)(s->lanes.opened > 1 ? s->lanes.opened : 1);
	s->report->stream_bytes = s->raw;
	s->report->total_ms = (uint64_t)(uvpi_now_ms() - s->began);
	s->report->forecast_ms = s->rounds.pause_ms;
	s->report->cap = s->slow.steps ? s->slow.cap : 0;
}

int uvp_domain_migrate(struct uvp_domain *domain, const struct uvp_migrate *how, const struct uvp_op *op,
		       struct uvp_migrate_report *ret_report, struct uvp_error *err)
{
	struct uvpi_send *s = calloc(1, sizeof(*s));
	struct uvp_migrate_report *report = calloc(1, sizeof(*report));
	char label[UVPI_LABEL];
	int lock, r;

	if (!s || !report) {
		free(s);
		free(report);
		return uvpi_no_memory(err);
	}
	*s = (struct uvpi_send){ .domain = domain, .how = how, .quiet = UVP_OP_INIT, .report = report, .link = UVPI_LINK_INIT };
	s->began = uvpi_now_ms();
	s->limited = uvpi_op_until(op, how->timeout_ms ? s->began + how->timeout_ms : -1);
	s->op = &s->limited;
	s->quiet.cancel_fd = uvpi_op_cancel_fd(op);
	s->quiet.deadline_ms = s->limited.deadline_ms;
	s->rounds.max_pause_ms = how->max_pause_ms;
	s->list = calloc(1, sizeof(*s->list));
	lock = s->list ? uvpi_saving_begin(domain, UVPI_SAVING_MOVE, err) : uvpi_no_memory(err);
	r = lock;
	if (lock >= 0) {
		r = check_how(how, err);
		if (r == 0)
			r = migrate(s, err);
		fill_report(s);
		hang_up(s);
		uvpi_saving_end(domain, lock);
	}
	if (r == -UVP_E_TIMEOUT && !s->late && uvpi_send_check_time(s, NULL) < 0)
		uvpi_prefix(err, "it was not there after %" PRIu32 " s", how->timeout_ms / 1000);
	if (r < 0)
		uvpi_prefix(err, "cannot move %s to '%.100s'", uvpi_domain_label(domain, label), how->host);
	if (ret_report)
		*ret_report = *report;
	uvp_config_free(s->config);
	uvpi_defined_done(&s->defined);
	free(s->list);
	free(s->text);
	uvpi_packer_free(s->packer);
	free(s);
	free(report);
	return r;
}
