/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of the host, taken over and over; the history keeps them, and the exporter tells the last ones. The more
 * guests there are, the more a sample costs: they are taken so far apart that what this daemon does for it stays under a hundredth of a
 * CPU. */
#include "config.h"

#include <stdlib.h>

#include <uvp/host.h>
#include <uvp/stats.h>

#include "core/error.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "domain/stats.h"
#include "hostd/hostd.h"
#include "hostd/pace.h"

#define COST_PART 100
#define ACCURACY_US 1000 /* sd-event's own would be a quarter of a second */
#define LONGEST_US (60 * UINT64_C(1000000))

struct hostd_sampler {
	struct hostd *hostd;
	struct uvp_host *host;
	bool failing; /* that was said */
	sd_event_source *timer;
};

int64_t hostd_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* May a domain have come and gone since the last sample? All are introduced to xenstored before they run, and told of when they end;
 * that can come later than the sample which does not have them any more. Of before the first sample nobody knows, nor while xenstored is
 * not there to tell; when it is, both watches fire at once. */
static bool is_missed(struct hostd *hostd, const struct uvp_stats *now)
{
	const struct uvp_stats *before = hostd->sample.stats;
	bool missed = !before || !hostd->store || (hostd->introduced && (hostd->released || hostd->introduced > uvpi_stats_new(before, now)));

	hostd->introduced = hostd->released = 0;
	return missed;
}

/* Between two samples it may be a little less than nothing; what is told must not shrink. */
static void add_residue(struct hostd_sample *sample, const struct uvp_stats *now)
{
	if (!uvpi_stats_comparable(sample->stats, now))
		return;
	sample->owed_ns += uvpi_stats_residue(sample->stats, now, NULL);
	if (sample->owed_ns <= 0)
		return;
	sample->xen_ns += (uint64_t)sample->owed_ns;
	sample->owed_ns = 0;
}

static int take(struct hostd_sampler *sampler, struct uvp_error *err)
{
	struct hostd_sample *sample = &sampler->hostd->sample;
	struct uvp_stats *stats;
	/* The names are in a table that this daemon keeps true; xenstored is not asked. */
	int r = uvp_stats_take(sampler->host, UVP_STATS_DEVICES | UVP_STATS_MEMORY | UVP_STATS_NO_NAMES, &stats, err);

	if (r < 0) {
		sample->failures++;
		return r;
	}
	stats->missed = is_missed(sampler->hostd, stats);
	if (sample->stats) {
		uvpi_stats_hold(sample->stats, stats);
		add_residue(sample, stats);
	}
	uvp_stats_free(sample->stats);
	sample->stats = stats;
	sample->wall_ns = hostd_clock_ns(CLOCK_REALTIME);
	sample->taken++;
	hostd_history_add(sampler->hostd);
	return 0;
}

static void note_result(struct hostd_sampler *sampler, int r, struct uvp_error *err)
{
	if (r < 0 && !sampler->failing) {
		uvpi_prefix(err, "no sample of the host's figures");
		daemon_log_failure(DAEMON_WARNING, NULL, err);
	}
	if (r == 0 && sampler->failing)
		daemon_log(DAEMON_NOTICE, NULL, "there are samples of the host's figures again");
	sampler->failing = r < 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd_sampler *sampler = data;
	struct uvp_error err = UVP_ERROR_INIT;
	int64_t before = hostd_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t wait = (uint64_t)sampler->hostd->conf.history_interval_s * 1000000, cost;
	int r = take(sampler, &err);

	note_result(sampler, r, &err);
	/* that of writing is told later, of the sample before */
	cost = (uint64_t)(hostd_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before + hostd_history_take_cost_ns(sampler->hostd)) / 1000 * COST_PART;
	if (cost > wait)
		wait = cost < LONGEST_US ? cost : LONGEST_US;
	r = sd_event_source_set_time_relative(source, hostd_pace((uint64_t)hostd_clock_ns(CLOCK_REALTIME) / 1000, wait));
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int begin(struct hostd_sampler *sampler, struct uvp_error *err)
{
	int r = uvp_host_open(&sampler->host, err);

	if (r < 0)
		return r;
	r = sd_event_add_time_relative(sampler->hostd->event, &sampler->timer, CLOCK_MONOTONIC, 0, ACCURACY_US, on_timer, sampler);
	if (r >= 0)
		/* last of all: whatever a guest's end asks for comes first */
		r = sd_event_source_set_priority(sampler->timer, SD_EVENT_PRIORITY_IDLE);
	return r < 0 ? daemon_fail(err, r, "start the timer of the samples") : 0;
}

void hostd_sample_start(struct hostd *hostd)
{
	struct uvp_error err = UVP_ERROR_INIT;

	hostd_history_start(hostd);
	hostd_metrics_start(hostd);
	if (!hostd->history && !hostd->metrics)
		return;
	hostd->sampler = calloc(1, sizeof(*hostd->sampler));
	if (!hostd->sampler)
		return;
	hostd->sampler->hostd = hostd;
	if (begin(hostd->sampler, &err) == 0)
		return;
	uvpi_prefix(&err, "no figures of the host are taken");
	daemon_log_failure(DAEMON_WARNING, NULL, &err);
	hostd_sample_stop(hostd);
}

void hostd_sample_stop(struct hostd *hostd)
{
	hostd_metrics_stop(hostd);
	hostd_history_stop(hostd);
	if (hostd->sampler) {
		sd_event_source_disable_unref(hostd->sampler->timer);
		uvp_host_close(hostd->sampler->host);
	}
	free(hostd->sampler);
	hostd->sampler = NULL;
	uvp_stats_free(hostd->sample.stats);
	hostd->sample.stats = NULL;
}
