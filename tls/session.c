/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tls/session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"

/* AES in counter mode has instructions on all that runs Xen; a tag of 128 bits either way. */
#define PRIORITY                                                                                                             \
	"NONE:+VERS-TLS1.3:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+GROUP-X25519:+GROUP-SECP256R1:+SIGN-EDDSA-ED25519:"  \
	"+SIGN-ECDSA-SECP256R1-SHA256:+CTYPE-X509"
#define WELCOME "uvptls1\n"
#define LINGER_MS 2000
#define LINGER_BYTES 65536

static enum tls_verdict look(struct tls_session *session)
{
	unsigned int n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session->gnutls, &n);

	return list && n ? tls_keys_look(session->keys, list, &session->peer) : TLS_NONE;
}

static int verify(gnutls_session_t gnutls)
{
	struct tls_session *session = gnutls_session_get_ptr(gnutls);

	session->verdict = look(session);
	return session->verdict == TLS_YES ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

int tls_session_open(struct tls_session *session, int fd, bool server, const struct tls_keys *keys, struct uvp_error *err)
{
	unsigned int flags = (server ? GNUTLS_SERVER | GNUTLS_NO_TICKETS : GNUTLS_CLIENT) | GNUTLS_NONBLOCK;
	int r;

	*session = (struct tls_session){ .fd = fd, .keys = keys, .verdict = TLS_BROKEN };
	r = gnutls_init(&session->gnutls, flags);
	if (r == 0)
		r = gnutls_priority_set_direct(session->gnutls, PRIORITY, NULL);
	if (r == 0)
		r = gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE, keys->credentials);
	if (r < 0)
		return uvpi_fail(err, UVP_E_INTERNAL, 0, "cannot use TLS: %s", gnutls_strerror(r));
	gnutls_session_set_ptr(session->gnutls, session);
	gnutls_session_set_verify_function(session->gnutls, verify);
	if (server)
		gnutls_certificate_server_set_request(session->gnutls, GNUTLS_CERT_REQUIRE);
	gnutls_handshake_set_timeout(session->gnutls, GNUTLS_INDEFINITE_TIMEOUT); /* the deadlines are ours */
	gnutls_transport_set_int(session->gnutls, fd);
	return 0;
}

void tls_session_done(struct tls_session *session)
{
	if (session->gnutls)
		gnutls_deinit(session->gnutls);
	session->gnutls = NULL;
}

/* Until GnuTLS can go on. */
static int wait_ready(struct tls_session *session, int64_t deadline, struct uvp_error *err)
{
	for (;;) {
		struct pollfd p = { session->fd, gnutls_record_get_direction(session->gnutls) ? POLLOUT : POLLIN, 0 };
		int64_t left = deadline - uvpi_now_ms();
		int n;

		if (left <= 0) {
			session->verdict = TLS_SLOW;
			return uvpi_fail(err, UVP_E_TIMEOUT, 0, "it does not answer in time");
		}
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for the connection");
	}
}

static bool again(int64_t r)
{
	return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

/* ---- why not ---- */

static int alert_fail(const struct tls_session *session, struct uvp_error *err)
{
	gnutls_alert_description_t alert = gnutls_alert_get(session->gnutls);
	const char *name = gnutls_alert_get_name(alert);

	switch (alert) {
	case GNUTLS_A_UNKNOWN_CA:
		uvpi_fail(err, UVP_E_DENIED, 0, "it does not know this host's certificate");
		uvpi_hint(err, "'xlx migrate-setup' with its name makes the two hosts known to each other");
		return -UVP_E_DENIED;
	case GNUTLS_A_CERTIFICATE_EXPIRED:
		uvpi_fail(err, UVP_E_DENIED, 0, "it says that this host's certificate is not valid at this time");
		uvpi_hint(err, "'xlx migrate-setup --renew' with its name makes a new one; compare the two clocks, too");
		return -UVP_E_DENIED;
	case GNUTLS_A_PROTOCOL_VERSION:
	case GNUTLS_A_INSUFFICIENT_SECURITY:
	case GNUTLS_A_HANDSHAKE_FAILURE:
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it does not speak TLS 1.3 as uvp-migrated does");
	default:
		return uvpi_fail(err, UVP_E_DENIED, 0, "it refuses the connection: %s", name ? name : "no reason given");
	}
}

static int certificate_fail(const struct tls_session *session, struct uvp_error *err)
{
	int r;

	switch (session->verdict) {
	case TLS_EXPIRED:
		r = uvpi_fail(err, UVP_E_DENIED, 0, "its certificate has expired");
		uvpi_hint(err, "'xlx migrate-setup' with its name makes a new one there, and tells this host");
		return r;
	case TLS_TOO_EARLY:
		r = uvpi_fail(err, UVP_E_DENIED, 0, "its certificate is not valid yet");
		uvpi_hint(err, "compare the two clocks");
		return r;
	default:
		r = uvpi_fail(err, UVP_E_DENIED, 0, "it shows another certificate than the one that is known of it: this may be another machine");
		uvpi_hint(err, "if it was installed anew, 'xlx migrate-setup' with its name takes the new certificate");
		return r;
	}
}

int tls_session_fail(const struct tls_session *session, int r, struct uvp_error *err)
{
	switch (r) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return alert_fail(session, err);
	case GNUTLS_E_CERTIFICATE_ERROR:
		return certificate_fail(session, err);
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
		return uvpi_fail(err, UVP_E_IO, 0, "the connection broke");
	case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "it answers with something that is not TLS 1.3");
	default:
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "TLS: %s", gnutls_strerror(r));
	}
}

