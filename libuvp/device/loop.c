/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "device/nbd.h"

/* Others may take the number that we were given before we can use it. */
#define ATTEMPTS 64

static int fail_control(struct uvp_error *err)
{
	uvpi_fail_errno(err, errno, "cannot get a loop device from /dev/loop-control");
	if (errno == ENOENT || errno == ENODEV)
		uvpi_hint(err, "is the kernel's module loaded? modprobe loop");
	return -(int)uvpi_errcode_of(errno);
}

int uvpi_loop_attach(int fd, const char *path, bool readonly, int *ret_loop_fd, char *name, int name_len,
		     dev_t *ret_rdev, struct uvp_error *err)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = { .fd = (uint32_t)fd };

	if (control < 0)
		return fail_control(err);
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (readonly ? LO_FLAGS_READ_ONLY : 0u);
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", path);
	for (int i = 0; i < ATTEMPTS; i++) {
		_cleanup_close_ int loop = -1;
		struct stat st;
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0)
			return fail_control(err);
		snprintf(name, (size_t)name_len, "/dev/loop%d", number);
		loop = open(name, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		if (loop < 0)
			return uvpi_fail_errno(err, errno, "cannot open the loop device '%s'", name);
		if (ioctl(loop, LOOP_CONFIGURE, &config) < 0) {
			if (errno == EBUSY)
				continue;
			return uvpi_fail_errno(err, errno, "cannot set up '%s' for '%s'", name, path);
		}
		if (fstat(loop, &st) < 0)
			return uvpi_fail_errno(err, errno, "cannot read '%s'", name);
		*ret_rdev = st.st_rdev;
		*ret_loop_fd = uvpi_steal_fd(&loop);
		return 0;
	}
	return uvpi_fail(err, UVP_E_BUSY, EBUSY, "others took %d loop devices in a row from us", ATTEMPTS);
}

static bool file_of(int loop, dev_t *ret_dev, ino_t *ret_ino)
{
	struct loop_info64 info;

	if (ioctl(loop, LOOP_GET_STATUS64, &info) < 0)
		return false;
	*ret_dev = (dev_t)info.lo_device;
	*ret_ino = (ino_t)info.lo_inode;
	return true;
}

bool uvpi_loop_file(unsigned int minor, dev_t *ret_dev, ino_t *ret_ino)
{
	_cleanup_close_ int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/dev/loop%u", minor);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && file_of(fd, ret_dev, ret_ino);
}

/* Is the device's file that one? */
static bool is_over(const char *loop, const char *target)
{
	_cleanup_close_ int fd = open(loop, O_RDONLY | O_CLOEXEC);
	struct stat st;
	dev_t dev;
	ino_t ino;

	return fd >= 0 && stat(target, &st) == 0 && file_of(fd, &dev, &ino) && dev == st.st_dev && ino == st.st_ino;
}

void uvpi_loop_detach(const char *loop, const char *target)
{
	_cleanup_close_ int fd = is_over(loop, target) ? open(loop, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0 && ioctl(fd, LOOP_CLR_FD, 0) < 0 && errno != ENXIO)
		uvpi_debug("cannot free %s: %m", loop);
}

int uvpi_loop_grow(const char *loop, const char *target, struct uvp_error *err)
{
	_cleanup_close_ int fd = is_over(loop, target) ? open(loop, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%s' does not serve '%.300s' any more", loop, target);
	if (ioctl(fd, LOOP_SET_CAPACITY, 0) < 0)
		return uvpi_fail_errno(err, errno, "cannot give '%s' the new size of '%.300s'", loop, target);
	return 0;
}

int uvpi_block_size(const char *path, uint64_t *ret_size, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, ret_size) < 0)
		return uvpi_fail_errno(err, errno, "cannot read the size of '%.300s'", path);
	return 0;
}

static bool serves(const char *device, const char *target)
{
	return strncmp(device, "/dev/nbd", 8) != 0 ? is_over(device, target) : uvpi_nbd_is_over(device, target);
}

bool uvpi_block_wait_free(const char *device, const char *target, int64_t deadline_ms)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return false;
	/* The kernel announces it: look first, then after each announcement. */
	while (serves(device, target)) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t left = deadline_ms - uvpi_now_ms();
		char buf[4096];

		if (left <= 0 || poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left) <= 0)
			return false;
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
	}
	return true;
}
