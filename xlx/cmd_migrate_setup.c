/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx migrate-setup: keys on two hosts, and each known to the other, so that domains move between them over TLS. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "core/run.h"
#include "migrate/known.h"
#include "migrate/link.h"
#include "xlx/cmd.h"

#define REMOTE_MS 120000
#define SAID_MAX 32768
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"
#define NEW "this key is new, and others know the old one"

/* What the other host calls this one. */
static int own_name(const struct xlx_args *args, char name[64])
{
	const char *given = xlx_value(args, "name");
	struct uvpi_tls_host host;
	char text[HOST_NAME_MAX + 1] = "";

	gethostname(text, sizeof(text) - 1);
	if (given)
		snprintf(text, sizeof(text), "%.63s", given);
	if (!uvpi_tls_host_parse(text, &host) || strcmp(host.name, text) != 0)
		return xlx_usage(args, "'%.60s' cannot be the name of this host: give another one with --name", given ? given : text);
	memcpy(name, host.name, 64);
	return 0;
}

/* [USER@]HOST: the user is for ssh. */
static bool parse_host(const char *text, struct uvpi_tls_host *ret_host)
{
	const char *at = strchr(text, '@');

	return *text != '-' && uvpi_tls_host_parse(at ? at + 1 : text, ret_host);
}

/* ---- the other side ---- */

static int accept_peer(const struct xlx_args *args, const char *peer)
{
	_cleanup_free_ char *text = malloc(SAID_MAX);
	struct uvpi_known own = { "" }, known = { "" };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_tls_host host;
	char name[64];
	size_t len;
	int status = own_name(args, name);

	if (status)
		return status;
	if (!text || !uvpi_tls_host_parse(peer, &host) || strcmp(host.name, peer) != 0)
		return xlx_usage(args, "'%.60s' is no host", peer);
	if (isatty(STDIN_FILENO)) {
		uvpi_fail(&err, UVP_E_INVALID, 0, "--accept is not for people: 'xlx migrate-setup' on the other host runs it");
		return xlx_fail(&err);
	}
	len = fread(text, 1, SAID_MAX, stdin);
	if (uvpi_known_own(name, xlx_has(args, "renew"), &own, &err) < 0 || uvpi_known_add(host.name, text, len, &known, &err) < 0)
		status = xlx_fail(&err);
	else
		printf("%s%s", own.pem, own.made && uvpi_known_others(host.name) ? NEW "\n" : "");
	free(own.pem);
	free(known.pem);
	return status;
}

/* ---- this side ---- */

/* The certificate stands among what ssh has to say, with blanks for the ends of lines. */
static char *find_certificate(char *said)
{
	char *begin = strstr(said, BEGIN), *end = begin ? strstr(begin, END) : NULL;

	if (!end)
		return NULL;
	for (char *p = begin + strlen(BEGIN); p < end; p++)
		if (*p == ' ')
			*p = '\n';
	end[strlen(END)] = '\0';
	return begin;
}

static int ask(const char *ssh_host, const char *name, const struct uvpi_known *own, char *said, struct uvp_error *err)
{
	_cleanup_close_ int in = -1;
	char ssh[PATH_MAX], remote[160], path[] = "/tmp/uvp-setup-XXXXXX";
	char *argv[] = { ssh, (char[]){ "-oBatchMode=yes" }, (char[]){ "-T" }, (char[]){ "--" }, (char *)(uintptr_t)ssh_host, remote, NULL };
	int r;

	if (!uvpi_find_program("ssh", ssh, sizeof(ssh)))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no ssh here to reach host '%.60s' with", ssh_host);
	snprintf(remote, sizeof(remote), "xlx migrate-setup --accept %.63s", name);
	in = mkostemp(path, O_CLOEXEC);
	if (in >= 0)
		unlink(path);
	if (in < 0 || write(in, own->pem, strlen(own->pem)) != (ssize_t)strlen(own->pem) || lseek(in, 0, SEEK_SET) < 0)
		return uvpi_fail_errno(err, errno, "cannot write this host's certificate");
	r = uvpi_run_fed(argv, environ, in, uvpi_now_ms() + REMOTE_MS, xlx_cancel_fd(), said, SAID_MAX, err);
	if (r <= 0)
		return r;
	r = uvpi_fail(err, UVP_E_IO, 0, "cannot make this host known to '%.60s': %.300s", ssh_host, *said ? said : "ssh failed");
	uvpi_hint(err, "try 'ssh %.60s xlx info': migrate-setup needs that once", ssh_host);
	return r;
}

