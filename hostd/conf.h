/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's settings: hostd.conf(5) in uvp-hostd(8). */
#ifndef HOSTD_CONF_H
#define HOSTD_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "hostd/decide.h"

#define HOSTD_METRICS_LISTEN "localhost:9709"
#define HOSTD_CONF_PATH "/etc/uvp/hostd.conf"

struct hostd_conf {
	struct hostd_limit limit;
	uint32_t jobs;           /* children at a time */
	uint32_t tries;          /* of a restart, before it is given up */
	uint64_t dump_free;      /* bytes that a dump must leave free */
	char dump_dir[PATH_MAX];
	char failed_dir[PATH_MAX];
	bool history;
	int64_t history_interval_s;
	uint64_t history_size;   /* bytes of each of its two files */
	char history_dir[PATH_MAX];
	char metrics_listen[128];
};

void hostd_conf_init(struct hostd_conf *conf);
/* One "key=value"; blanks around both are fine. */
int hostd_conf_set(struct hostd_conf *conf, const char *line, struct uvp_error *err);
/* Lines of that kind, empty ones and comments (#). The message starts with file:line. A file that is not there is fine
 * unless it must_exist. */
int hostd_conf_read(struct hostd_conf *conf, const char *path, bool must_exist, struct uvp_error *err);

#endif
