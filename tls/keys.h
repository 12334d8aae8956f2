/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This host's key, and the certificates of those that it knows:
 *   /etc/uvp/tls/host.pem        key and self-signed certificate of this host, for root only
 *   /etc/uvp/tls/peers/NAME.pem  the certificate of another host: it may bring domains, and be connected to by that name
 * Nobody vouches for anybody: a certificate is known when it is, byte for byte, one that lies there. */
#ifndef TLS_KEYS_H
#define TLS_KEYS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <uvp/error.h>

#include "tls/word.h"

#define TLS_PEM_MAX 16384 /* bytes of a file */
#define TLS_PEERS_MAX 1024

struct tls_peer {
	char name[TLS_NAME];
	gnutls_datum_t der;
};

struct tls_keys {
	gnutls_certificate_credentials_t credentials;
	struct tls_peer *peers;
	size_t n_peers;
};

/* Own key, and the peer of that name, or all of them for NULL. */
int tls_keys_load(struct tls_keys *keys, const char *name, struct uvp_error *err);
void tls_keys_done(struct tls_keys *keys);

/* Whose certificate is it, and is it valid now? *ret_name stays in keys. */
enum tls_verdict tls_keys_look(const struct tls_keys *keys, const gnutls_datum_t *der, const char **ret_name);

/* Make host.pem when there is none, when it has expired or is about to, or when that is asked for; then print it as
 * tls_keys_print() does. */
int tls_keys_make(const char *name, bool anew, struct uvp_error *err);
/* A certificate from standard input: print a line "sha256=... until=YYYY-MM-DD", with " new" when it was made, and the certificate
 * alone. */
int tls_keys_print(struct uvp_error *err);

#endif
