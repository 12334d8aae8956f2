/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "history/ring.h"

/* A piece has room for the longest frame, wherever in it that begins. */
#define PIECE (16u << 20)
_Static_assert(PIECE >= 2 * UVPI_HISTORY_FRAME_MOST, "the longest frame fits");

/* Only the end of a lap and what was torn look like frames and are none: a file that was made to be full of those is left when they
 * have cost as much as reading it some times. */
#define FRUITLESS 4

static const char old_title[UVPI_HISTORY_START] = "uvp history 1\n", title[UVPI_HISTORY_START] = UVPI_HISTORY_TITLE;

static bool all_zero(const uint8_t *bytes, size_t len)
{
	return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

/* What is left of the piece begins the next. */
static void next_piece(struct uvpi_history_walk *walk)
{
	size_t room = walk->size < PIECE ? (size_t)walk->size : PIECE, left = walk->at < walk->len ? walk->len - walk->at : 0;

	if (left)
		memmove(walk->bytes, walk->bytes + walk->at, left);
	walk->begin += walk->at;
	walk->at = 0;
	walk->len = left;
	while (walk->len < room && walk->begin + walk->len < walk->size) {
		uint64_t to_end = walk->size - walk->begin - walk->len;
		size_t want = to_end < room - walk->len ? (size_t)to_end : room - walk->len;
		ssize_t n = pread(walk->fd, walk->bytes + walk->len, want, (off_t)(walk->begin + walk->len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			walk->failed = errno;
		if (n <= 0) { /* it has become shorter: that is its end */
			walk->size = walk->begin + walk->len;
			break;
		}
		walk->any = walk->any || !all_zero(walk->bytes + walk->len, (size_t)n);
		walk->len += (size_t)n;
	}
}

static bool is_whole(const struct uvpi_history_walk *walk)
{
	return walk->begin + walk->len >= walk->size || (walk->at <= walk->len && walk->len - walk->at >= UVPI_HISTORY_FRAME_MOST);
}

bool uvpi_history_walk_next(struct uvpi_history_walk *walk, struct uvpi_history_frame *ret_frame)
{
	for (; walk->fruitless / FRUITLESS <= walk->size; walk->at += UVPI_HISTORY_ALIGN) {
		size_t frame_len;

		if (!is_whole(walk))
			next_piece(walk);
		if (walk->at >= walk->len)
			return false;
		frame_len = uvpi_history_look(walk->bytes + walk->at, walk->len - walk->at);
		if (frame_len && uvpi_history_decode(walk->bytes + walk->at, frame_len, ret_frame)) {
			walk->at += uvpi_history_padded(frame_len);
			return true;
		}
		walk->fruitless += frame_len;
	}
	return false;
}

uint64_t uvpi_history_walk_at(const struct uvpi_history_walk *walk)
{
	return walk->begin + walk->at;
}

/* From the first frame. */
static void begin(struct uvpi_history_walk *walk)
{
	walk->begin = walk->len = walk->at = walk->fruitless = 0;
	next_piece(walk);
	walk->at = UVPI_HISTORY_START;
}

/* Where the power went, zeros may be what is left of the title, or of everything. */
static bool is_ours(struct uvpi_history_walk *walk)
{
	struct uvpi_history_frame frame;

	if (walk->len < UVPI_HISTORY_START)
		return !walk->any;
	if (!all_zero(walk->bytes, UVPI_HISTORY_START))
		return !memcmp(walk->bytes, title, UVPI_HISTORY_START) || !memcmp(walk->bytes, old_title, UVPI_HISTORY_START);
	if (!uvpi_history_walk_next(walk, &frame))
		return !walk->any;
	uvpi_history_frame_done(&frame);
	begin(walk);
	return true;
}

int uvpi_history_walk_open(const char *path, int fd, struct uvpi_history_walk *ret_walk, struct uvp_error *err)
{
	struct uvpi_history_walk walk = { .fd = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)UVPI_HISTORY_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no history: it is no file, or too large for one", path);
	walk.size = (uint64_t)st.st_size;
	walk.bytes = malloc(walk.size < PIECE ? (size_t)walk.size + 1 : PIECE);
	if (!walk.bytes)
		return uvpi_no_memory(err);
	begin(&walk);
	if (is_ours(&walk) && !walk.failed) {
		*ret_walk = walk;
		return 0;
	}
	if (uvpi_history_walk_close(&walk, path, err) < 0)
		return -(int)uvpi_errcode_of(walk.failed);
	uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no history: it begins with something else", path);
	uvpi_hint(err, "if nobody needs it, remove it; uvp-hostd makes a new one when it starts");
	return -UVP_E_INVALID;
}

int uvpi_history_walk_close(struct uvpi_history_walk *walk, const char *path, struct uvp_error *err)
{
	free(walk->bytes);
	walk->bytes = NULL;
	return walk->failed ? uvpi_fail_errno(err, walk->failed, "cannot read '%s'", path) : 0;
}
