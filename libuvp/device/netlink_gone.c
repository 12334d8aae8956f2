/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces that go. The kernel announces one when it has left its bridge and its name is free; what it does after
 * that, it does alone. */
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/num.h"
#include "device/netlink.h"

int uvpi_links_going(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A bridge's port that goes is announced likewise, with another family: that comes too early. */
static void see_announcements(const char *buf, size_t len, int *indices, int n)
{
	for (const struct nlmsghdr *msg = (const struct nlmsghdr *)buf; NLMSG_OK(msg, len); msg = NLMSG_NEXT(msg, len)) {
		const struct ifinfomsg *info = NLMSG_DATA(msg);

		if (msg->nlmsg_type != RTM_DELLINK || msg->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) ||
		    info->ifi_family != AF_UNSPEC)
			continue;
		for (int i = 0; i < n; i++)
			if (indices[i] == info->ifi_index)
				indices[i] = 0;
	}
}

static int count_left(const int *indices, int n)
{
	int left = 0;

	for (int i = 0; i < n; i++)
		left += indices[i] != 0;
	return left;
}

bool uvpi_links_wait_gone(int fd, int *indices, int n, int64_t deadline_ms)
{
	while (count_left(indices, n)) {
		char buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t left = deadline_ms - uvpi_now_ms();
		ssize_t len;

		if (left <= 0 || poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left) <= 0)
			return false;
		len = recv(fd, buf, sizeof(buf), 0);
		/* ENOBUFS: there were more than the socket holds */
		if (len < 0)
			return false;
		see_announcements(buf, (size_t)len, indices, n);
	}
	return true;
}
