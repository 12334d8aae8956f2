/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of the host's figures: one a second in a file that holds about the last hour, one a minute in a file that holds
 * days. Reading is another program's job. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "daemon/log.h"
#include "history/ring.h"
#include "hostd/hostd.h"
#include "hostd/work.h"

struct hostd_history {
	struct uvpi_history_ring seconds, minutes;
	uint8_t boot[16];
	int64_t minute; /* of the last sample in minutes */
	bool missed_second, missed_minute; /* since the last sample there */
	bool failing;   /* that was said */
};

static int append(struct hostd_history *history, struct uvpi_history_frame *frame, struct uvp_error *err)
{
	int64_t minute = frame->wall_ns / 1000000000 / 60;
	int r;

	frame->missed = history->missed_second;
	r = uvpi_history_append(&history->seconds, frame, err);
	if (r == 0)
		history->missed_second = false;
	if (r == 0 && minute != history->minute) {
		frame->missed = history->missed_minute;
		r = uvpi_history_append(&history->minutes, frame, err);
		if (r == 0)
			history->missed_minute = false;
		if (r == 0)
			r = uvpi_history_sync(&history->minutes, err);
		history->minute = minute;
	}
	return r;
}

static int keep(struct hostd_history *history, const struct hostd_sample *sample, struct uvp_error *err)
{
	struct uvpi_history_frame frame;
	int r = uvpi_history_frame_from(sample->stats, &frame, err);

	history->missed_second |= sample->missed;
	history->missed_minute |= sample->missed;
	if (r < 0)
		return r;
	frame.wall_ns = sample->wall_ns;
	memcpy(frame.boot, history->boot, sizeof(frame.boot));
	r = append(history, &frame, err);
	uvpi_history_frame_done(&frame);
	return r;
}

void hostd_history_add(struct hostd *hostd)
{
	struct hostd_history *history = hostd->history;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = history ? keep(history, &hostd->sample, &err) : 0;

	if (!history)
		return;
	if (r < 0 && !history->failing) {
		uvpi_prefix(&err, "the history has a gap");
		daemon_log_failure(DAEMON_WARNING, NULL, &err);
	}
	if (r == 0 && history->failing)
		daemon_log(DAEMON_NOTICE, NULL, "the history goes on");
	history->failing = r < 0;
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

static int begin(struct hostd_history *history, const struct hostd_conf *conf, struct uvp_error *err)
{
	char path[PATH_MAX];
	int r = read_boot(history->boot, err);

	if (r == 0)
		r = hostd_make_folder(conf->history_dir, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.4000s/seconds", conf->history_dir);
	r = uvpi_history_open(path, conf->history_size, &history->seconds, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.4000s/minutes", conf->history_dir);
	return uvpi_history_open(path, conf->history_size, &history->minutes, err);
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
		.seconds = UVPI_HISTORY_RING_INIT, .minutes = UVPI_HISTORY_RING_INIT, .minute = -1,
	};
	hostd->history = history;
	if (begin(history, &hostd->conf, &err) == 0)
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
	uvpi_history_close(&history->seconds);
	uvpi_history_close(&history->minutes);
	free(history);
	hostd->history = NULL;
}
