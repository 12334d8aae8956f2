/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One domain has ended: is it ours, what does its configuration want, do that. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/write.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/step.h"
#include "daemon/log.h"
#include "domain/domain.h"
#include "domain/hostd.h"
#include "hostd/work.h"

/* What xenstore knows about it. */
struct facts {
	bool ours, done;
	struct hostd_restarts restarts;
};

/* Since the host's boot, suspended time included. */
static int64_t boottime_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static int read_facts(struct hostd_work *work, uint32_t domid, const uint8_t uuid[16], struct facts *ret_facts,
		      struct uvp_error *err)
{
	static const char *const leaves[] = { "uuid", "ended", "restarts" };
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64], text[UVPI_UUID_TEXT];
	const char *noted;
	int r = uvpi_batch_new(work->store, &batch, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(leaves); i++) {
		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/%s", domid, leaves[i]);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(uuid, text);
	noted = uvpi_batch_value(batch, 0, NULL);
	ret_facts->ours = noted && !strcmp(noted, text);
	ret_facts->done = uvpi_batch_value(batch, 1, NULL) != NULL;
	hostd_parse_restarts(uvpi_batch_value(batch, 2, NULL), &ret_facts->restarts);
	return 0;
}

static void say_limit(const struct hostd_work *work, const char *name, uint32_t domid, enum uvpi_reason reason)
{
	daemon_log(DAEMON_ERROR, name,
		   "domain %" PRIu32 " '%s' %s; it was restarted %" PRIu32 " times within %" PRId64
		   " s, so it is not restarted again and left as it is; see 'xlx console %" PRIu32
		   "' for its last words, and end it with 'xlx destroy %" PRIu32 "'",
		   domid, name, uvpi_reason_text(reason), work->conf->limit.max, work->conf->limit.window_s, domid, domid);
}

/* The note that makes the decision survive this process. */
static int make_note(const struct uvp_domain *domain, const struct uvp_config *config,
		     const struct hostd_decision *decision, struct hostd_note **ret_note, struct uvp_error *err)
{
	_cleanup_note_ struct hostd_note *note = calloc(1, sizeof(*note));
	int r;

	if (!note)
		return uvpi_no_memory(err);
	r = uvpi_config_write_record(config, &note->config, err);
	if (r >= 0)
		r = uvpi_new_uuid(note->kept, err);
	if (r < 0)
		return r;
	memcpy(note->uuid, domain->uuid, 16);
	snprintf(note->name, sizeof(note->name), "%s", *domain->name ? domain->name : config->name);
	note->what = decision->what;
	note->old_domid = domain->domid;
	note->restarts = decision->restarts;
	*ret_note = uvpi_steal(&note);
	return 0;
}

static int carry_out(struct hostd_work *work, const struct uvp_domain *domain, const struct uvp_config *config,
		     const struct uvpi_dominfo *info, const struct hostd_decision *decision,
		     struct hostd_result *result, struct uvp_error *err)
{
	_cleanup_note_ struct hostd_note *note = NULL;
	const char *name = domain->name;
	int r;

	if (decision->dump) {
		struct uvp_error why = UVP_ERROR_INIT;

		if (hostd_dump(work, info, name, &why) < 0)
			daemon_log_failure(DAEMON_WARNING, name, &why);
	}
	if (decision->what == HOSTD_NOTHING) {
		result->outcome = HOSTD_SETTLED;
		return 0;
	}
	if (decision->what == HOSTD_PRESERVE) {
		r = hostd_keep(work, domain->domid, decision->limited ? UVPI_ENDED_LIMIT : UVPI_ENDED_PRESERVE, err);
		if (r >= 0)
			result->outcome = HOSTD_SETTLED;
		return r;
	}
	r = make_note(domain, config, decision, &note, err);
	if (r < 0)
		return r;
	UVPI_STEP("decided");
	r = hostd_note_write(work->store, note, err);
	if (r < 0)
		return r;
	UVPI_STEP("note written");
	return hostd_finish_note(work, note, result, err);
}

/* Without a configuration nobody knows what to do, and nothing that cannot be taken back should be done. */
static int keep_unreadable(struct hostd_work *work, const struct uvp_domain *domain, struct hostd_result *result,
			   struct uvp_error *err)
{
	int r = hostd_keep(work, domain->domid, UVPI_ENDED_UNREADABLE, NULL);

	uvpi_prefix(err, "domain %" PRIu32 " '%s' has ended, and is left as it is", domain->domid, domain->name);
	uvpi_hint(err, "end it with 'xlx destroy %" PRIu32 "'", domain->domid);
	if (r < 0)
		return r;
	result->err = *err;
	result->outcome = HOSTD_GIVEN_UP;
	return 0;
}

int hostd_act(struct hostd_work *work, uint32_t domid, const uint8_t uuid[16], struct hostd_result *result,
	      struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_config_ struct uvp_config *config = NULL;
	struct hostd_decision decision;
	struct uvpi_dominfo info;
	struct facts facts = { 0 };
	int r = hostd_finish(work, uuid, result, err);

	/* A note about it is older than its end: whoever wrote it was on the way. */
	if (r < 0 || result->outcome == HOSTD_RETRY || result->outcome == HOSTD_GIVEN_UP)
		return r;
	result->outcome = HOSTD_DONE;
	r = uvpi_hyp_domain(work->host->hyp, domid, &info, err);
	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0 || memcmp(info.uuid, uuid, 16) || !info.shutdown || info.dying)
		return r;
	r = read_facts(work, domid, uuid, &facts, err);
	if (r < 0)
		return r;
	if (!facts.ours || facts.done) {
		result->outcome = HOSTD_SETTLED;
		return 0;
	}
	r = uvp_domain_open(work->host, domid, &domain, err);
	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	snprintf(result->domain, sizeof(result->domain), "%s", domain->name);
	r = uvp_domain_config(domain, &config, err);
	if (r == -UVP_E_IO || r == -UVP_E_TIMEOUT || r == -UVP_E_NO_MEMORY)
		return r;
	if (r < 0)
		return keep_unreadable(work, domain, result, err);
	hostd_decide(info.reason, config, &facts.restarts, boottime_s(), &work->conf->limit, &decision);
	if (decision.limited)
		say_limit(work, domain->name, domid, info.reason);
	else if (decision.setting)
		daemon_log(DAEMON_NOTICE, domain->name, "domain %" PRIu32 " '%s' %s: %s=%s%s", domid, domain->name,
			   uvpi_reason_text(info.reason), decision.setting, uvpi_action_name(decision.action),
			   decision.soft_reset ? ", which this release does as a restart" : "");
	return carry_out(work, domain, config, &info, &decision, result, err);
}