/* Everything but the network is there now; a listener that does not run is no reason to fail. */
static void try_it(const char *name)
{
	struct uvpi_link *link = calloc(1, sizeof(*link));
	struct uvp_migrate how = UVP_MIGRATE_INIT;
	struct uvp_error err = UVP_ERROR_INIT;
	char url[80];

	if (!link)
		return;
	snprintf(url, sizeof(url), "tls://%s", name);
	how.host = url;
	if (uvpi_link_open(link, &how, NULL, &err) < 0) {
		xlx_warn("%s", err.message);
		if (*err.hint)
			fprintf(stderr, "hint: %s\n", err.hint);
	}
	uvpi_link_close(link);
	free(link);
}

static void warn_of_new(const char *whose, const char *where)
{
	xlx_warn("%s has a new key, and other hosts know the old one: run 'xlx migrate-setup'%s for each of them, too", whose, where);
}

static int exchange(const char *ssh_host, const char *name, const char *peer, const struct uvpi_known *own, struct uvpi_known *ret_peer,
		    struct uvp_error *err)
{
	_cleanup_free_ char *said = malloc(SAID_MAX);
	const char *certificate;
	char whose[80];
	bool is_new;
	int r;

	if (!said)
		return uvpi_no_memory(err);
	r = ask(ssh_host, name, own, said, err);
	if (r < 0)
		return r;
	is_new = strstr(said, NEW);
	certificate = find_certificate(said);
	if (!certificate)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "host '%.60s' sent no certificate: '%.200s'", ssh_host, said);
	if (is_new) {
		snprintf(whose, sizeof(whose), "'%s'", peer);
		warn_of_new(whose, " there");
	}
	return uvpi_known_add(peer, certificate, strlen(certificate), ret_peer, err);
}

static int set_up(const struct xlx_args *args, const char *ssh_host)
{
	struct uvpi_known own = { "" }, known = { "" };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_tls_host host;
	char name[64];
	int r, status = own_name(args, name);

	if (status)
		return status;
	if (!parse_host(ssh_host, &host))
		return xlx_usage(args, "'%.60s' is no host", ssh_host);
	r = uvpi_known_own(name, xlx_has(args, "renew"), &own, &err);
	if (r == 0) {
		if (own.made && uvpi_known_others(host.name))
			warn_of_new("this host", "");
		r = exchange(ssh_host, name, host.name, &own, &known, &err);
		if (r < 0 && own.made && uvpi_known_has(host.name))
			uvpi_prefix(&err, "this host has a new key, which '%s' does not know yet", host.name);
	}
	if (r < 0) {
		status = xlx_fail(&err);
	} else {
		printf("this host is '%s', sha256 %.16s..., valid until %s\n", name, own.sha256, own.until);
		printf("'%s' is known here, sha256 %.16s..., valid until %s; it knows this host\n", host.name, known.sha256, known.until);
		fflush(stdout);
		try_it(host.name);
	}
	free(own.pem);
	free(known.pem);
	return status;
}

static int forget(const struct xlx_args *args, const char *text)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_tls_host host;

	if (xlx_has(args, "renew") || xlx_has(args, "name"))
		return xlx_usage(args, "--remove goes with no other option");
	if (!parse_host(text, &host))
		return xlx_usage(args, "'%.60s' is no host", text);
	if (uvpi_known_remove(host.name, &err) < 0)
		return xlx_fail(&err);
	printf("'%s' is not known here any more\n", host.name);
	return XLX_EXIT_OK;
}

static int run(const struct xlx_args *args)
{
	const char *accepted = xlx_value(args, "accept"), *host = xlx_arg(args, 0);

	if (accepted && host)
		return xlx_usage(args, "--accept takes the host's name, and there is no other argument");
	if (accepted && xlx_has(args, "remove"))
		return xlx_usage(args, "--accept and --remove exclude each other");
	if (accepted)
		return accept_peer(args, accepted);
	if (!host)
		return xlx_usage(args, "no host given");
	return xlx_has(args, "remove") ? forget(args, host) : set_up(args, host);
}

static const struct xlx_opt opts[] = {
	{ "accept", 0, "NAME", "take the certificate on standard input as that host's: xlx migrate-setup there runs it", XLX_VALUE },
	{ "name", 0, "NAME", "what the other host calls this one (default: its host name)", XLX_VALUE },
	{ "remove", 0, NULL, "HOST is not known here any more, and cannot bring domains", XLX_NO_VALUE },
	{ "renew", 0, NULL, "make a new key for this host", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_migrate_setup = {
	.name = "migrate-setup",
	.group = "Domains",
	.summary = "make keys, and another host known, to move domains over TLS",
	.args = "[HOST]",
	.max_args = 1,
	.opts = opts,
	.run = run,
};
