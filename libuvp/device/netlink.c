/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"

#define ANSWER_MS 10000

/* A request in the making: 1 KiB holds every one that is made here. */
struct request {
	struct nlmsghdr header;
	struct ifinfomsg info;
	char attrs[1024];
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

/* Called for each attribute of a run of them. */
typedef void see_attr(uint16_t type, const char *data, size_t len, struct uvpi_link *link);

/* Attributes are read by copying: nothing about their alignment or length is believed. */
static void parse_attrs(const char *data, size_t len, see_attr *see, struct uvpi_link *link)
{
	struct rtattr attr;

	while (len >= sizeof(attr)) {
		memcpy(&attr, data, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > len)
			return;
		see(attr.rta_type & NLA_TYPE_MASK, data + sizeof(attr), attr.rta_len - sizeof(attr), link);
		if (RTA_ALIGN(attr.rta_len) >= len)
			return;
		data += RTA_ALIGN(attr.rta_len);
		len -= RTA_ALIGN(attr.rta_len);
	}
}

static void see_bridge(uint16_t type, const char *data, size_t len, struct uvpi_link *link)
{
	if (type == IFLA_BR_VLAN_FILTERING && len >= 1)
		link->vlan_filtering = *data != 0;
	if (type == IFLA_BR_VLAN_DEFAULT_PVID && len >= sizeof(link->default_pvid))
		memcpy(&link->default_pvid, data, sizeof(link->default_pvid));
}

/* The kind stands before its data. */
static void see_info(uint16_t type, const char *data, size_t len, struct uvpi_link *link)
{
	if (type == IFLA_INFO_KIND) {
		if (len > sizeof(link->kind) - 1)
			len = sizeof(link->kind) - 1;
		memcpy(link->kind, data, len);
		link->kind[len] = '\0';
	}
	if (type == IFLA_INFO_DATA && !strcmp(link->kind, "bridge"))
		parse_attrs(data, len, see_bridge, link);
}

static void see_link(uint16_t type, const char *data, size_t len, struct uvpi_link *link)
{
	if (type == IFLA_MTU && len >= sizeof(link->mtu))
		memcpy(&link->mtu, data, sizeof(link->mtu));
	if (type == IFLA_LINKINFO)
		parse_attrs(data, len, see_info, link);
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
		    header.nlmsg_len > NLMSG_SPACE(sizeof(info)) ? header.nlmsg_len - NLMSG_SPACE(sizeof(info)) : 0,
		    see_link, &link);
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

static size_t begin_nest(struct request *request, uint16_t type)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);

	add_attr(request, type, "", 0);
	return at;
}

static void end_nest(struct request *request, size_t at)
{
	uint16_t len = (uint16_t)(request->header.nlmsg_len - at);

	memcpy((char *)request + at, &len, sizeof(len)); /* rta_len stands first */
}

static void add_vlan(struct request *request, uint32_t vlan, uint32_t flags)
{
	struct bridge_vlan_info info = { .flags = (uint16_t)flags, .vid = (uint16_t)vlan };

	add_attr(request, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

static int send_vlans(int fd, struct request *request, size_t nest)
{
	end_nest(request, nest);
	return exchange(fd, request, NULL);
}

static size_t begin_vlans(struct request *request, uint16_t type, int index)
{
	init_request(request, type);
	request->info.ifi_family = AF_BRIDGE;
	request->info.ifi_index = index;
	return begin_nest(request, IFLA_AF_SPEC);
}

int uvpi_link_set_vlans(int fd, int index, uint16_t default_pvid, uint32_t vlan, const struct uvpi_vlans *trunk,
			int n_trunk, struct uvp_error *err)
{
	struct request request;
	size_t nest;
	int error = 0;

	/* What the bridge gave it by itself is not among what it is to have. */
	if (default_pvid && default_pvid != vlan) {
		nest = begin_vlans(&request, RTM_DELLINK, index);
		add_vlan(&request, default_pvid, 0);
		error = send_vlans(fd, &request, nest);
	}
	nest = begin_vlans(&request, RTM_SETLINK, index);
	for (int i = 0; i < n_trunk; i++) {
		bool range = trunk[i].first != trunk[i].last;

		add_vlan(&request, trunk[i].first, range ? BRIDGE_VLAN_INFO_RANGE_BEGIN : 0);
		if (range)
			add_vlan(&request, trunk[i].last, BRIDGE_VLAN_INFO_RANGE_END);
	}
	if (vlan)
		add_vlan(&request, vlan, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	if (!error)
		error = send_vlans(fd, &request, nest);
	return error ? uvpi_fail_errno(err, error, "cannot set the VLANs of the bridge's port") : 0;
}
