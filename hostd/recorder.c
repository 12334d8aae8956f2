/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A batch of samples is in memory that both processes have. The daemon says with a byte that there is one, the child with another
 * that it was written, and how that went; meanwhile samples gather for the next. */
#include "config.h"

#include "hostd/recorder.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "daemon/loop.h"
#include "history/ring.h"
#include "hostd/work.h"

#define ROOM (8u << 20)
#define CLOSE_MS 2000
#define END_MS 1000
#define CHILD_FD 3
#define FIRST_PAUSE_MS 1000
#define LONGEST_PAUSE_MS 60000

struct batch {
	int result;
	struct uvp_error err; /* of the first sample that could not be written, or of the files */
	int64_t cpu_ns;       /* what the child has used since it told of the batch before */
	size_t len;
	uint8_t frames[ROOM];
};

struct hostd_recorder {
	sd_event *event;
	const char *dir;
	uint64_t size;
	const struct hostd_recorder_ops *ops;
	void *data;
	pid_t child; /* 0: none */
	int fd;      /* to the child */
	sd_event_source *source;
	enum { AT_NOTHING, AT_FILES, AT_BATCH } at; /* what the child is busy with */
	int64_t since_ms;                           /* that is so */
	int64_t next_ms, pause_ms;                  /* when another child is tried */
	struct batch *batch;
	int64_t cost_ns; /* of children, not asked for yet */
	uint8_t *waiting;
	int64_t oldest_ms;      /* when the first of those was given */
	size_t n_waiting, room; /* bytes */
};

/* ---- the child's side ---- */

struct files {
	struct uvpi_history_ring seconds, minutes;
	int64_t minute; /* of the last sample in minutes */
	bool missed_second, missed_minute; /* may a domain have come and gone since the last sample there? */
	struct uvpi_history_frame last;    /* sample of all */
};

static int open_files(const char *dir, uint64_t size, struct files *files, struct uvp_error *err)
{
	char path[PATH_MAX];
	int r = hostd_make_folder(dir, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.4000s/seconds", dir);
	r = uvpi_history_open(path, size, &files->seconds, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.4000s/minutes", dir);
	return uvpi_history_open(path, size, &files->minutes, err);
}

static int append(struct files *files, struct uvpi_history_frame *frame, bool *ret_minute, struct uvp_error *err)
{
	int64_t minute = frame->wall_ns / 1000000000 / 60;
	int r;

	files->missed_second |= frame->missed;
	/* One that the seconds tell of can lie between two minutes. */
	files->missed_minute |= frame->missed || !uvpi_history_all_stayed(&files->last, frame);
	frame->missed = files->missed_second;
	r = uvpi_history_append(&files->seconds, frame, err);
	/* of those whom a lost one told of, the next does not */
	files->missed_second = r < 0;
	if (r < 0 || minute == files->minute)
		return r;
	frame->missed = files->missed_minute;
	r = uvpi_history_append(&files->minutes, frame, err);
	if (r < 0)
		return r;
	files->minute = minute;
	files->missed_minute = false;
	*ret_minute = true;
	return 0;
}

static int write_batch(struct files *files, const struct batch *batch, struct uvp_error *err)
{
	bool minute = false;
	int first = 0;

	for (size_t at = 0, len; at < batch->len; at += len) {
		struct uvpi_history_frame frame;
		int r;

		len = uvpi_history_look(batch->frames + at, batch->len - at);
		if (!len || !uvpi_history_decode(batch->frames + at, len, &frame))
			return uvpi_fail(err, UVP_E_INTERNAL, 0, "a sample was garbled on its way");
		r = append(files, &frame, &minute, first ? NULL : err);
		first = first ? first : r;
		uvpi_history_frame_done(&files->last);
		files->last = frame;
	}
	if (minute) {
		int r = uvpi_history_sync(&files->minutes, first ? NULL : err);

		first = first ? first : r;
	}
	return first;
}

static int64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void run_child(const struct hostd_recorder *recorder, int fd) __attribute__((noreturn));

static void run_child(const struct hostd_recorder *recorder, int fd)
{
	/* What became of the last child's batch is not known. */
	struct files files = { .seconds = UVPI_HISTORY_RING_INIT, .minutes = UVPI_HISTORY_RING_INIT, .minute = -1,
			       .missed_second = true, .missed_minute = true };
	struct batch *batch = recorder->batch;
	int64_t told_ns = 0;
	char byte = 0;

	daemon_child_init();
	prctl(PR_SET_NAME, "uvp-hostd-disk");
	/* Neither the daemon's lock nor what it is connected to: this may outlive it. */
	if ((fd != CHILD_FD && dup2(fd, CHILD_FD) < 0) || syscall(SYS_close_range, CHILD_FD + 1, ~0U, 0) < 0)
		_exit(1);
	batch->result = open_files(recorder->dir, recorder->size, &files, &batch->err);
	for (bool open = batch->result == 0;; batch->result = write_batch(&files, batch, &batch->err)) {
		batch->cpu_ns = own_cpu_ns() - told_ns;
		told_ns += batch->cpu_ns;
		if (send(CHILD_FD, &byte, 1, MSG_NOSIGNAL) != 1 || !open || read(CHILD_FD, &byte, 1) != 1)
			_exit(0);
		batch->err = (struct uvp_error)UVP_ERROR_INIT;
	}
}

/* ---- the daemon's side ---- */

/* One that the disk holds is left to it. */
static void reap(pid_t child, int patience_ms)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && patience_ms)
		poll(&end, 1, patience_ms);
	waitpid(child, NULL, WNOHANG);
}

