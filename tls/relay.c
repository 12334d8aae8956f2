/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes between a TLS session and a socket of this host. One piece at a time in each direction: whoever does not take
 * what there is holds up nobody but himself. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "tls/session.h"

#define PIECE 16384   /* what a record of TLS holds */
#define REST_MS 30000 /* for a client that has heard that nobody here takes anything any more */

struct piece {
	char bytes[PIECE];
	size_t at, len;
	bool ended; /* no more will come */
	bool told;  /* and the other side knows */
};

struct relay {
	struct tls_session *session;
	int plain;
	struct piece in, out; /* from the other host; to it */
	bool in_waits, out_waits; /* GnuTLS wants to read, or write, before it goes on */
	bool moved;
	int64_t deadline; /* 0: none */
};

static bool is_again(ssize_t r)
{
	return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

/* ---- to the other host ---- */

static int read_plain(struct relay *relay)
{
	struct piece *out = &relay->out;
	ssize_t n;

	if (out->len || out->ended)
		return 0;
	n = recv(relay->plain, out->bytes, sizeof(out->bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* a program that was killed with bytes unread ends like one that closed */
	out->ended = n <= 0;
	out->len = n > 0 ? (size_t)n : 0;
	out->at = 0;
	relay->moved = true;
	return 0;
}

static int write_tls(struct relay *relay)
{
	struct piece *out = &relay->out;
	ssize_t n;

	relay->out_waits = false;
	if (out->len) {
		n = gnutls_record_send(relay->session->gnutls, out->bytes + out->at, out->len);
		relay->out_waits = is_again(n);
		if (n < 0)
			return relay->out_waits ? 0 : (int)n;
		out->at += (size_t)n;
		out->len -= (size_t)n;
		relay->moved = true;
	}
	if (out->ended && !out->len && !out->told) {
		n = gnutls_bye(relay->session->gnutls, GNUTLS_SHUT_WR);
		relay->out_waits = is_again(n);
		out->told = !relay->out_waits;
		relay->moved |= out->told;
	}
	return 0;
}

/* ---- from it ---- */

static int read_tls(struct relay *relay)
{
	struct piece *in = &relay->in;
	ssize_t n;

	relay->in_waits = false;
	if (in->len || in->ended)
		return 0;
	n = gnutls_record_recv(relay->session->gnutls, in->bytes, sizeof(in->bytes));
	if (n == GNUTLS_E_REHANDSHAKE || n == GNUTLS_E_WARNING_ALERT_RECEIVED) {
		relay->moved = true; /* TLS 1.3 has neither; not an end, and there may be more */
		return 0;
	}
	relay->in_waits = is_again(n);
	if (n < 0)
		return relay->in_waits ? 0 : (int)n;
	in->ended = n == 0;
	in->len = (size_t)n;
	in->at = 0;
	relay->moved = true;
	return 0;
}

static void write_plain(struct relay *relay)
{
	struct piece *in = &relay->in;

	if (in->len) {
		ssize_t n = send(relay->plain, in->bytes + in->at, in->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* nobody reads any more: the rest is for nobody */
		n = n < 0 ? (ssize_t)in->len : n;
		in->at += (size_t)n;
		in->len -= (size_t)n;
		relay->moved = true;
	}
	if (in->ended && !in->len && !in->told) {
		shutdown(relay->plain, SHUT_WR);
		in->told = relay->moved = true;
	}
}

static void wait_for_any(struct relay *relay)
{
	int64_t left = relay->deadline ? relay->deadline - uvpi_now_ms() : -1;
	struct pollfd p[] = { { relay->session->fd, 0, 0 }, { relay->plain, 0, 0 } };

	if (relay->in_waits)
		p[0].events |= POLLIN;
	if (relay->out_waits)
		p[0].events |= POLLOUT;
	if (relay->in.len)
		p[1].events |= POLLOUT;
	if (!relay->out.len && !relay->out.ended)
		p[1].events |= POLLIN;
	/* one that has hung up, and of which nothing is awaited, would not let us sleep */
	if (!p[0].events)
		p[0].fd = -1;
	if (!p[1].events)
		p[1].fd = -1;
	if (left >= 0 || !relay->deadline)
		poll(p, 2, (int)left);
}

static int move(struct relay *relay)
{
	int r;

	relay->moved = false;
	r = read_tls(relay);
	if (r == 0) {
		write_plain(relay);
		r = read_plain(relay);
	}
	return r < 0 ? r : write_tls(relay);
}

int tls_relay(struct tls_session *session, int plain, bool client, struct uvp_error *err)
{
	_cleanup_free_ struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return uvpi_no_memory(err);
	relay->session = session;
	relay->plain = plain;
	for (;;) {
		int r = move(relay);

		if (r < 0)
			return tls_session_fail(session, r, err);
		if (relay->in.told && relay->out.told)
			return 0;
		/* The server hangs up when its receiver has ended, and nothing that is sent now is read by anybody: whoever sends
		 * must notice. */
		if (client && relay->in.told) {
			gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
			return 0;
		}
		if (relay->out.told && !client && !relay->deadline)
			relay->deadline = uvpi_now_ms() + REST_MS;
		if (relay->deadline && uvpi_now_ms() >= relay->deadline)
			return uvpi_fail(err, UVP_E_TIMEOUT, 0, "it goes on sending, and nobody here takes it");
		if (!relay->moved)
			wait_for_any(relay);
	}
}
