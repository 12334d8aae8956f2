/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/cleanup.h"
#include "core/error.h"

#define ANSWER_MS 10000

/* A request in the making: 512 bytes hold every one that is made here. */
struct request {
	struct nlmsghdr header;
	struct ifinfomsg info;
	char attrs[512];
};

static void init_request(struct request *request, uint16_t type)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(sizeof(request->info));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	request->info.ifi_family = AF_UNSPEC;
}

static void add_attr(struct request *request, uint16_t type, const void *data, size_t len)
{
	struct rtattr attr = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type };
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	memcpy((char *)request + at, &attr, sizeof(attr));
	memcpy((char *)request + at + RTA_LENGTH(0), data, len);
	request->header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

int uvpi_netlink_open(int *ret_fd, struct uvp_error *err)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot ask the kernel about network interfaces");
	*ret_fd = fd;
	return 0;
}

/* ---- answers ---- */

/* Attributes are read by copying: nothing about their alignment or length is believed. */
static void parse_kind(const char *data, size_t len, struct uvpi_link *link)
{
	struct rtattr attr;

	while (len >= sizeof(attr)) {
		memcpy(&attr, data, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > len)
			return;
		if (attr.rta_type == IFLA_INFO_KIND) {
			size_t n = attr.rta_len - sizeof(attr);

			if (n > sizeof(link->kind) - 1)
				n = sizeof(link->kind) - 1;
			memcpy(link->kind, data + sizeof(attr), n);
			link->kind[n] = '\0';
		}
		if (RTA_ALIGN(attr.rta_len) >= len)
			return;
		data += RTA_ALIGN(attr.rta_len);
		len -= RTA_ALIGN(attr.rta_len);
	}
}

static void parse_attrs(const char *data, size_t len, struct uvpi_link *link)
{
	struct rtattr attr;

	while (len >= sizeof(attr)) {
		memcpy(&attr, data, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > len)
			return;
		if (attr.rta_type == IFLA_MTU && attr.rta_len >= sizeof(attr) + sizeof(link->mtu))
			memcpy(&link->mtu, data + sizeof(attr), sizeof(link->mtu));
		if (attr.rta_type == IFLA_LINKINFO)
			parse_kind(data + sizeof(attr), attr.rta_len - sizeof(attr), link);
		if (RTA_ALIGN(attr.rta_len) >= len)
			return;
		data += RTA_ALIGN(attr.rta_len);
		len -= RTA_ALIGN(attr.rta_len);
	}
}

int uvpi_link_parse(const void *message, size_t len, struct uvpi_link *ret_link, struct uvp_error *err)
{
	struct uvpi_link link = { 0 };
	struct nlmsghdr header;
	struct ifinfomsg info;

	if (len < sizeof(header))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the kernel's answer about a network interface is cut off");
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > len)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the kernel's answer about a network interface is cut off");
	if (header.nlmsg_type != RTM_NEWLINK)
		return 0;
	if (header.nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the kernel's answer about a network interface is too short");
	memcpy(&info, (const char *)message + NLMSG_HDRLEN, sizeof(info));
	link.index = info.ifi_index;
	parse_attrs((const char *)message + NLMSG_SPACE(sizeof(info)),
		    header.nlmsg_len > NLMSG_SPACE(sizeof(info)) ? header.nlmsg_len - NLMSG_SPACE(sizeof(info)) : 0, &link);
	*ret_link = link;
	return 1;
}

/* The errno of an acknowledgement (0: done), or -1 when the message is none. */
static int ack_of(const char *message, size_t len)
{
	struct nlmsghdr header;
	int error;

	if (len < sizeof(header) + sizeof(error))
		return -1;
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_type != NLMSG_ERROR)
		return -1;
	memcpy(&error, message + NLMSG_HDRLEN, sizeof(error));
	return -error;
}

/* Send, and read until it is acknowledged. Returns the errno of the kernel's answer; ret_link may be NULL. */
static int exchange(int fd, struct request *request, struct uvpi_link *ret_link)
{
	if (send(fd, request, request->header.nlmsg_len, 0) < 0)
		return errno;
	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		char buf[16384];
		ssize_t n;

		if (poll(&p, 1, ANSWER_MS) <= 0)
			return ETIMEDOUT;
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		for (size_t at = 0; at + sizeof(struct nlmsghdr) <= (size_t)n;) {
			struct nlmsghdr header;
			int error = ack_of(buf + at, (size_t)n - at);

			if (error >= 0)
				return error;
			memcpy(&header, buf + at, sizeof(header));
			if (ret_link)
				uvpi_link_parse(buf + at, (size_t)n - at, ret_link, NULL);
			if (header.nlmsg_len < sizeof(header))
				return EPROTO;
			at += NLMSG_ALIGN(header.nlmsg_len);
		}
	}
}

int uvpi_link_get(int fd, const char *name, struct uvpi_link *ret_link, struct uvp_error *err)
{
	struct uvpi_link link = { 0 };
	struct request request;
	int error;

	if (!*name || strlen(name) >= IFNAMSIZ)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' is no name of a network interface", name);
	init_request(&request, RTM_GETLINK);
	add_attr(&request, IFLA_IFNAME, name, strlen(name) + 1);
	error = exchange(fd, &request, &link);
	if (error == ENODEV)
		return uvpi_fail(err, UVP_E_NOT_FOUND, error, "there is no network interface '%s'", name);
	if (error)
		return uvpi_fail_errno(err, error, "cannot look at network interface '%s'", name);
	*ret_link = link;
	return 0;
}

int uvpi_link_change(int fd, int index, const struct uvpi_link_change *change, struct uvp_error *err)
{
	struct request request;
	int error;

	init_request(&request, RTM_NEWLINK);
	request.info.ifi_index = index;
	request.info.ifi_flags = IFF_UP;
	request.info.ifi_change = IFF_UP;
	if (change->name)
		add_attr(&request, IFLA_IFNAME, change->name, strlen(change->name) + 1);
	if (change->address)
		add_attr(&request, IFLA_ADDRESS, change->address, 6);
	if (change->mtu)
		add_attr(&request, IFLA_MTU, &change->mtu, sizeof(change->mtu));
	if (change->master)
		add_attr(&request, IFLA_MASTER, &change->master, sizeof(change->master));
	error = exchange(fd, &request, NULL);
	return error ? uvpi_fail_errno(err, error, "cannot set up the network interface") : 0;
}