static void forget_child(struct hostd_recorder *recorder)
{
	recorder->source = sd_event_source_disable_unref(recorder->source);
	if (recorder->fd >= 0)
		close(recorder->fd);
	recorder->fd = -1;
	/* One that has nothing to do ends now. */
	if (recorder->child > 0)
		reap(recorder->child, recorder->at == AT_NOTHING ? END_MS : 0);
	recorder->child = 0;
	recorder->at = AT_NOTHING;
}

static void hand_over(struct hostd_recorder *recorder)
{
	char byte = 0;

	if (recorder->fd < 0 || recorder->at != AT_NOTHING || !recorder->n_waiting)
		return;
	memcpy(recorder->batch->frames, recorder->waiting, recorder->n_waiting);
	recorder->batch->len = recorder->n_waiting;
	recorder->n_waiting = 0;
	recorder->at = AT_BATCH;
	recorder->since_ms = recorder->oldest_ms;
	/* If the child is gone, reading from it tells so. */
	send(recorder->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A cause that passes is waited for, longer and longer; samples gather meanwhile. */
static void try_later(struct hostd_recorder *recorder)
{
	recorder->next_ms = uvpi_now_ms() + recorder->pause_ms;
	recorder->pause_ms = recorder->pause_ms * 2 < LONGEST_PAUSE_MS ? recorder->pause_ms * 2 : LONGEST_PAUSE_MS;
}

/* What it was given is lost, wholly or in part. One that had nothing to do takes nothing along. */
static void on_end(struct hostd_recorder *recorder)
{
	struct uvp_error err = UVP_ERROR_INIT;
	bool lost = recorder->at == AT_BATCH, idle = recorder->at == AT_NOTHING;

	/* no disk holds one whose end of the socket is closed */
	recorder->at = AT_NOTHING;
	forget_child(recorder);
	if (idle)
		return;
	try_later(recorder);
	uvpi_fail(&err, UVP_E_INTERNAL, 0, "the process that writes it has ended");
	recorder->ops->failed(recorder->data, lost, &err);
}

static void on_files(struct hostd_recorder *recorder, struct uvp_error *err)
{
	if (recorder->batch->result == 0) {
		hand_over(recorder);
	} else if (err->code == UVP_E_INVALID) {
		recorder->ops->refused(recorder->data, err);
	} else {
		forget_child(recorder);
		try_later(recorder);
		recorder->ops->failed(recorder->data, false, err);
	}
}

static int on_child(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct hostd_recorder *recorder = data;
	bool opened = recorder->at == AT_FILES;
	struct uvp_error err;
	char byte;

	if (recv(fd, &byte, 1, MSG_DONTWAIT) != 1) {
		on_end(recorder);
		return 0;
	}
	recorder->at = AT_NOTHING;
	recorder->cost_ns += recorder->batch->cpu_ns;
	err = recorder->batch->err;
	if (opened) {
		on_files(recorder, &err);
		return 0;
	}
	recorder->pause_ms = FIRST_PAUSE_MS;
	if (recorder->batch->result < 0)
		recorder->ops->failed(recorder->data, true, &err);
	else
		recorder->ops->written(recorder->data, uvpi_now_ms() - recorder->since_ms);
	hand_over(recorder);
	return 0;
}

static int start_child(struct hostd_recorder *recorder, struct uvp_error *err)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a pair of sockets");
	recorder->batch->len = 0;
	recorder->child = fork();
	if (recorder->child == 0)
		run_child(recorder, ends[1]);
	close(ends[1]);
	recorder->fd = ends[0];
	if (recorder->child < 0) {
		r = uvpi_fail_errno(err, errno, "cannot start a process");
	} else {
		recorder->at = AT_FILES;
		recorder->since_ms = uvpi_now_ms();
		r = sd_event_add_io(recorder->event, &recorder->source, recorder->fd, EPOLLIN, on_child, recorder);
		r = r < 0 ? daemon_fail(err, r, "listen to a process") : 0;
	}
	if (r < 0)
		forget_child(recorder);
	return r;
}

int hostd_recorder_open(sd_event *event, const char *dir, uint64_t size, const struct hostd_recorder_ops *ops, void *data,
			struct hostd_recorder **ret_recorder, struct uvp_error *err)
{
	struct hostd_recorder *recorder = calloc(1, sizeof(*recorder));
	int r;

	if (!recorder)
		return uvpi_no_memory(err);
	*recorder = (struct hostd_recorder){ .event = event, .dir = dir, .size = size, .ops = ops, .data = data, .fd = -1,
					     .pause_ms = FIRST_PAUSE_MS };
	recorder->batch = mmap(NULL, sizeof(*recorder->batch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (recorder->batch == MAP_FAILED) {
		recorder->batch = NULL;
		r = uvpi_no_memory(err);
	} else {
		r = start_child(recorder, err);
	}
	if (r < 0) {
		hostd_recorder_close(recorder);
		return r;
	}
	*ret_recorder = recorder;
	return 0;
}

/* The last batch, and what waits behind it. */
static void finish(struct hostd_recorder *recorder)
{
	int64_t deadline = uvpi_now_ms() + CLOSE_MS;

	while (recorder->fd >= 0 && recorder->at != AT_NOTHING) {
		bool opened = recorder->at == AT_FILES;
		struct pollfd child = { .fd = recorder->fd, .events = POLLIN };
		int64_t left = deadline - uvpi_now_ms();
		char byte;

		if (left <= 0 || poll(&child, 1, (int)left) <= 0 || recv(recorder->fd, &byte, 1, MSG_DONTWAIT) != 1)
			return;
		recorder->at = AT_NOTHING;
		if (!opened || recorder->batch->result == 0)
			hand_over(recorder);
	}
}

void hostd_recorder_close(struct hostd_recorder *recorder)
{
	if (!recorder)
		return;
	finish(recorder);
	forget_child(recorder);
	if (recorder->batch)
		munmap(recorder->batch, sizeof(*recorder->batch));
	free(recorder->waiting);
	free(recorder);
}

static int add_waiting(struct hostd_recorder *recorder, const uint8_t *bytes, size_t len, struct uvp_error *err)
{
	size_t room = recorder->room ? recorder->room : 65536;
	uint8_t *more = recorder->waiting;

	if (len > ROOM - recorder->n_waiting)
		return uvpi_fail(err, UVP_E_NO_SPACE, 0, "'%s' takes no samples, and no more of them can wait in memory", recorder->dir);
	while (room < recorder->n_waiting + len)
		room *= 2;
	if (room != recorder->room)
		more = realloc(recorder->waiting, room);
	if (!more)
		return uvpi_no_memory(err);
	recorder->waiting = more;
	recorder->room = room;
	memcpy(more + recorder->n_waiting, bytes, len);
	if (!recorder->n_waiting)
		recorder->oldest_ms = uvpi_now_ms();
	recorder->n_waiting += len;
	return 0;
}

int hostd_recorder_give(struct hostd_recorder *recorder, const struct uvpi_history_frame *frame, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	size_t len;
	int r = uvpi_history_encode(frame, &bytes, &len, err);

	/* also when no more can wait */
	if (recorder->fd < 0 && uvpi_now_ms() >= recorder->next_ms && start_child(recorder, &why) < 0) {
		try_later(recorder);
		recorder->ops->failed(recorder->data, false, &why);
	}
	if (r == 0)
		r = add_waiting(recorder, bytes, len, err);
	if (r == 0)
		hand_over(recorder);
	return r;
}

int64_t hostd_recorder_busy_ms(const struct hostd_recorder *recorder)
{
	bool busy = recorder->at != AT_NOTHING;

	if (!busy && !recorder->n_waiting)
		return 0;
	return uvpi_now_ms() - (busy ? recorder->since_ms : recorder->oldest_ms);
}

int64_t hostd_recorder_take_cost_ns(struct hostd_recorder *recorder)
{
	int64_t cost = recorder->cost_ns;

	recorder->cost_ns = 0;
	return cost;
}
