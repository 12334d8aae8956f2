/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uvp-hostd: acts when domains end. One process for the host, one loop; killed at any moment it harms no guest, and
 * finds everything again when it starts. */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "domain/hostd.h"
#include "hostd/hostd.h"

#define STOP_S 20
#define ORPHANS_MS 30000
#define FILES 65536

static const char usage[] = "usage: uvp-hostd [OPTION]...\n"
			    "Act when domains end: destroy, restart, keep or dump them as their configuration says.\n"
			    "\n"
			    "  -c, --config FILE      settings (default " HOSTD_CONF_PATH ")\n"
			    "  -s, --set KEY=VALUE    one setting, instead of the file's\n"
			    "  -l, --log-level LEVEL  error, warning, notice, info (default) or debug\n"
			    "  -h, --help             show this help and exit\n"
			    "  -V, --version          show the version and exit\n";

/* Whoever starts us with a closed descriptor 0, 1 or 2 must not find a socket of ours there. */
static void keep_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		/* not close-on-exec: children need them as much */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(1);
}

/* One for each HVM guest, five for each disk that is counted, and some for each job. Nothing here uses select(). */
static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES)
		return;
	limit.rlim_cur = limit.rlim_max < FILES ? limit.rlim_max : FILES;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		daemon_log(DAEMON_WARNING, NULL, "the limit of open files cannot be raised: %m");
}

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "uvp-hostd: %s '%s'\ntry 'uvp-hostd --help'\n", what, value);
	return 2;
}

/* What the command line asks for: -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, struct hostd_conf *conf, struct uvp_error *err)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },  { "set", required_argument, NULL, 's' },
		{ "log-level", required_argument, NULL, 'l' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },         { NULL },
	};
	const char *path = NULL;
	int level = DAEMON_INFO, c, r;

	while ((c = getopt_long(argc, argv, "c:s:l:hV", longs, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? usage : "uvp-hostd " PACKAGE_VERSION "\n", stdout);
			return 0;
		}
		if (c == 'c')
			path = optarg;
		else if (c == 'l' && (level = daemon_level_by_name(optarg)) < 0)
			return wrong("unknown log level", optarg);
		else if (c == '?')
			return 2;
	}
	if (optind < argc)
		return wrong("unexpected argument", argv[optind]);
	daemon_log_open("uvp-hostd", (enum daemon_level)level);
	r = hostd_conf_read(conf, path ? path : HOSTD_CONF_PATH, path != NULL, err);
	optind = 1;
	while (r >= 0 && (c = getopt_long(argc, argv, "c:s:l:hV", longs, NULL)) != -1)
		if (c == 's')
			r = hostd_conf_set(conf, optarg, err);
	if (r >= 0)
		return -1;
	daemon_log_failure(DAEMON_ERROR, NULL, err);
	return 1;
}

static int on_give_up(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd *hostd = data;

	daemon_log(DAEMON_WARNING, NULL, "stopping with %u jobs not done; the next uvp-hostd finishes them",
		   hostd->running);
	return sd_event_exit(hostd->event, 0);
}

/* No new jobs; those that run may end. */
static int stop(void *data)
{
	struct hostd *hostd = data;

	if (hostd->stopping || !hostd->running)
		return sd_event_exit(hostd->event, 0);
	hostd->stopping = true;
	daemon_notify(0, "stopping");
	daemon_log(DAEMON_INFO, NULL, "stopping when %u jobs are done", hostd->running);
	return sd_event_add_time_relative(hostd->event, &hostd->give_up, CLOCK_MONOTONIC, (uint64_t)STOP_S * 1000000, 0,
					  on_give_up, hostd);
}

static int run(struct hostd *hostd, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = uvpi_hostd_lock(ORPHANS_MS, &lock, err);

	if (r >= 0)
		r = daemon_loop_new(stop, hostd, &hostd->event, err);
	if (r < 0)
		return r;
	raise_files();
	daemon_log_events();
	hostd_dump_clean(&hostd->conf);
	r = hostd_watch_start(hostd, err);
	if (r >= 0)
		r = hostd_qemu_start(hostd, err);
	if (r < 0)
		return r;
	hostd_sample_start(hostd);
	hostd_pool_start(hostd);
	daemon_log(DAEMON_INFO, NULL, "started, version " PACKAGE_VERSION);
	daemon_notify(1, hostd->store ? "watching" : "waiting for xenstored");
	r = sd_event_loop(hostd->event);
	if (r < 0)
		return daemon_fail(err, r, "run the event loop");
	daemon_log(DAEMON_INFO, NULL, "stopped");
	return 0;
}

static void done(struct hostd *hostd)
{
	while (hostd->tasks)
		hostd_task_free(hostd->tasks);
	hostd_sample_stop(hostd);
	hostd_pool_stop(hostd);
	hostd_qemu_stop(hostd);
	hostd_watch_stop(hostd);
	sd_event_source_disable_unref(hostd->give_up);
	sd_event_unref(hostd->event);
}

int main(int argc, char **argv)
{
	static struct hostd hostd;
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	keep_standard_fds();
	umask(077);
	daemon_log_open("uvp-hostd", DAEMON_INFO);
	hostd.queue_tail = &hostd.queue;
	hostd.kept = -1;
	hostd_conf_init(&hostd.conf);
	r = read_arguments(argc, argv, &hostd.conf, &err);
	if (r >= 0)
		return r;
	r = run(&hostd, &err);
	if (r < 0)
		daemon_log_failure(DAEMON_ERROR, NULL, &err);
	done(&hostd);
	return r < 0 ? 1 : 0;
}
