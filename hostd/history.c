/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of the host's figures: one a second in a file that holds about the last hour, one a minute in a file that holds
 * days. Reading is another program's job. The more guests there are, the more a sample costs: they are taken so far
 * apart that all of it stays under a hundredth of a CPU. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uvp/host.h>
#include <uvp/stats.h>

#include "core/error.h"
#include "core/num.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "history/ring.h"
#include "hostd/hostd.h"
#include "hostd/work.h"

#define COST_PART 100
#define LONGEST_US (60 * UINT64_C(1000000))

struct hostd_history {
	struct hostd *hostd;
	struct uvp_host *host;
	struct uvpi_history_ring seconds, minutes;
	uint8_t boot[16];
	int64_t minute; /* of the last sample in minutes */
	bool failing;   /* that was said */
	sd_event_source *timer;
};

static int64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int append(struct hostd_history *history, struct uvpi_history_frame *frame, struct uvp_error *err)
{
	int64_t minute = frame->wall_ns / 1000000000 / 60;
	int r = uvpi_history_append(&history->seconds, frame, err);

	if (r == 0 && minute != history->minute) {
		r = uvpi_history_append(&history->minutes, frame, err);
		history->minute = minute;
	}
	return r;
}

static int take_sample(struct hostd_history *history, struct uvp_error *err)
{
	struct uvpi_history_frame frame;
	struct uvp_stats *stats;
	/* The names are in a table that this daemon keeps true; xenstored is not asked. */
	int r = uvp_stats_take(history->host, UVP_STATS_DEVICES | UVP_STATS_NO_NAMES, &stats, err);

	if (r < 0)
		return r;
	r = uvpi_history_frame_from(stats, &frame, err);
	uvp_stats_free(stats);
	if (r < 0)
		return r;
	frame.wall_ns = clock_of(CLOCK_REALTIME);
	memcpy(frame.boot, history->boot, sizeof(frame.boot));
	r = append(history, &frame, err);
	uvpi_history_frame_done(&frame);
	return r;
}

static void note_result(struct hostd_history *history, int r, struct uvp_error *err)
{
	if (r < 0 && !history->failing) {
		uvpi_prefix(err, "the history has a gap");
		daemon_log_failure(DAEMON_WARNING, NULL, err);
	}
	if (r == 0 && history->failing)
		daemon_log(DAEMON_NOTICE, NULL, "the history goes on");
	history->failing = r < 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd_history *history = data;
	struct uvp_error err = UVP_ERROR_INIT;
	int64_t before = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t wait, cost;
	int r = take_sample(history, &err);

	note_result(history, r, &err);
	cost = (uint64_t)(clock_of(CLOCK_PROCESS_CPUTIME_ID) - before) / 1000 * COST_PART;
	wait = (uint64_t)history->hostd->conf.history_interval_s * 1000000;
	if (cost > wait)
		wait = cost < LONGEST_US ? cost : LONGEST_US;
	r = sd_event_source_set_time_relative(source, wait);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int read_boot(uint8_t ret_boot[16], struct uvp_error *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[UVPI_UUID_TEXT] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		return uvpi_fail_errno(err, fd < 0 ? errno : EIO, "cannot read '%s'", path);
	return uvpi_parse_uuid(text, ret_boot, err);
}

static int open_files(struct hostd_history *history, struct uvp_error *err)
{
	const struct hostd_conf *conf = &history->hostd->conf;
	char path[PATH_MAX];
	int r = hostd_make_folder(conf->history_dir, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.4000s/seconds", conf->history_dir);
	r = uvpi_history_open(path, conf->history_size, &history->seconds, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.4000s/minutes", conf->history_dir);
	return uvpi_history_open(path, conf->history_size, &history->minutes, err);
}

static int begin(struct hostd_history *history, struct uvp_error *err)
{
	int r = read_boot(history->boot, err);

	if (r == 0)
		r = open_files(history, err);
	if (r == 0)
		r = uvp_host_open(&history->host, err);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(history->hostd->event, &history->timer, CLOCK_MONOTONIC, 0, 0, on_timer, history);
	if (r >= 0)
		/* last of all: whatever a guest's end asks for comes first */
		r = sd_event_source_set_priority(history->timer, SD_EVENT_PRIORITY_IDLE);
	return r < 0 ? daemon_fail(err, r, "start the timer of the history") : 0;
}

void hostd_history_start(struct hostd *hostd)
{
	struct hostd_history *history;
	struct uvp_error err = UVP_ERROR_INIT;

	if (!hostd->conf.history)
		return;
	history = calloc(1, sizeof(*history));
	if (!history)
		return;
	*history = (struct hostd_history){
		.hostd = hostd, .seconds = UVPI_HISTORY_RING_INIT, .minutes = UVPI_HISTORY_RING_INIT, .minute = -1,
	};
	hostd->history = history;
	if (begin(history, &err) == 0)
		return;
	uvpi_prefix(&err, "no history is kept");
	daemon_log_failure(DAEMON_WARNING, NULL, &err);
	hostd_history_stop(hostd);
}

void hostd_history_stop(struct hostd *hostd)
{
	struct hostd_history *history = hostd->history;

	if (!history)
		return;
	sd_event_source_disable_unref(history->timer);
	uvp_host_close(history->host);
	uvpi_history_close(&history->seconds);
	uvpi_history_close(&history->minutes);
	free(history);
	hostd->history = NULL;
}
