/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/nlmsg.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MS 10000

void uvpi_nlmsg_init(struct uvpi_nlmsg *msg, uint16_t type, const void *fixed, size_t len)
{
	memset(msg, 0, sizeof(*msg));
	msg->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	msg->header.nlmsg_type = type;
	msg->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	memcpy(msg->body, fixed, len);
}

void uvpi_nlmsg_attr(struct uvpi_nlmsg *msg, uint16_t type, const void *data, size_t len)
{
	struct rtattr attr = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type };
	size_t at = NLMSG_ALIGN(msg->header.nlmsg_len);

	memcpy((char *)msg + at, &attr, sizeof(attr));
	memcpy((char *)msg + at + RTA_LENGTH(0), data, len);
	msg->header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

size_t uvpi_nlmsg_begin(struct uvpi_nlmsg *msg, uint16_t type)
{
	size_t at = NLMSG_ALIGN(msg->header.nlmsg_len);

	uvpi_nlmsg_attr(msg, type, "", 0);
	return at;
}

void uvpi_nlmsg_end(struct uvpi_nlmsg *msg, size_t at)
{
	uint16_t len = (uint16_t)(msg->header.nlmsg_len - at);

	memcpy((char *)msg + at, &len, sizeof(len)); /* rta_len stands first */
}

void uvpi_nlattr_parse(const char *attrs, size_t len, uvpi_nlattr_see *see, void *data)
{
	struct rtattr attr;

	while (len >= sizeof(attr)) {
		memcpy(&attr, attrs, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > len)
			return;
		see(attr.rta_type & NLA_TYPE_MASK, attrs + sizeof(attr), attr.rta_len - sizeof(attr), data);
		if (RTA_ALIGN(attr.rta_len) >= len)
			return;
		attrs += RTA_ALIGN(attr.rta_len);
		len -= RTA_ALIGN(attr.rta_len);
	}
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

int uvpi_nlmsg_exchange(int fd, struct uvpi_nlmsg *msg, uvpi_nlmsg_see *see, void *data)
{
	if (send(fd, msg, msg->header.nlmsg_len, 0) < 0)
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
			if (header.nlmsg_len < sizeof(header))
				return EPROTO;
			if (see)
				see(buf + at, (size_t)n - at, data);
			at += NLMSG_ALIGN(header.nlmsg_len);
		}
	}
}
