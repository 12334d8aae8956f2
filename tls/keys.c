/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tls/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "migrate/known.h"

#define DAY (24 * 60 * 60)
#define VALID_DAYS 3650
#define RENEW_DAYS 30 /* before the end */

UVPI_DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);
UVPI_DEFINE_CLEANUP(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit);
#define _cleanup_crt_ UVPI_CLEANUP(gnutls_x509_crt_deinit)
#define _cleanup_privkey_ UVPI_CLEANUP(gnutls_x509_privkey_deinit)

static int failed(struct uvp_error *err, const char *what, int r)
{
	return uvpi_fail(err, r == GNUTLS_E_MEMORY_ERROR ? UVP_E_NO_MEMORY : UVP_E_INVALID, 0, "cannot %s: %s", what,
			 gnutls_strerror(r));
}

/* ---- files ---- */

static int read_fd(int fd, const char *path, char buf[TLS_PEM_MAX + 1], gnutls_datum_t *ret_text, struct uvp_error *err)
{
	size_t len = 0;

	while (len <= TLS_PEM_MAX) {
		ssize_t n = read(fd, buf + len, TLS_PEM_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > TLS_PEM_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' has more than %d bytes", path, TLS_PEM_MAX);
	*ret_text = (gnutls_datum_t){ (unsigned char *)buf, (unsigned int)len };
	return 0;
}

static int read_file(const char *path, char buf[TLS_PEM_MAX + 1], gnutls_datum_t *ret_text, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	return read_fd(fd, path, buf, ret_text, err);
}

static int host_path(char path[PATH_MAX], struct uvp_error *err)
{
	return uvpi_known_path(path, "host.pem", NULL) < 0 ?
		       uvpi_fail(err, UVP_E_INVALID, 0, "the folder of keys has too long a name") :
		       0;
}

/* ---- certificates ---- */

static int import(const gnutls_datum_t *text, const char *path, gnutls_x509_crt_t *ret_crt, struct uvp_error *err)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	int r = gnutls_x509_crt_init(&crt);

	if (r == 0)
		r = gnutls_x509_crt_import(crt, text, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no certificate: %s", path, gnutls_strerror(r));
	*ret_crt = uvpi_steal(&crt);
	return 0;
}

static int add_peer(struct tls_keys *keys, const char *name, const char *path, struct uvp_error *err)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	char buf[TLS_PEM_MAX + 1];
	struct tls_peer *more;
	gnutls_datum_t text;
	int r = read_file(path, buf, &text, err);

	if (r == 0)
		r = import(&text, path, &crt, err);
	if (r < 0)
		return r;
	more = reallocarray(keys->peers, keys->n_peers + 1, sizeof(*more));
	if (!more)
		return uvpi_no_memory(err);
	keys->peers = more;
	more += keys->n_peers;
	snprintf(more->name, sizeof(more->name), "%s", name);
	r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &more->der);
	if (r < 0)
		return failed(err, "take a certificate in", r);
	keys->n_peers++;
	return 0;
}

/* A file that is no certificate lets nobody in, and keeps nobody out. */
static int add_all(struct tls_keys *keys, struct uvp_error *err)
{
	char folder[PATH_MAX], path[PATH_MAX];
	_cleanup_closedir_ DIR *dir = NULL;

	if (uvpi_known_path(folder, "peers", NULL) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the folder of keys has too long a name");
	dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? 0 : uvpi_fail_errno(err, errno, "cannot look into '%s'", folder);
	for (struct dirent *entry; (entry = readdir(dir)) && keys->n_peers < TLS_PEERS_MAX;) {
		size_t len = strlen(entry->d_name);
		char name[TLS_NAME];

		if (len < 5 || len - 4 >= sizeof(name) || strcmp(entry->d_name + len - 4, ".pem") != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)len - 4, entry->d_name);
		if (uvpi_known_name_is_good(name) && uvpi_known_path(path, "peers", name) == 0)
			add_peer(keys, name, path, NULL);
	}
	return 0;
}

static int load_host(struct tls_keys *keys, struct uvp_error *err)
{
	char path[PATH_MAX], buf[TLS_PEM_MAX + 1];
	gnutls_datum_t text;
	int r = host_path(path, err);

	if (r == 0)
		r = read_file(path, buf, &text, err);
	if (r == 0) {
		r = gnutls_certificate_set_x509_key_mem(keys->credentials, &text, &text, GNUTLS_X509_FMT_PEM);
		r = r < 0 ? uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is no key with its certificate: %s", path, gnutls_strerror(r)) : 0;
	}
	explicit_bzero(buf, sizeof(buf));
	return r;
}

int tls_keys_load(struct tls_keys *keys, const char *name, struct uvp_error *err)
{
	char path[PATH_MAX];
	int r;

	*keys = (struct tls_keys){ NULL };
	r = gnutls_certificate_allocate_credentials(&keys->credentials);
	if (r < 0)
		return failed(err, "use TLS", r);
	r = load_host(keys, err);
	if (r < 0)
		return r;
	if (!name)
		return add_all(keys, err);
	if (!uvpi_known_name_is_good(name) || uvpi_known_path(path, "peers", name) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no host", name);
	return add_peer(keys, name, path, err);
}

void tls_keys_done(struct tls_keys *keys)
{
	for (size_t i = 0; i < keys->n_peers; i++)
		gnutls_free(keys->peers[i].der.data);
	free(keys->peers);
	if (keys->credentials)
		gnutls_certificate_free_credentials(keys->credentials);
}

enum tls_verdict tls_keys_look(const struct tls_keys *keys, const gnutls_datum_t *der, const char **ret_name)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	time_t now = time(NULL);

	for (size_t i = 0; i < keys->n_peers; i++) {
		const struct tls_peer *peer = &keys->peers[i];

		if (peer->der.size != der->size || memcmp(peer->der.data, der->data, der->size) != 0)
			continue;
		/* only one that root has put there is looked into */
		if (gnutls_x509_crt_init(&crt) < 0 || gnutls_x509_crt_import(crt, &peer->der, GNUTLS_X509_FMT_DER) < 0)
			return TLS_UNKNOWN;
		if (gnutls_x509_crt_get_expiration_time(crt) < now)
			return TLS_EXPIRED;
		/* a day, for clocks that differ */
		if (gnutls_x509_crt_get_activation_time(crt) > now + DAY)
			return TLS_TOO_EARLY;
		*ret_name = peer->name;
		return TLS_YES;
	}
	return TLS_UNKNOWN;
}

