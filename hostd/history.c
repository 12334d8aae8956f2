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
	bool failing, slow; /* that was said */
};

/* ---- what becomes of samples ---- */

static void on_refused(void *data, struct uvp_error *err)
{
	struct hostd *hostd = ((struct hostd_history *)data)->hostd;

	uvpi_prefix(err, "no history is kept");
	daemon_log_failure(DAEMON_WARNING, NULL, err);
	hostd_history_stop(hostd);
	if (!hostd->metrics)
		hostd_sample_stop(hostd);
}

static void on_failed(void *data, struct uvp_error *err)
{
	struct hostd_history *history = data;

	/* of whom the lost ones told that he came and went */
	history->missed = true;
	if (history->failing)
		return;
	history->failing = true;
	uvpi_prefix(err, "the history has a gap");
	daemon_log_failure(DAEMON_WARNING, NULL, err);
}

static void on_written(void *data)
{
	struct hostd_history *history = data;

	if (history->failing || history->slow)
		daemon_log(DAEMON_NOTICE, NULL, "the history goes on");
	history->failing = history->slow = false;
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
	if (r == 0)
		history->missed = false;
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
	if (give(history, &hostd->sample, &err) < 0)
		on_failed(history, &err);
	busy_ms = hostd_recorder_busy_ms(history->recorder);
	if (busy_ms < SLOW_MS || history->slow)
		return;
	history->slow = true;
	daemon_log(DAEMON_WARNING, NULL, "the history waits in memory: '%s' has taken nothing for %" PRId64 " seconds",
		   hostd->conf.history_dir, busy_ms / 1000);
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
