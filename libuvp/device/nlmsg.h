/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests of netlink: making one, and the exchange with the kernel. 1 KiB of attributes holds every one made here. */
#ifndef UVPI_DEVICE_NLMSG_H
#define UVPI_DEVICE_NLMSG_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct uvpi_nlmsg {
	struct nlmsghdr header;
	char body[1040];
};

/* The header that its family has comes first: `fixed`, len bytes. */
void uvpi_nlmsg_init(struct uvpi_nlmsg *msg, uint16_t type, const void *fixed, size_t len);
void uvpi_nlmsg_attr(struct uvpi_nlmsg *msg, uint16_t type, const void *data, size_t len);
/* Attributes added between the two are inside of it. */
size_t uvpi_nlmsg_begin(struct uvpi_nlmsg *msg, uint16_t type);
void uvpi_nlmsg_end(struct uvpi_nlmsg *msg, size_t at);

/* Called for each message that comes before the acknowledgement, and for each attribute of a run of them. */
typedef void uvpi_nlmsg_see(const char *message, size_t len, void *data);
typedef void uvpi_nlattr_see(uint16_t type, const char *value, size_t len, void *data);

/* Send, and read until it is acknowledged. Returns the errno of the kernel's answer; see may be NULL. */
int uvpi_nlmsg_exchange(int fd, struct uvpi_nlmsg *msg, uvpi_nlmsg_see *see, void *data);
/* Attributes are read by copying: nothing about their alignment or length is believed. */
void uvpi_nlattr_parse(const char *attrs, size_t len, uvpi_nlattr_see *see, void *data);

#endif
