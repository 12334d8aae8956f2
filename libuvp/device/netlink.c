/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "device/nlmsg.h"

static void init_request(struct uvpi_nlmsg *request, uint16_t type, int family, int index)
{
	struct ifinfomsg info = { .ifi_family = (unsigned char)family, .ifi_index = index };

	uvpi_nlmsg_init(request, type, &info, sizeof(info));
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

static void see_bridge(uint16_t type, const char *data, size_t len, void *to)
{
	struct uvpi_link *link = to;

	if (type == IFLA_BR_VLAN_FILTERING && len >= 1)
		link->vlan_filtering = *data != 0;
	if (type == IFLA_BR_VLAN_DEFAULT_PVID && len >= sizeof(link->default_pvid))
		memcpy(&link->default_pvid, data, sizeof(link->default_pvid));
}

/* The kind stands before its data. */
static void see_info(uint16_t type, const char *data, size_t len, void *to)
{
	struct uvpi_link *link = to;

	if (type == IFLA_INFO_KIND) {
		if (len > sizeof(link->kind) - 1)
			len = sizeof(link->kind) - 1;
		memcpy(link->kind, data, len);
		link->kind[len] = '\0';
	}
	if (type == IFLA_INFO_DATA && !strcmp(link->kind, "bridge"))
		uvpi_nlattr_parse(data, len, see_bridge, link);
}

static void see_link(uint16_t type, const char *data, size_t len, void *to)
{
	struct uvpi_link *link = to;

	if (type == IFLA_MTU && len >= sizeof(link->mtu))
		memcpy(&link->mtu, data, sizeof(link->mtu));
	if (type == IFLA_LINKINFO)
		uvpi_nlattr_parse(data, len, see_info, link);
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
	uvpi_nlattr_parse((const char *)message + NLMSG_SPACE(sizeof(info)),
		    header.nlmsg_len > NLMSG_SPACE(sizeof(info)) ? header.nlmsg_len - NLMSG_SPACE(sizeof(info)) : 0,
		    see_link, &link);
	*ret_link = link;
	return 1;
}

static void see_message(const char *message, size_t len, void *link)
{
	uvpi_link_parse(message, len, link, NULL);
}

int uvpi_link_get(int fd, const char *name, struct uvpi_link *ret_link, struct uvp_error *err)
{
	struct uvpi_link link = { 0 };
	struct uvpi_nlmsg request;
	uint32_t skip = RTEXT_FILTER_SKIP_STATS; /* which are most of the work */
	int error;

	if (!*name || strlen(name) >= IFNAMSIZ)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' is no name of a network interface", name);
	init_request(&request, RTM_GETLINK, AF_UNSPEC, 0);
	uvpi_nlmsg_attr(&request, IFLA_IFNAME, name, strlen(name) + 1);
	uvpi_nlmsg_attr(&request, IFLA_EXT_MASK, &skip, sizeof(skip));
	error = uvpi_nlmsg_exchange(fd, &request, see_message, &link);
	if (error == ENODEV)
		return uvpi_fail(err, UVP_E_NOT_FOUND, error, "there is no network interface '%s'", name);
	if (error)
		return uvpi_fail_errno(err, error, "cannot look at network interface '%s'", name);
	*ret_link = link;
	return 0;
}

int uvpi_link_change(int fd, int index, const struct uvpi_link_change *change, struct uvp_error *err)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct uvpi_nlmsg request;
	int error;

	uvpi_nlmsg_init(&request, RTM_NEWLINK, &info, sizeof(info));
	if (change->name)
		uvpi_nlmsg_attr(&request, IFLA_IFNAME, change->name, strlen(change->name) + 1);
	if (change->address)
		uvpi_nlmsg_attr(&request, IFLA_ADDRESS, change->address, 6);
	if (change->mtu)
		uvpi_nlmsg_attr(&request, IFLA_MTU, &change->mtu, sizeof(change->mtu));
	if (change->master)
		uvpi_nlmsg_attr(&request, IFLA_MASTER, &change->master, sizeof(change->master));
	error = uvpi_nlmsg_exchange(fd, &request, NULL, NULL);
	return error ? uvpi_fail_errno(err, error, "cannot set up the network interface") : 0;
}

static void add_vlan(struct uvpi_nlmsg *request, uint32_t vlan, uint32_t flags)
{
	struct bridge_vlan_info info = { .flags = (uint16_t)flags, .vid = (uint16_t)vlan };

	uvpi_nlmsg_attr(request, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

static int send_vlans(int fd, struct uvpi_nlmsg *request, size_t nest)
{
	uvpi_nlmsg_end(request, nest);
	return uvpi_nlmsg_exchange(fd, request, NULL, NULL);
}

static size_t begin_vlans(struct uvpi_nlmsg *request, uint16_t type, int index)
{
	init_request(request, type, AF_BRIDGE, index);
	return uvpi_nlmsg_begin(request, IFLA_AF_SPEC);
}

int uvpi_link_set_vlans(int fd, int index, uint16_t default_pvid, uint32_t vlan, const struct uvpi_vlans *trunk,
			int n_trunk, struct uvp_error *err)
{
	struct uvpi_nlmsg request;
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
