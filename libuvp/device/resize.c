/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk of a running domain gets larger. The back end compares sizes when the guest's next request comes, and tells the
 * guest by its state. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/store.h"
#include "device/attach.h"
#include "device/disk_share.h"
#include "device/loop.h"
#include "device/xenbus.h"
#include "domain/domain.h"

#define GUEST_MS 10000
#define SECTOR 512

static int fail_not_here(const struct uvp_device_info *info, struct uvp_error *err)
{
	if (info->backend_domid)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its back end is in domain %" PRIu32 ", not in domain 0",
				 info->backend_domid);
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the kernel's back end does not serve it");
}

/* A file is made larger; what it has is not touched. */
static int grow_file(const struct uvp_device_info *info, uint64_t size, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(info->target, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", info->target);
	if (size < (uint64_t)st.st_size) {
		uvpi_fail(err, UVP_E_INVALID, 0, "'%.200s' has %" PRIu64 " bytes already: disks only grow", info->target,
			  (uint64_t)st.st_size);
		uvpi_hint(err, "what the guest has at the end of a disk that shrinks would be lost");
		return -UVP_E_INVALID;
	}
	if (size % SECTOR)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the size %" PRIu64 " is no multiple of %d bytes", size, SECTOR);
	if (ftruncate(fd, (off_t)size) < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%.300s' larger", info->target);
	return 0;
}

static int grow(const struct uvp_device_info *info, uint64_t size, struct uvp_error *err)
{
	bool is_loop = !strncmp(info->device, "/dev/loop", 9);
	int r;

	if (info->backend_domid || !strstr(info->backend_path, "/backend/vbd/") || !info->target || !info->device[0])
		return fail_not_here(info, err);
	if (!strncmp(info->device, "/dev/nbd", 8)) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "'%.200s' is a %s image, which cannot be made larger while it is in use",
			  info->target, info->format);
		uvpi_hint(err, "detach it, make it larger with 'qemu-img resize', and attach it again");
		return -UVP_E_UNSUPPORTED;
	}
	if (size && !is_loop) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "'%.200s' is a block device, which has a size of its own", info->device);
		uvpi_hint(err, "make that larger (lvextend, for one), and run this without a size");
		return -UVP_E_UNSUPPORTED;
	}
	r = size ? grow_file(info, size, err) : 0;
	if (r < 0)
		return r;
	return is_loop ? uvpi_loop_grow(info->device, info->target, err) : 0;
}

/* 1: the guest was told of that size; 0: the deadline. */
static int wait_told(struct uvpi_store *store, const char *path, uint64_t sectors, int64_t deadline_ms,
		     const struct uvp_op *op, struct uvp_error *err)
{
	int r = uvpi_store_watch(store, path, "resize", err);

	while (r >= 0) {
		struct uvpi_store_event event = { NULL };
		_cleanup_free_ char *text = NULL;
		uint64_t told = 0;

		r = uvpi_store_next_event(store, deadline_ms, uvpi_op_cancel_fd(op), &event, err);
		if (r <= 0)
			break;
		uvpi_store_event_done(&event);
		r = uvpi_store_read(store, path, &text, err);
		if (r == 0 && text && uvpi_parse_u64(text, "sectors", 0, UINT64_MAX, &told, NULL) == 0 && told == sectors) {
			r = 1;
			break;
		}
	}
	uvpi_store_unwatch(store, path, "resize", NULL);
	return r;
}

static int resize(struct uvp_domain *domain, const struct uvp_device_info *info, uint64_t size, unsigned int flags,
		  const struct uvp_op *op, uint64_t *ret_size, struct uvp_error *err)
{
	struct uvpi_store *store;
	char path[256];
	uint64_t now;
	int r = grow(info, size, err);

	if (r == 0)
		r = uvpi_block_size(info->device, &now, err);
	if (r == 0)
		r = uvpi_host_store(domain->host, &store, err);
	if (r < 0)
		return r;
	*ret_size = now;
	if (flags & UVP_DEVICE_NO_WAIT || info->backend_state != UVPI_XENBUS_CONNECTED)
		return 0;
	snprintf(path, sizeof(path), "%s/sectors", info->backend_path);
	return wait_told(store, path, now / SECTOR, uvpi_op_deadline(op, GUEST_MS), op, err);
}

int uvp_disk_resize(struct uvp_domain *domain, const char *which, uint64_t size, unsigned int flags,
		    const struct uvp_op *op, uint64_t *ret_size, struct uvp_error *err)
{
	struct uvp_device_info *list = NULL;
	struct uvpi_dominfo info;
	_cleanup_close_ int lock = -1;
	int n = 0, at = -1, r = uvpi_device_check_domain(domain, &info, err);

	if (r == 0)
		r = uvpi_device_lock(domain->domid, &lock, err);
	if (r == 0)
		r = n = uvp_device_list(domain, UVP_DEVICE_DISK, &list, err);
	for (int i = 0; i < n; i++)
		if (uvpi_device_is_meant(&list[i], UVP_DEVICE_DISK, which))
			at = i;
	if (r >= 0)
		r = at < 0 ? uvpi_device_fail_absent(domain, UVP_DEVICE_DISK, which, list, n, err) :
			     resize(domain, &list[at], size, flags, op, ret_size, err);
	uvp_device_list_free(list, n);
	if (r < 0)
		uvpi_prefix(err, "cannot resize disk '%.32s'", which);
	return r;
}
