/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying a disk's image: the file system's own way where it has one (shared blocks, a copy in the kernel), reading and
 * writing where not. */
#include "define/store.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/step.h"

/* At most that much between two looks at whether the caller wants to stop. */
#define PIECE (8u << 20)

struct range {
	off_t at, end;
};

/* The next range from *at on that holds data. 0 when there is none, 1, or -1 with errno. */
static int next_data(int fd, off_t at, off_t size, struct range *ret_range)
{
	off_t start = lseek(fd, at, SEEK_DATA), end;

	if (start < 0 && errno == ENXIO)
		return 0;
	/* Not everything knows its holes: then it is all data. */
	if (start < 0)
		start = at;
	end = lseek(fd, start, SEEK_HOLE);
	if (end < 0 || end > size)
		end = size;
	if (start >= size)
		return 0;
	*ret_range = (struct range){ start, end };
	return 1;
}

static ssize_t write_zero_free(int to, const char *buf, size_t len, off_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(to, buf + done, len - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return (ssize_t)len;
}

static bool is_zero(const char *buf, size_t len)
{
	return !len || (!*buf && !memcmp(buf, buf + 1, len - 1));
}

/* One piece, in whichever way works. Returns its bytes, 0 at an end that came too early, -1 with errno. */
static ssize_t copy_piece(int from, int to, off_t at, size_t len, bool *in_kernel, char **buf)
{
	off_t in = at, out = at;
	ssize_t n;

	if (*in_kernel) {
		n = copy_file_range(from, &in, to, &out, len, 0);
		if (n > 0)
			return n;
		if (n < 0 && (errno == ENOSPC || errno == EIO || errno == EDQUOT || errno == EFBIG))
			return -1;
		*in_kernel = false; /* two file systems, a device, or none that can */
	}
	if (!*buf && !(*buf = malloc(PIECE))) {
		errno = ENOMEM;
		return -1;
	}
	do
		n = pread(from, *buf, len, at);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || is_zero(*buf, (size_t)n)) /* the file is empty there */
		return n;
	return write_zero_free(to, *buf, (size_t)n, at);
}

static int copy_range(struct uvpi_copy *copy, int from, int to, const struct range *range, bool *in_kernel, char **buf,
		      const char *path, struct uvp_error *err)
{
	for (off_t at = range->at; at < range->end;) {
		size_t len = range->end - at > PIECE ? PIECE : (size_t)(range->end - at);
		ssize_t n;

		if (uvpi_op_cancelled(copy->op))
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked; nothing was left behind");
		n = copy_piece(from, to, at, len, in_kernel, buf);
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot copy '%.300s'", path);
		if (n == 0)
			return uvpi_fail(err, UVP_E_IO, 0, "cannot copy '%.300s': it became shorter meanwhile", path);
		at += n;
		uvpi_op_progress(copy->op, "copying disks", copy->done + (uint64_t)at, copy->total, UVP_UNIT_BYTES);
		UVPI_STEP("piece copied");
	}
	return 0;
}

static int size_of(int fd, off_t *ret_size)
{
	*ret_size = lseek(fd, 0, SEEK_END); /* of a block device, too */
	return *ret_size < 0 ? -1 : 0;
}

int uvpi_copy_image(struct uvpi_copy *copy, int from, int to, const char *path, struct uvp_error *err)
{
	_cleanup_free_ char *buf = NULL;
	struct range range = { 0, 0 };
	bool in_kernel = true;
	off_t size;
	int r = 0;

	if (size_of(from, &size) < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%.300s'", path);
	if (ioctl(to, FICLONE, from) < 0) {
		if (ftruncate(to, size) < 0)
			return uvpi_fail_errno(err, errno, "cannot copy '%.300s'", path);
		while (r == 0 && next_data(from, range.end, size, &range) > 0)
			r = copy_range(copy, from, to, &range, &in_kernel, &buf, path, err);
	}
	if (r == 0 && fsync(to) < 0)
		r = uvpi_fail_errno(err, errno, "cannot write the copy of '%.300s' to disk", path);
	copy->done += (uint64_t)size;
	uvpi_op_progress(copy->op, "copying disks", copy->done, copy->total, UVP_UNIT_BYTES);
	return r;
}
