/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames lie one after the other from offset START, each at a multiple of ALIGN; one that does not fit before the end goes
 * to the beginning again. Where the newest frame ends, the rest of an older one may follow: a reader tries every multiple
 * of ALIGN, and the checksum decides. The order is that of seq. */
#include "history/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

#define START 64u
#define ALIGN 64u

/* The first kind has frames without nodes: it is read, and a writer makes it the second, whose frames may be of both kinds. */
static const char old_title[START] = "uvp history 1\n", title[START] = "uvp history 2\n";

static uint64_t padded(uint64_t len)
{
	return (len + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- read ---- */

/* Through a file. Only the end of a lap and what was torn look like frames and are none: a file that was made to be full of
 * those is left when they have cost as much as reading it some times. */
#define FRUITLESS 4

struct walk {
	const uint8_t *bytes;
	size_t len, at;
	uint64_t fruitless; /* bytes of what was none */
};

/* The next whole frame; at goes behind it. False at the end. */
static bool next_frame(struct walk *walk, struct uvpi_history_frame *ret_frame)
{
	for (; walk->at < walk->len && walk->fruitless / FRUITLESS <= walk->len; walk->at += ALIGN) {
		size_t frame_len = uvpi_history_look(walk->bytes + walk->at, walk->len - walk->at);

		if (frame_len && uvpi_history_decode(walk->bytes + walk->at, frame_len, ret_frame)) {
			walk->at += padded(frame_len);
			return true;
		}
		walk->fruitless += frame_len;
	}
	return false;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

/* Where the power went, zeros may be what is left of the title, or of everything. */
static bool is_ours(const uint8_t *bytes, size_t len)
{
	struct walk walk = { .bytes = bytes, .len = len, .at = START };
	struct uvpi_history_frame frame;

	if (all_zero(bytes, len))
		return true;
	if (len < START)
		return false;
	if (!all_zero(bytes, START))
		return !memcmp(bytes, title, START) || !memcmp(bytes, old_title, START);
	if (!next_frame(&walk, &frame))
		return false;
	uvpi_history_frame_done(&frame);
	return true;
}

static int read_whole(const char *path, int fd, uint8_t **ret_bytes, size_t *ret_len, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)UVPI_HISTORY_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no history: it is no file, or too large for one", path);
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return uvpi_no_memory(err);
	while (len < (size_t)st.st_size) {
		ssize_t n = pread(fd, bytes + len, (size_t)st.st_size - len, (off_t)len);

		if (n < 0 && errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (!is_ours(bytes, len)) {
		uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no history: it begins with something else", path);
		uvpi_hint(err, "if nobody needs it, remove it; uvp-hostd makes a new one when it starts");
		return -UVP_E_INVALID;
	}
	*ret_bytes = uvpi_steal(&bytes);
	*ret_len = len;
	return 0;
}

static int compare_frames(const void *a, const void *b)
{
	const struct uvpi_history_frame *left = a, *right = b;

	return (left->seq > right->seq) - (left->seq < right->seq);
}

/* A frame that may be kept: those from since on, and the newest of those before. */
static int keep_frame(struct uvpi_history *history, struct uvpi_history_frame *frame, struct uvpi_history_frame *before,
		      int64_t since_ns, struct uvp_error *err)
{
	if (frame->wall_ns < since_ns) {
		if (!before->domains || frame->wall_ns > before->wall_ns) {
			uvpi_history_frame_done(before);
			*before = *frame;
		} else {
			uvpi_history_frame_done(frame);
		}
		return 0;
	}
	if (!(history->n & (history->n - 1))) {
		struct uvpi_history_frame *more =
			reallocarray(history->frames, history->n ? history->n * 2 : 2, sizeof(*more));

		if (!more) {
			uvpi_history_frame_done(frame);
			return uvpi_no_memory(err);
		}
		history->frames = more;
	}
	history->frames[history->n++] = *frame;
	return 0;
}

/* All that is whole, in the order of the file. */
static int scan(const uint8_t *bytes, size_t len, int64_t since_ns, int64_t until_ns, struct uvpi_history *history,
		struct uvp_error *err)
{
	struct walk walk = { .bytes = bytes, .len = len, .at = START };
	struct uvpi_history_frame frame, before = { 0 };
	int r = 0;

	while (r == 0 && next_frame(&walk, &frame)) {
		if (frame.wall_ns > until_ns)
			uvpi_history_frame_done(&frame);
		else
			r = keep_frame(history, &frame, &before, since_ns, err);
	}
	if (r == 0 && before.domains)
		return keep_frame(history, &before, &before, INT64_MIN, err);
	uvpi_history_frame_done(&before);
	return r;
}

int uvpi_history_read(const char *path, int64_t since_ns, int64_t until_ns, struct uvpi_history *history, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ uint8_t *bytes = NULL;
	struct uvpi_history found = { 0 };
	size_t len;
	int r;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	r = read_whole(path, fd, &bytes, &len, err);
	if (r == 0)
		r = scan(bytes, len, since_ns, until_ns, &found, err);
	if (r < 0) {
		uvpi_history_done(&found);
		return r;
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
static void find_end(struct uvpi_history_ring *ring, const uint8_t *bytes, size_t len)
{
	struct walk walk = { .bytes = bytes, .len = len, .at = START };
	struct uvpi_history_frame frame;

	while (next_frame(&walk, &frame)) {
		if (frame.seq >= ring->seq) {
			ring->seq = frame.seq + 1;
			ring->at = walk.at;
		}
		uvpi_history_frame_done(&frame);
	}
}

/* On the disk before anything else is. */
static int write_title(const struct uvpi_history_ring *ring, const char *path, struct uvp_error *err)
{
	int r = write_at(ring->fd, title, START, 0);

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

static int prepare(struct uvpi_history_ring *ring, const char *path, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r = read_whole(path, ring->fd, &bytes, &len, err);

	if (r < 0)
		return r;
	if (len == ring->size) {
		find_end(ring, bytes, len);
		return memcmp(bytes, title, START) ? write_title(ring, path, err) : 0;
	}
	if (ftruncate(ring->fd, 0) < 0)
		return uvpi_fail_errno(err, errno, "cannot empty '%s'", path);
	r = make_room(ring);
	if (r < 0) {
		r = uvpi_fail_errno(err, -r, "cannot make '%s' of %" PRIu64 " bytes", path, ring->size);
		if (ftruncate(ring->fd, 0) < 0)
			uvpi_debug("'%s' keeps what it got: %s", path, strerror(errno));
		return r;
	}
	return write_title(ring, path, err);
}

int uvpi_history_open(const char *path, uint64_t size, struct uvpi_history_ring *ret_ring, struct uvp_error *err)
{
	struct uvpi_history_ring ring = {
		.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600),
		.size = padded(size), .at = START,
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
		ring->at = START;
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
	if (len > ring->size - START)
		return uvpi_fail(err, UVP_E_NO_SPACE, 0, "a sample of %" PRIu32 " domains needs %zu bytes, and the whole file has %" PRIu64,
				 frame->n_domains, len, ring->size);
	if (len > ring->size - ring->at)
		r = begin_lap(ring);
	if (r == 0)
		r = write_at(ring->fd, bytes, len, ring->at);
	if (r < 0)
		return uvpi_fail_errno(err, -r, "cannot write the history");
	ring->at += padded(len);
	ring->seq++;
	return 0;
}

int uvpi_history_sync(const struct uvpi_history_ring *ring, struct uvp_error *err)
{
	return fdatasync(ring->fd) < 0 ? uvpi_fail_errno(err, errno, "cannot write the history to the disk") : 0;
}