/* ---- making and showing ---- */

static int print(gnutls_x509_crt_t crt, bool made, struct uvp_error *err)
{
	time_t until = gnutls_x509_crt_get_expiration_time(crt);
	unsigned char digest[32];
	size_t size = sizeof(digest);
	gnutls_datum_t text;
	struct tm tm;
	int r = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &size);

	if (r == 0)
		r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text);
	if (r < 0)
		return failed(err, "show a certificate", r);
	fputs("sha256=", stdout);
	for (size_t i = 0; i < size; i++)
		printf("%02x", digest[i]);
	gmtime_r(&until, &tm);
	printf(" until=%04d-%02d-%02d%s\n%.*s", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, made ? " new" : "", (int)text.size,
	       (const char *)text.data);
	gnutls_free(text.data);
	return fflush(stdout) ? uvpi_fail_errno(err, errno, "cannot show a certificate") : 0;
}

int tls_keys_print(struct uvp_error *err)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	char buf[TLS_PEM_MAX + 1];
	gnutls_datum_t text;
	int r = read_fd(STDIN_FILENO, "standard input", buf, &text, err);

	if (r == 0)
		r = import(&text, "standard input", &crt, err);
	return r < 0 ? r : print(crt, false, err);
}

static int sign(const char *name, gnutls_x509_privkey_t key, gnutls_x509_crt_t crt)
{
	time_t now = time(NULL);
	unsigned char serial[16];
	int r = getrandom(serial, sizeof(serial), 0) == sizeof(serial) ? 0 : GNUTLS_E_RANDOM_FAILED;

	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and as long as it looks */
	if (r == 0)
		r = gnutls_x509_crt_set_version(crt, 3);
	if (r == 0)
		r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (r == 0)
		r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned int)strlen(name));
	if (r == 0)
		r = gnutls_x509_crt_set_activation_time(crt, now - DAY);
	if (r == 0)
		r = gnutls_x509_crt_set_expiration_time(crt, now + (time_t)VALID_DAYS * DAY);
	if (r == 0)
		r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r == 0)
		r = gnutls_x509_crt_set_key(crt, key);
	return r < 0 ? r : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA512, 0);
}

/* Aside, written out, renamed: key and certificate are in one file, so that one is never without the other. */
static int write_host(const char *path, gnutls_x509_privkey_t key, gnutls_x509_crt_t crt, struct uvp_error *err)
{
	gnutls_datum_t key_text = { NULL }, crt_text = { NULL };
	int r = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key_text);
	char both[2 * TLS_PEM_MAX];
	int len;

	if (r == 0)
		r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_text);
	if (r < 0) {
		r = failed(err, "write this host's key", r);
	} else {
		len = snprintf(both, sizeof(both), "%.*s%.*s", (int)key_text.size, (const char *)key_text.data, (int)crt_text.size,
			       (const char *)crt_text.data);
		r = uvpi_known_write(path, both, (size_t)len, err);
		explicit_bzero(both, sizeof(both));
	}
	if (key_text.data)
		gnutls_memset(key_text.data, 0, key_text.size);
	gnutls_free(key_text.data);
	gnutls_free(crt_text.data);
	return r;
}

static int make(const char *name, const char *path, gnutls_x509_crt_t *ret_crt, struct uvp_error *err)
{
	_cleanup_privkey_ gnutls_x509_privkey_t key = NULL;
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	int r = gnutls_x509_privkey_init(&key);

	if (r == 0)
		r = gnutls_x509_crt_init(&crt);
	if (r == 0)
		r = gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 0, 0);
	if (r == 0)
		r = sign(name, key, crt);
	if (r < 0)
		return failed(err, "make a key", r);
	r = write_host(path, key, crt, err);
	if (r == 0)
		*ret_crt = uvpi_steal(&crt);
	return r;
}

int tls_keys_make(const char *name, bool anew, struct uvp_error *err)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_close_ int lock = -1;
	char path[PATH_MAX], buf[TLS_PEM_MAX + 1];
	gnutls_datum_t text;
	int r = host_path(path, err);

	/* two at once must not tell two hosts two certificates */
	if (r == 0)
		r = uvpi_known_lock(&lock, err);
	if (r < 0)
		return r;
	if (!anew && access(path, F_OK) == 0) {
		r = read_file(path, buf, &text, err);
		if (r == 0)
			r = import(&text, path, &crt, err);
		explicit_bzero(buf, sizeof(buf));
		if (r < 0) {
			uvpi_hint(err, "'xlx migrate-setup --renew' with another host's name makes a new key");
			return r;
		}
		anew = gnutls_x509_crt_get_expiration_time(crt) < time(NULL) + RENEW_DAYS * DAY;
	} else {
		anew = true;
	}
	if (anew) {
		if (crt)
			gnutls_x509_crt_deinit(crt);
		crt = NULL;
		r = make(name, path, &crt, err);
	}
	return r < 0 ? r : print(crt, anew, err);
}
