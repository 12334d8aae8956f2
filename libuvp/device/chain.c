/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "device/disk_share.h"
#include "device/image.h"

void uvpi_chain_done(struct uvpi_chain *chain)
{
	for (int i = 0; i < chain->n; i++) {
		struct uvpi_layer *layer = &chain->layers[i];

		free(layer->path);
		if (layer->fd >= 0)
			close(layer->fd);
		if (layer->lock >= 0)
			close(layer->lock);
	}
	chain->n = 0;
}

static int open_layer(struct uvpi_layer *layer, struct uvp_error *err)
{
	layer->fd = open(layer->path, (layer->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (layer->fd < 0) {
		int error = errno, r;

		if (error == ENOENT)
			return uvpi_fail(err, UVP_E_NOT_FOUND, error, "'%.300s' does not exist", layer->path);
		if (error == EISDIR)
			return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is a directory; expected a disk image or a block device",
					 layer->path);
		/* Another look at who has it open, by one of us: uvpi_disk_check_sharing(). */
		if (error == EWOULDBLOCK)
			return uvpi_disk_fail_attaching(err);
		r = uvpi_fail_errno(err, error, "cannot open '%.300s'", layer->path);
		if (error == EROFS || error == EACCES || error == EPERM)
			uvpi_hint(err, "attach it read-only: access=ro");
		return r;
	}
	if (fstat(layer->fd, &layer->st) < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%.300s'", layer->path);
	if (!S_ISBLK(layer->st.st_mode) && !S_ISREG(layer->st.st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is neither a file nor a block device", layer->path);
	return 0;
}

static int size_of(const struct uvpi_layer *layer, uint64_t *ret_size, struct uvp_error *err)
{
	*ret_size = (uint64_t)layer->st.st_size;
	if (S_ISBLK(layer->st.st_mode) && ioctl(layer->fd, BLKGETSIZE64, ret_size) < 0)
		return uvpi_fail_errno(err, errno, "cannot read the size of '%.300s'", layer->path);
	return 0;
}

static int check_raw(const struct uvpi_layer *layer, struct uvp_error *err)
{
	uint64_t size;
	int r = size_of(layer, &size, err);

	if (r < 0 || size >= 512)
		return r;
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' has %" PRIu64 " bytes: less than one sector", layer->path, size);
	uvpi_hint(err, "make it as large as the disk is to be: truncate -s 10G '%.200s'", layer->path);
	return -UVP_E_INVALID;
}

static int read_header(const struct uvpi_layer *layer, struct uvpi_image *ret_image, struct uvp_error *err)
{
	_cleanup_free_ char *head = malloc(UVPI_IMAGE_HEAD);
	char tail[UVPI_IMAGE_TAIL];
	uint64_t size;
	ssize_t n, m = 0;
	int r = head ? size_of(layer, &size, err) : uvpi_no_memory(err);

	if (r < 0)
		return r;
	n = pread(layer->fd, head, UVPI_IMAGE_HEAD, 0);
	if (n >= 0 && size >= sizeof(tail))
		m = pread(layer->fd, tail, sizeof(tail), (off_t)(size - sizeof(tail)));
	if (n < 0 || m < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%.300s'", layer->path);
	r = uvpi_image_parse(layer->format, head, (size_t)n, tail, (size_t)m, ret_image, err);
	if (r < 0)
		uvpi_prefix(err, "'%.200s'", layer->path);
	return r;
}

/* Names are relative to where the image is that has them. */
static char *beside(const char *image, const char *name)
{
	const char *slash = strrchr(image, '/');
	char *path;

	if (*name == '/' || !slash)
		return strdup(name);
	return asprintf(&path, "%.*s/%s", (int)(slash - image), image, name) < 0 ? NULL : path;
}

static int add_layer(struct uvpi_chain *chain, char *path, enum uvpi_disk_format format, bool readonly,
		     struct uvp_error *err)
{
	struct uvpi_layer *layer = &chain->layers[chain->n];
	int r;

	if (!path)
		return uvpi_no_memory(err);
	*layer = (struct uvpi_layer){ .path = path, .fd = -1, .readonly = readonly, .format = format, .lock = -1 };
	chain->n++;
	r = open_layer(layer, err);
	for (int i = 0; i < chain->n - 1 && r == 0; i++)
		if (layer->st.st_dev == chain->layers[i].st.st_dev && layer->st.st_ino == chain->layers[i].st.st_ino)
			r = uvpi_fail(err, UVP_E_INVALID, 0, "'%.200s' is its own backing file", path);
	return r;
}

int uvpi_chain_open(struct uvpi_chain *chain, const char *path, enum uvpi_disk_format format, bool readonly,
		    struct uvp_error *err)
{
	struct uvpi_image image;
	int r;

	chain->n = 0;
	r = add_layer(chain, strdup(path), format, readonly, err);
	while (r == 0) {
		const struct uvpi_layer *last = &chain->layers[chain->n - 1];

		if (last->format == UVPI_DISK_RAW)
			return check_raw(last, err);
		r = read_header(last, &image, err);
		if (r < 0 || !image.backing[0])
			return r;
		if (chain->n == UVPI_CHAIN_MAX) {
			uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "'%.200s' has more than %d files behind it", path, UVPI_CHAIN_MAX - 1);
			uvpi_hint(err, "make the chain shorter: qemu-img rebase, or qemu-img convert");
			return -UVP_E_UNSUPPORTED;
		}
		r = add_layer(chain, beside(last->path, image.backing), image.backing_format, true, err);
		if (r < 0)
			uvpi_prefix(err, "the backing file of '%.150s'", chain->layers[chain->n > 1 ? chain->n - 2 : 0].path);
	}
	return r;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return S_ISBLK(a->st_mode) ? S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev :
				     a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool uvpi_chain_collides(const struct uvpi_chain *a, const struct uvpi_chain *b, const char **ret_path)
{
	for (int i = 0; i < a->n; i++)
		for (int k = 0; k < b->n; k++)
			if (same_file(&a->layers[i].st, &b->layers[k].st) &&
			    !(a->layers[i].readonly && b->layers[k].readonly)) {
				*ret_path = a->layers[i].path;
				return true;
			}
	return false;
}

/* ---- QEMU's locks: a byte for what is done, and another for what others may not do ---- */

#define DOES 100
#define FORBIDS 200
enum { READ = 0, WRITE = 1, RESIZE = 3 };

static int lock_byte(const struct uvpi_layer *layer, int at, struct uvp_error *err)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	if (fcntl(layer->fd, F_OFD_SETLK, &lock) == 0 || errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP)
		return 0;
	return uvpi_fail_errno(err, errno, "cannot lock '%.200s'", layer->path);
}

/* Would somebody's lock there be in the way? */
static int check_byte(const struct uvpi_layer *layer, int at, struct uvp_error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	if (fcntl(layer->fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	uvpi_fail(err, UVP_E_BUSY, 0, "'%.200s' is in use by another program, as the locks of QEMU say", layer->path);
	uvpi_hint(err, "'fuser -v %.200s' shows who has it open", layer->path);
	return -UVP_E_BUSY;
}

static int lock_layer(const struct uvpi_layer *layer, struct uvp_error *err)
{
	static const int reads[] = { READ, -1 }, writes[] = { READ, WRITE, RESIZE, -1 }, forbids[] = { WRITE, RESIZE, -1 };
	int r = 0;

	for (const int *p = layer->readonly ? reads : writes; *p >= 0 && r == 0; p++) {
		r = check_byte(layer, FORBIDS + *p, err);
		if (r == 0)
			r = lock_byte(layer, DOES + *p, err);
	}
	for (const int *p = forbids; *p >= 0 && r == 0; p++) {
		r = check_byte(layer, DOES + *p, err);
		if (r == 0)
			r = lock_byte(layer, FORBIDS + *p, err);
	}
	return r;
}

int uvpi_chain_lock(const struct uvpi_chain *chain, struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < chain->n && r == 0; i++)
		if (S_ISREG(chain->layers[i].st.st_mode))
			r = lock_layer(&chain->layers[i], err);
	return r;
}
