/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/log.h"
#include "hostd/listen.h"
#include "migrate/known.h"
#include "migrated/migrated.h"

#define AT_ONCE 8 /* connections taken before anything else has its turn */

static const char usage[] = "usage: uvp-migrated [OPTION]...\n"
			    "Let hosts that 'xlx migrate-setup' has made known bring domains, over TLS.\n"
			    "\n"
			    "  -a, --listen ADDRESS:PORT  where, unless the service manager gives a socket (default [::]:" UVPI_TLS_PORT ")\n"
			    "  -l, --log-level LEVEL      error, warning, notice, info (default) or debug\n"
			    "  -h, --help                 show this help and exit\n"
			    "  -V, --version              show the version and exit\n";

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *data)
{
	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int connection = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);

		if (connection < 0)
			break; /* none, or it has gone already */
		migrated_connect(data, connection, &from);
	}
	return 0;
}

int migrated_listen(struct migrated *migrated, int fd, struct uvp_error *err)
{
	int r;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	r = sd_event_add_io(migrated->event, NULL, fd, EPOLLIN, on_connection, migrated);
	return r < 0 ? daemon_fail(err, r, "wait for connections") : 0;
}

static int stop(void *data)
{
	struct migrated *migrated = data;

	return sd_event_exit(migrated->event, 0);
}

/* -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, const char **ret_listen)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'a' }, { "log-level", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },	    { "version", no_argument, NULL, 'V' },
		{ NULL },
	};
	int level = DAEMON_INFO, c;

	while ((c = getopt_long(argc, argv, "a:l:hV", longs, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? usage : "uvp-migrated " PACKAGE_VERSION "\n", stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		if (c == 'a')
			*ret_listen = optarg;
		else if ((level = daemon_level_by_name(optarg)) < 0) {
			fprintf(stderr, "uvp-migrated: unknown log level '%s'\ntry 'uvp-migrated --help'\n", optarg);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "uvp-migrated: unexpected argument '%s'\ntry 'uvp-migrated --help'\n", argv[optind]);
		return 2;
	}
	daemon_log_open("uvp-migrated", (enum daemon_level)level);
	return -1;
}

static int listen_somewhere(struct migrated *migrated, const char *where, struct uvp_error *err)
{
	int given = sd_listen_fds(1), fd, r;
	struct hostd_address address;

	if (given > 0) {
		for (fd = SD_LISTEN_FDS_START, r = 0; r == 0 && fd < SD_LISTEN_FDS_START + given; fd++)
			r = migrated_listen(migrated, fd, err);
		return r;
	}
	r = hostd_listen_parse(where, "--listen", &address, err);
	if (r == 0 && !address.len)
		r = uvpi_fail(err, UVP_E_INVALID, 0, "--listen is 'off': then there is nothing to do");
	if (r == 0)
		r = hostd_listen_open(&address, &fd, err);
	if (r < 0) {
		uvpi_prefix(err, "'%.64s'", where);
		return r;
	}
	return migrated_listen(migrated, fd, err);
}

int main(int argc, char **argv)
{
	const char *where = "[::]:" UVPI_TLS_PORT;
	struct migrated migrated = { NULL };
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	umask(077);
	r = read_arguments(argc, argv, &where);
	if (r >= 0)
		return r;
	r = daemon_loop_new(stop, &migrated, &migrated.event, &err);
	if (r == 0)
		r = listen_somewhere(&migrated, where, &err);
	if (r == 0) {
		daemon_log(DAEMON_INFO, NULL, "started, version " PACKAGE_VERSION);
		daemon_notify(1, "waiting for hosts");
		r = sd_event_loop(migrated.event);
		if (r < 0)
			daemon_fail(&err, r, "run the event loop");
	}
	if (r < 0)
		daemon_log_failure(DAEMON_ERROR, NULL, &err);
	migrated_done(&migrated);
	sd_event_unref(migrated.event);
	return r < 0 ? 1 : 0;
}
