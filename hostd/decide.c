/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "hostd/decide.h"

#include <inttypes.h>
#include <stdio.h>

#define RETRY_PAUSE_MAX_S 60

static const char *choose_setting(enum uvpi_reason reason, const struct uvp_config *config, enum uvpi_action *ret_action)
{
	switch (reason) {
	case UVPI_REASON_POWEROFF:
		*ret_action = config->on_poweroff;
		return "on_poweroff";
	case UVPI_REASON_REBOOT:
		*ret_action = config->on_reboot;
		return "on_reboot";
	case UVPI_REASON_WATCHDOG:
		*ret_action = config->on_watchdog;
		return "on_watchdog";
	case UVPI_REASON_SOFT_RESET:
		*ret_action = config->on_soft_reset;
		return "on_soft_reset";
	case UVPI_REASON_SUSPEND:
		return NULL; /* whoever suspends it knows what comes next */
	case UVPI_REASON_CRASH:
		break;
	}
	/* What a later Xen may tell is no orderly end. */
	*ret_action = config->on_crash;
	return "on_crash";
}

/* Count this restart, in the row that goes on or in one that begins. False when the row is too long. */
static bool count_restart(const struct hostd_restarts *restarts, int64_t now_s, const struct hostd_limit *limit,
			  struct hostd_restarts *ret_restarts)
{
	bool new_row = !restarts->count || restarts->since_s > now_s || now_s - restarts->since_s > limit->window_s;

	if (new_row) {
		*ret_restarts = (struct hostd_restarts){ 1, now_s };
		return true;
	}
	*ret_restarts = *restarts;
	if (limit->max && restarts->count >= limit->max)
		return false;
	if (ret_restarts->count < UINT32_MAX)
		ret_restarts->count++;
	return true;
}

void hostd_decide(enum uvpi_reason reason, const struct uvp_config *config, const struct hostd_restarts *restarts,
		  int64_t now_s, const struct hostd_limit *limit, struct hostd_decision *ret_decision)
{
	struct hostd_decision d = { .what = HOSTD_NOTHING, .restarts = *restarts };

	d.setting = choose_setting(reason, config, &d.action);
	if (d.setting) {
		switch (d.action) {
		case UVPI_ACTION_DESTROY:
			d.what = HOSTD_DESTROY;
			break;
		case UVPI_ACTION_PRESERVE:
			d.what = HOSTD_PRESERVE;
			break;
		case UVPI_ACTION_RESTART:
			d.what = HOSTD_RESTART;
			break;
		case UVPI_ACTION_RENAME_RESTART:
			d.what = HOSTD_RENAME_RESTART;
			break;
		case UVPI_ACTION_COREDUMP_DESTROY:
			d.what = HOSTD_DESTROY;
			d.dump = true;
			break;
		case UVPI_ACTION_COREDUMP_RESTART:
			d.what = HOSTD_RESTART;
			d.dump = true;
			break;
		case UVPI_ACTION_SOFT_RESET:
			d.what = HOSTD_RESTART;
			d.soft_reset = true;
			break;
		}
	}
	if ((d.what == HOSTD_RESTART || d.what == HOSTD_RENAME_RESTART) &&
	    !count_restart(restarts, now_s, limit, &d.restarts)) {
		d.what = HOSTD_PRESERVE;
		d.limited = true;
	}
	*ret_decision = d;
}

void hostd_parse_restarts(const char *text, struct hostd_restarts *ret_restarts)
{
	struct hostd_restarts parsed = { 0 };
	int end = 0;

	if (!text || sscanf(text, "%9" SCNu32 " %18" SCNd64 "%n", &parsed.count, &parsed.since_s, &end) != 2 || !end ||
	    text[end] || parsed.since_s < 0)
		parsed = (struct hostd_restarts){ 0 };
	*ret_restarts = parsed;
}

int64_t hostd_retry_pause_s(uint32_t tries)
{
	return tries >= 6 ? RETRY_PAUSE_MAX_S : (int64_t)1 << tries;
}
