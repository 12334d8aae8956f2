/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uvp-tls: one end of an encrypted connection between two hosts, as a process of its own, so that whoever moves a domain neither
 * loads GnuTLS nor parses what a stranger sends. Only uvp-migrated and xlx run it.
 *
 *   uvp-tls connect NAME PORT   carry standard input, a socket, to uvp-migrated of that host
 *   uvp-tls serve               descriptor 0 is a connection, 1 a socket of this host, 2 takes the verdict (word.h)
 *   uvp-tls key NAME [anew]     this host's certificate, made when there is none
 *   uvp-tls read                the certificate on standard input
 *
 * The exit status is a code of enum uvp_errcode; the last line on standard error is "message", or "message<TAB>hint". */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "migrate/known.h"
#include "tls/confine.h"
#include "tls/session.h"

#define CONNECT_MS 15000 /* for each address */
#define GREET_MS 20000
#define ALIVE_S 15
/* Of silence, or of taking nothing: longer than xlx waits until it calls a connection broken (SEND_MS in migrate/link.c), because
 * a receiver that is busy, with a window of nothing, has not gone. */
#define GONE_MS 150000

/* ---- sockets ---- */

static void set_up(int fd)
{
	const int on = 1, idle = ALIVE_S, tries = 3;
	const unsigned int timeout = GONE_MS;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* 0, or an errno. */
static int connect_one(const struct addrinfo *to, int *ret_fd)
{
	_cleanup_close_ int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { fd, POLLOUT, 0 };
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return errno;
		if (poll(&p, 1, CONNECT_MS) <= 0)
			return ETIMEDOUT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
			return error ? error : errno;
	}
	set_up(fd);
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

static int connect_to(const char *name, const char *port, int *ret_fd, struct uvp_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	int r = getaddrinfo(name, port, &hints, &found), error = EADDRNOTAVAIL;

	if (r)
		return uvpi_fail(err, r == EAI_AGAIN ? UVP_E_IO : UVP_E_NOT_FOUND, 0, "it has no address: %s", gai_strerror(r));
	for (struct addrinfo *at = found; at && error; at = at->ai_next)
		error = connect_one(at, ret_fd);
	freeaddrinfo(found);
	if (!error)
		return 0;
	r = uvpi_fail(err, UVP_E_IO, error, "port %s: %s", port, strerror(error));
	if (error == ECONNREFUSED)
		uvpi_hint(err, "nothing listens there: 'systemctl enable --now uvp-migrated.socket' on that host");
	return r;
}

/* ---- jobs ---- */

static int carry(const char *name, const char *port, struct uvp_error *err)
{
	struct tls_session session = { NULL };
	struct tls_keys keys;
	int64_t deadline;
	int fd = -1, r;

	r = tls_keys_load(&keys, name, err);
	if (r < 0)
		uvpi_hint(err, "'xlx migrate-setup %.60s' makes the keys, and the hosts known to each other", name);
	if (r == 0)
		r = connect_to(name, port, &fd, err);
	deadline = uvpi_now_ms() + GREET_MS;
	if (r == 0)
		r = tls_confine(err);
	if (r == 0)
		r = tls_session_open(&session, fd, false, &keys, err);
	if (r == 0)
		r = tls_session_greet(&session, deadline, err);
	if (r == 0)
		r = tls_session_await_welcome(&session, deadline, err);
	if (r == 0)
		r = tls_relay(&session, STDIN_FILENO, true, err);
	tls_session_done(&session);
	tls_keys_done(&keys);
	return r;
}

static void tell(enum tls_verdict verdict, const char *name)
{
	char line[TLS_WORD_MAX];
	size_t len = tls_word_write(verdict, name, line);

	if (write(STDERR_FILENO, line, len) != (ssize_t)len)
		_exit(1); /* the listener has gone */
	close(STDERR_FILENO);
}

static int serve(struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + GREET_MS;
	struct tls_session session = { NULL };
	struct tls_keys keys;
	enum tls_verdict ours = TLS_OURS;
	int r = tls_keys_load(&keys, NULL, err);

	set_up(STDIN_FILENO);
	if (r == 0) {
		ours = TLS_RIGHTS;
		r = tls_confine(err);
	}
	if (r == 0)
		r = tls_session_open(&session, STDIN_FILENO, true, &keys, err);
	if (r < 0) {
		tell(ours, NULL);
		return r;
	}
	r = tls_session_greet(&session, deadline, err);
	if (r == 0 && session.verdict != TLS_YES)
		r = uvpi_fail(err, UVP_E_INTERNAL, 0, "its certificate was not looked at");
	if (r < 0) {
		tell(session.verdict == TLS_YES ? TLS_BROKEN : session.verdict, NULL);
		return r;
	}
	tell(TLS_YES, session.peer);
	r = tls_session_welcome(&session, deadline, err);
	if (r == 0)
		r = tls_relay(&session, STDOUT_FILENO, false, err);
	tls_session_done(&session);
	tls_keys_done(&keys);
	return r;
}

/* No stream: what opens one asks for more than a confined process may. */
static void complain(const struct uvp_error *err)
{
	char line[sizeof(err->message) + sizeof(err->hint) + 3];
	int len = snprintf(line, sizeof(line), "%s%s%s\n", err->message, *err->hint ? "\t" : "", err->hint);

	if (write(STDERR_FILENO, line, (size_t)len) != len)
		return; /* nobody is there to hear it */
}

int main(int argc, char **argv)
{
	struct uvp_error err = UVP_ERROR_INIT;
	bool serves = argc == 2 && !strcmp(argv[1], "serve");
	int r;

	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (serves)
		r = serve(&err);
	else if (argc == 4 && !strcmp(argv[1], "connect"))
		r = carry(argv[2], argv[3], &err);
	else if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "key"))
		r = tls_keys_make(argv[2], argc == 4 && !strcmp(argv[3], "anew"), &err);
	else if (argc == 2 && !strcmp(argv[1], "read"))
		r = tls_keys_print(&err);
	else
		r = uvpi_fail(&err, UVP_E_INVALID, 0, "uvp-tls is not for people: xlx migrate and uvp-migrated run it");
	/* descriptor 2 of one that serves is the listener's */
	if (r < 0 && !serves)
		complain(&err);
	return r < 0 ? -r : 0;
}
