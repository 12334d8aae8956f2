/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of the host's figures: one a second in a file that holds about the last hour, one a minute in a file that holds
 * days. A child writes them; reading is another program's job. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "daemon/log.h"
#include "hostd/hostd.h"
#include "hostd/recorder.h"

#define SLOW_MS 10000

struct hostd_history {
	struct hostd *hostd;
	struct hostd_recorder *recorder;
	uint8_t boot[16];
	bool missed; /* since the last sample that was given to the recorder */
	bool waits, gap, slow; /* that was said */
};

/* ---- what becomes of samples ---- */

static void on_refused(void *data, struct uvp_error *err)
{
	struct hostd *hostd = ((struct hostd_history *)data)->hostd;

	uvpi_prefix(err, "no history is kept until uvp-hostd is started again");
	daemon_log_failure(DAEMON_WARNING, NULL, err);
	hostd_history_stop(hostd);
	if (!hostd->metrics)
		hostd_sample_stop(hostd);
}

static void on_failed(void *data, bool lost, struct uvp_error *err)
{
	struct hostd_history *history = data;
	bool *said = lost ? &history->gap : &history->waits;

	if (*said)
		return;
	*said = true;
	uvpi_prefix(err, lost ? "the history has a gap" : "the history waits in memory");
	daemon_log_failure(DAEMON_WARNING, NULL, err);
}

static void on_written(void *data, int64_t ms)
{
	struct hostd_history *history = data;
	bool quick = ms < SLOW_MS;

	if (history->gap || history->waits || (history->slow && quick))
		daemon_log(DAEMON_NOTICE, NULL, "the history goes on");
	history->gap = history->waits = false;
	history->slow = history->slow && !quick;
}

static const struct hostd_recorder_ops ops = { .refused = on_refused, .failed = on_failed, .written = on_written };

/* ---- samples ---- */

static int give(struct hostd_history *history, const struct hostd_sample *sample, struct uvp_error *err)
{
	struct uvpi_history_frame frame;
	int r = uvpi_history_frame_from(sample->stats, &frame, err);

	if (r < 0)
		return r;
	frame.wall_ns = sample->wall_ns;
	frame.missed |= history->missed;
	memcpy(frame.boot, history->boot, sizeof(frame.boot));
	r = hostd_recorder_give(history->recorder, &frame, err);
	uvpi_history_frame_done(&frame);
	return r;
}

void hostd_history_add(struct hostd *hostd)
{
	struct hostd_history *history = hostd->history;
	struct uvp_error err = UVP_ERROR_INIT;
	int64_t busy_ms;

	if (!history)
		return;
	/* whoever came and went before a lost one did so before the next */
	history->missed = give(history, &hostd->sample, &err) < 0;
	if (history->missed)
		on_failed(history, true, &err);
	busy_ms = hostd_recorder_busy_ms(history->recorder);
	if (busy_ms < SLOW_MS || history->slow || history->waits || history->gap)
		return;
	history->slow = true;
	daemon_log(DAEMON_WARNING, NULL, "the history waits in memory: '%s' has taken nothing for %" PRId64 " seconds",
		   hostd->conf.history_dir, busy_ms / 1000);
}

int64_t hostd_history_take_cost_ns(struct hostd *hostd)
{
	return hostd->history ? hostd_recorder_take_cost_ns(hostd->history->recorder) : 0;
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

void hostd_history_start(struct hostd *hostd)
{
	struct hostd_history *history;
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	if (!hostd->conf.history)
		return;
	history = calloc(1, sizeof(*history));
	if (!history)
		return;
	history->hostd = hostd;
	hostd->history = history;
	r = read_boot(history->boot, &err);
	if (r == 0)
		r = hostd_recorder_open(hostd->event, hostd->conf.history_dir, hostd->conf.history_size, &ops, history, &history->recorder, &err);
	if (r == 0)
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
	hostd->history = NULL;
	hostd_recorder_close(history->recorder);
	free(history);
}
