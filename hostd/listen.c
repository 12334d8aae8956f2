/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostd/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define BACKLOG 16

static int parse_path(const char *text, const char *key, struct hostd_address *ret_address, struct uvp_error *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(text) >= sizeof(sun.sun_path))
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: the path of a socket has at most %zu bytes", key, sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, text, strlen(text) + 1);
	memcpy(&ret_address->sa, &sun, sizeof(sun));
	ret_address->len = sizeof(sun);
	return 0;
}

static int parse_inet(const char *text, const char *key, struct hostd_address *ret_address, struct uvp_error *err)
{
	const char *colon = strrchr(text, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE }, *found;
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[64];
	uint32_t port;
	int r;

	if (!len || len >= sizeof(host))
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "%s is '%.64s': expected off, localhost:PORT, another ADDRESS:PORT, or the full path of a socket", key,
				 text);
	r = uvpi_parse_u32(colon + 1, key, 1, 65535, &port, err);
	if (r < 0)
		return r;
	memcpy(host, text, len);
	host[len] = '\0';
	if (*host == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	if (getaddrinfo(strcmp(host, "localhost") != 0 ? host : "127.0.0.1", colon + 1, &hints, &found) != 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%s' is neither 'localhost' nor an IP address", key, host);
	memcpy(&ret_address->sa, found->ai_addr, found->ai_addrlen);
	ret_address->len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int hostd_listen_parse(const char *text, const char *key, struct hostd_address *ret_address, struct uvp_error *err)
{
	*ret_address = (struct hostd_address){ 0 };
	if (!strcmp(text, "off"))
		return 0;
	return *text == '/' ? parse_path(text, key, ret_address, err) : parse_inet(text, key, ret_address, err);
}

static const char *path_of(const struct hostd_address *address)
{
	return address->sa.ss_family == AF_UNIX ? ((const struct sockaddr_un *)&address->sa)->sun_path : NULL;
}

int hostd_listen_open(const struct hostd_address *address, int *ret_fd, struct uvp_error *err)
{
	const char *path = path_of(address);
	_cleanup_close_ int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	const int on = 1;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make a socket");
	if (path && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && unlink(path) < 0)
		return uvpi_fail_errno(err, errno, "cannot remove the old socket '%s'", path);
	if (!path && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return uvpi_fail_errno(err, errno, "cannot set up a socket");
	if (bind(fd, (const struct sockaddr *)&address->sa, address->len) < 0 || listen(fd, BACKLOG) < 0)
		return uvpi_fail_errno(err, errno, "cannot listen");
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

void hostd_listen_close(const struct hostd_address *address, int fd)
{
	const char *path = path_of(address);

	if (fd < 0)
		return;
	if (path)
		unlink(path);
	close(fd);
}
