/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where to listen: "off", ADDRESS:PORT with a numeric address or "localhost", [ADDRESS]:PORT, or the path of a Unix socket. */
#ifndef HOSTD_LISTEN_H
#define HOSTD_LISTEN_H

#include <sys/socket.h>

#include <uvp/error.h>

struct hostd_address {
	struct sockaddr_storage sa;
	socklen_t len; /* 0: nowhere */
};

/* No name server is asked. key goes before messages. */
int hostd_listen_parse(const char *text, const char *key, struct hostd_address *ret_address, struct uvp_error *err);
/* The listening socket, which does not block. What a Unix socket of an earlier life left is removed first. */
int hostd_listen_open(const struct hostd_address *address, int *ret_fd, struct uvp_error *err);
/* Its path is removed. */
void hostd_listen_close(const struct hostd_address *address, int fd);

#endif