/* ---- greeting ---- */

/* With bytes unread, closing would throw away the alert at the other end. */
static void linger(const struct tls_session *session)
{
	int64_t deadline = uvpi_now_ms() + LINGER_MS;
	char buf[4096];

	shutdown(session->fd, SHUT_WR);
	for (size_t total = 0; total < LINGER_BYTES;) {
		struct pollfd p = { session->fd, POLLIN, 0 };
		int64_t left = deadline - uvpi_now_ms();
		ssize_t n = left > 0 && poll(&p, 1, (int)left) > 0 ? read(session->fd, buf, sizeof(buf)) : 0;

		if (n <= 0)
			return;
		total += (size_t)n;
	}
}

static void refuse(struct tls_session *session, int r)
{
	gnutls_alert_description_t alert = GNUTLS_A_UNKNOWN_CA;

	if (r == GNUTLS_E_CERTIFICATE_ERROR && (session->verdict == TLS_EXPIRED || session->verdict == TLS_TOO_EARLY))
		alert = GNUTLS_A_CERTIFICATE_EXPIRED;
	if (r == GNUTLS_E_CERTIFICATE_ERROR)
		gnutls_alert_send(session->gnutls, GNUTLS_AL_FATAL, alert);
	else
		gnutls_alert_send_appropriate(session->gnutls, r);
	linger(session);
}

int tls_session_greet(struct tls_session *session, int64_t deadline_ms, struct uvp_error *err)
{
	for (;;) {
		int r = gnutls_handshake(session->gnutls);

		if (r == 0)
			return 0;
		if (gnutls_error_is_fatal(r)) {
			refuse(session, r);
			if (r == GNUTLS_E_NO_CERTIFICATE_FOUND || r == GNUTLS_E_CERTIFICATE_REQUIRED)
				session->verdict = TLS_NONE;
			return tls_session_fail(session, r, err);
		}
		/* what is not fatal may come without end, and without anything to wait for */
		r = again(r) || uvpi_now_ms() >= deadline_ms ? wait_ready(session, deadline_ms, err) : 0;
		if (r < 0)
			return r;
	}
}

int tls_session_welcome(struct tls_session *session, int64_t deadline_ms, struct uvp_error *err)
{
	for (;;) {
		ssize_t n = gnutls_record_send(session->gnutls, WELCOME, sizeof(WELCOME) - 1);
		int r;

		if (n == sizeof(WELCOME) - 1)
			return 0;
		if (!again(n))
			return tls_session_fail(session, (int)n, err);
		r = wait_ready(session, deadline_ms, err);
		if (r < 0)
			return r;
	}
}

int tls_session_await_welcome(struct tls_session *session, int64_t deadline_ms, struct uvp_error *err)
{
	char buf[sizeof(WELCOME) - 1];

	for (size_t have = 0; have < sizeof(buf);) {
		ssize_t n = gnutls_record_recv(session->gnutls, buf + have, sizeof(buf) - have);
		int r;

		if (n > 0) {
			have += (size_t)n;
			continue;
		}
		if (n == 0)
			return uvpi_fail(err, UVP_E_IO, 0, "it hung up: see what uvp-migrated says there");
		if (gnutls_error_is_fatal((int)n))
			return tls_session_fail(session, (int)n, err);
		r = again(n) || uvpi_now_ms() >= deadline_ms ? wait_ready(session, deadline_ms, err) : 0;
		if (r < 0)
			return r;
	}
	if (memcmp(buf, WELCOME, sizeof(buf)) != 0)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "what listens there is not uvp-migrated of this release");
	return 0;
}
