/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS 1.3 with both certificates, over a socket that does not block; every step has a deadline. */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/keys.h"

struct tls_session {
	gnutls_session_t gnutls;
	int fd;
	const struct tls_keys *keys;
	enum tls_verdict verdict; /* of the other end's certificate */
	const char *peer;         /* its name, when that is TLS_YES */
};

/* The socket stays the caller's. */
int tls_session_open(struct tls_session *session, int fd, bool server, const struct tls_keys *keys, struct uvp_error *err);
void tls_session_done(struct tls_session *session);

/* The greeting. A server that refuses says why by an alert, and waits a moment so that it arrives. */
int tls_session_greet(struct tls_session *session, int64_t deadline_ms, struct uvp_error *err);
/* The server's last word of it: it has looked at the certificate, and from here on it is the other program's connection. */
int tls_session_welcome(struct tls_session *session, int64_t deadline_ms, struct uvp_error *err);
int tls_session_await_welcome(struct tls_session *session, int64_t deadline_ms, struct uvp_error *err);

/* What a negative result of GnuTLS means, for an operator. */
int tls_session_fail(const struct tls_session *session, int r, struct uvp_error *err);

/* Carry bytes between the connection and a socket of this host, until both ends have closed; a client ends as soon as the server
 * has, and a server that has closed does not wait for more than 30 s. 0: in order. */
int tls_relay(struct tls_session *session, int plain, bool client, struct uvp_error *err);

#endif
