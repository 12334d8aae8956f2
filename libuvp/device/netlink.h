/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is needed of rtnetlink: look at one network interface, change one. */
#ifndef UVPI_NETLINK_H
#define UVPI_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_link {
	int index;
	uint32_t mtu;
	char kind[16]; /* "bridge"; "" for hardware and the like */
	bool vlan_filtering; /* of a bridge */
	uint16_t default_pvid;
};

/* A socket for both; close() it. */
int uvpi_netlink_open(int *ret_fd, struct uvp_error *err);
/* NOT_FOUND when there is no interface of that name. */
int uvpi_link_get(int fd, const char *name, struct uvpi_link *ret_link, struct uvp_error *err);

/* All at once, and the interface is up afterwards. NULL and 0 leave alone. */
struct uvpi_link_change {
	const char *name;
	const uint8_t *address; /* 6 bytes */
	uint32_t mtu;
	int master;
};
int uvpi_link_change(int fd, int index, const struct uvpi_link_change *change, struct uvp_error *err);

/* The VLANs of a bridge's port: that of its frames without a tag (0: the bridge's own choice, default_pvid, stays), and
 * those that it may have with one. */
struct uvpi_vlans;
int uvpi_link_set_vlans(int fd, int index, uint16_t default_pvid, uint32_t vlan, const struct uvpi_vlans *trunk,
			int n_trunk, struct uvp_error *err);

/* A socket on which the kernel announces interfaces that go, from now on; close() it. -1: there is none to be had. */
int uvpi_links_going(void);
/* Until each of these has been announced there; its index becomes 0. False at the deadline, or when announcements were lost. */
bool uvpi_links_wait_gone(int fd, int *indices, int n, int64_t deadline_ms);

/* Pure, for tests: the answer to a question about a link. 1: a link; 0: some other message; negative: PROTOCOL. */
int uvpi_link_parse(const void *message, size_t len, struct uvpi_link *ret_link, struct uvp_error *err);

#endif
