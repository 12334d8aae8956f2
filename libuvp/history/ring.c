/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/error.h"
#include "history/walk.h"

static const char title[UVPI_HISTORY_START] = UVPI_HISTORY_TITLE;

/* ---- read ---- */

static int compare_frames(const void *a, const void *b)
{
	const struct uvpi_history_frame *left = a, *right = b;

	return (left->seq > right->seq) - (left->seq < right->seq);
}

static void take(struct uvpi_history_frame *to, struct uvpi_history_frame *from)
{
	uvpi_history_frame_done(to);
	*to = *from;
	*from = (struct uvpi_history_frame){ 0 };
}

static int keep_frame(struct uvpi_history *history, struct uvpi_history_frame *frame, struct uvp_error *err)
{
	if (!(history->n & (history->n - 1))) {
		struct uvpi_history_frame *more =
			reallocarray(history->frames, history->n ? history->n * 2 : 2, sizeof(*more));

		if (!more) {
			uvpi_history_frame_done(frame);
			return uvpi_no_memory(err);
		}
		history->frames = more;
	}
	history->frames[history->n] = (struct uvpi_history_frame){ 0 };
	take(&history->frames[history->n++], frame);
	return 0;
}

/* The clock on the wall may have been set: that one sample is of the window does not say that those after it are, and the order in
 * which they were taken is that of the file, from the oldest to its end and on from its beginning. */
struct reading {
	struct uvpi_history_frame previous; /* the last one in the file, when that is before the window */
	struct uvpi_history_frame latest;   /* by the clock, of those before the window that are not the previous one */
	struct uvpi_history_frame before;   /* the one that stands before the first of the window */
	uint64_t first;                     /* number of that one */
};

/* The previous one is not that any more. */
static void pass(struct reading *reading)
{
	if (reading->previous.domains && (!reading->latest.domains || reading->previous.wall_ns > reading->latest.wall_ns))
		take(&reading->latest, &reading->previous);
	uvpi_history_frame_done(&reading->previous);
}

static int scan(struct uvpi_history_walk *walk, int64_t since_ns, int64_t until_ns, struct reading *reading, struct uvpi_history *history,
		struct uvp_error *err)
{
	struct uvpi_history_frame frame = { 0 };
	int r = 0;

	while (r == 0 && uvpi_history_walk_next(walk, &frame)) {
		if (frame.wall_ns < since_ns) {
			pass(reading);
			take(&reading->previous, &frame);
		} else if (frame.wall_ns > until_ns) {
			pass(reading);
			uvpi_history_frame_done(&frame);
		} else {
			if (frame.seq < reading->first) {
				reading->first = frame.seq;
				take(&reading->before, &reading->previous);
			}
			r = keep_frame(history, &frame, err);
		}
	}
	return r;
}

/* Those of the window, with the one that was taken before the first of them; without any, the last one before it by the clock. */
static int finish(struct reading *reading, struct uvpi_history *history, struct uvp_error *err)
{
	struct uvpi_history_frame *more = &reading->before;

	if (!history->n) {
		pass(reading);
		more = &reading->latest;
	} else if (!more->domains || more->seq > reading->first) {
		more = &reading->previous; /* the first may stand at the file's beginning */
	}
	return more->domains && more->seq < reading->first ? keep_frame(history, more, err) : 0;
}

static void reading_done(struct reading *reading)
{
	uvpi_history_frame_done(&reading->previous);
	uvpi_history_frame_done(&reading->latest);
	uvpi_history_frame_done(&reading->before);
}

int uvpi_history_read(const char *path, int64_t since_ns, int64_t until_ns, struct uvpi_history *history, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct reading reading = { .first = UINT64_MAX };
	struct uvpi_history found = { 0 };
	struct uvpi_history_walk walk;
	int r, closed;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	r = uvpi_history_walk_open(path, fd, &walk, err);
	if (r < 0)
		return r;
	r = scan(&walk, since_ns, until_ns, &reading, &found, err);
	if (r == 0)
		r = finish(&reading, &found, err);
	reading_done(&reading);
	closed = uvpi_history_walk_close(&walk, path, r < 0 ? NULL : err);
	if (r < 0 || closed < 0) {
		uvpi_history_done(&found);
		return r < 0 ? r : closed;
	}
	if (found.n)
		qsort(found.frames, found.n, sizeof(*found.frames), compare_frames);
	*history = found;
	return 0;
}

void uvpi_history_done(struct uvpi_history *history)
{
	for (size_t i = 0; i < history->n; i++)
		uvpi_history_frame_done(&history->frames[i]);
	free(history->frames);
	*history = (struct uvpi_history){ 0 };
}

/* ---- write ---- */

static int write_at(int fd, const void *bytes, size_t len, uint64_t at)
{
	const char *from = bytes;

	while (len) {
		ssize_t n = pwrite(fd, from, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0) {
			from += n;
			at += (uint64_t)n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Where the newest frame is, and so where the next one goes. */
static void find_end(struct uvpi_history_ring *ring, struct uvpi_history_walk *walk)
{
	struct uvpi_history_frame frame;

	while (uvpi_history_walk_next(walk, &frame)) {
		if (frame.seq >= ring->seq) {
			ring->seq = frame.seq + 1;
			ring->at = uvpi_history_walk_at(walk);
		}
		uvpi_history_frame_done(&frame);
	}
}

static bool has_title(int fd)
{
	char there[UVPI_HISTORY_START];

	return pread(fd, there, sizeof(there), 0) == (ssize_t)sizeof(there) && !memcmp(there, title, sizeof(title));
}

/* On the disk before anything else is. */
static int write_title(const struct uvpi_history_ring *ring, const char *path, struct uvp_error *err)
{
	int r = write_at(ring->fd, title, UVPI_HISTORY_START, 0);

	if (r == 0 && fsync(ring->fd) < 0)
		r = -errno;
	return r < 0 ? uvpi_fail_errno(err, -r, "cannot write '%s'", path) : 0;
}

/* Its blocks are its own from the beginning: on a disk that fills up later the history goes on. Where they cannot be had in advance,
 * they come as they are written. */
static int make_room(const struct uvpi_history_ring *ring)
{
	if (fallocate(ring->fd, 0, 0, (off_t)ring->size) == 0)
		return 0;
	return errno != EOPNOTSUPP ? -errno : ftruncate(ring->fd, (off_t)ring->size) < 0 ? -errno : 0;
}

/* One of another size begins anew, if there is room for that: else it stays what it is. */
static int begin_anew(struct uvpi_history_ring *ring, const char *path, struct uvp_error *err)
{
	struct statvfs fs;
	struct stat st;
	int r;

	if (fstatvfs(ring->fd, &fs) == 0 && fstat(ring->fd, &st) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize + (uint64_t)st.st_blocks * 512 < ring->size)
		return uvpi_fail_errno(err, ENOSPC, "cannot make '%s' of %" PRIu64 " bytes", path, ring->size);
	if (ftruncate(ring->fd, 0) < 0)
		return uvpi_fail_errno(err, errno, "cannot empty '%s'", path);
	r = make_room(ring);
	if (r == 0)
		return write_title(ring, path, err);
	r = uvpi_fail_errno(err, -r, "cannot make '%s' of %" PRIu64 " bytes", path, ring->size);
	if (ftruncate(ring->fd, 0) < 0)
		uvpi_debug("'%s' keeps what it got: %s", path, strerror(errno));
	return r;
}

static int prepare(struct uvpi_history_ring *ring, const char *path, struct uvp_error *err)
{
	struct uvpi_history_walk walk;
	bool same;
	int r = uvpi_history_walk_open(path, ring->fd, &walk, err);

	if (r < 0)
		return r;
	same = walk.size == ring->size;
	if (same)
		find_end(ring, &walk);
	r = uvpi_history_walk_close(&walk, path, err);
	if (r < 0)
		return r;
	if (!same)
		return begin_anew(ring, path, err);
	return has_title(ring->fd) ? 0 : write_title(ring, path, err);
}

int uvpi_history_open(const char *path, uint64_t size, struct uvpi_history_ring *ret_ring, struct uvp_error *err)
{
	struct uvpi_history_ring ring = {
		.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600),
		.size = uvpi_history_padded(size), .at = UVPI_HISTORY_START,
	};
	int r;

	if (ring.fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	r = prepare(&ring, path, err);
	if (r < 0) {
		uvpi_history_close(&ring);
		return r;
	}
	*ret_ring = ring;
	return 0;
}

void uvpi_history_close(struct uvpi_history_ring *ring)
{
	if (ring->fd >= 0)
		close(ring->fd);
	ring->fd = -1;
}

/* From the newest frame to the end nothing older may stay: it would be there until a lap that ends behind it. */
static int begin_lap(struct uvpi_history_ring *ring)
{
	static const uint8_t zeros[4096];
	int r = 0;

	for (uint64_t at = ring->at; at < ring->size && r == 0; at += sizeof(zeros)) {
		uint64_t left = ring->size - at;

		r = write_at(ring->fd, zeros, left < sizeof(zeros) ? left : sizeof(zeros), at);
	}
	if (r == 0)
		ring->at = UVPI_HISTORY_START;
	return r;
}

int uvpi_history_append(struct uvpi_history_ring *ring, struct uvpi_history_frame *frame, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r;

	frame->seq = ring->seq;
	r = uvpi_history_encode(frame, &bytes, &len, err);
	if (r < 0)
		return r;
	if (len > ring->size - UVPI_HISTORY_START)
		return uvpi_fail(err, UVP_E_NO_SPACE, 0, "a sample of %" PRIu32 " domains needs %zu bytes, and the whole file has %" PRIu64,
				 frame->n_domains, len, ring->size);
	if (len > ring->size - ring->at)
		r = begin_lap(ring);
	if (r == 0)
		r = write_at(ring->fd, bytes, len, ring->at);
	if (r < 0)
		return uvpi_fail_errno(err, -r, "cannot write the history");
	ring->at += uvpi_history_padded(len);
	ring->seq++;
	return 0;
}

int uvpi_history_sync(const struct uvpi_history_ring *ring, struct uvp_error *err)
{
	return fdatasync(ring->fd) < 0 ? uvpi_fail_errno(err, errno, "cannot write the history to the disk") : 0;
}
