/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cores of domains that crashed. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "core/error.h"
#include "core/host.h"
#include "daemon/log.h"
#include "hostd/work.h"

#define PART ".part"

static int check_space(const struct hostd_conf *conf, const struct uvpi_dominfo *info, const char *name,
		       struct uvp_error *err)
{
	struct statvfs fs;
	/* the file's own tables are a fraction of a per cent of the pages */
	uint64_t need = info->pages * 4096 + info->pages * 4096 / 100 + (1 << 20), have;

	if (statvfs(conf->dump_dir, &fs))
		return uvpi_fail_errno(err, errno, "cannot see how much is free in '%s'", conf->dump_dir);
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (have >= need && have - need >= conf->dump_free)
		return 0;
	uvpi_fail(err, UVP_E_NO_SPACE, 0,
		  "domain %" PRIu32 " '%s' is not dumped: that takes %" PRIu64 " MiB and must leave %" PRIu64
		  " MiB free in '%s', where %" PRIu64 " MiB are free",
		  info->domid, name, need >> 20, conf->dump_free >> 20, conf->dump_dir, have >> 20);
	uvpi_hint(err, "remove old dumps there, or change dump_dir or dump_free in " HOSTD_CONF_PATH);
	return -UVP_E_NO_SPACE;
}

int hostd_dump(struct hostd_work *work, const struct uvpi_dominfo *info, const char *name, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], part[PATH_MAX + sizeof(PART)], stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	int r = hostd_make_folder(work->conf->dump_dir, err);

	if (r >= 0)
		r = check_space(work->conf, info, name, err);
	if (r < 0)
		return r;
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	if (snprintf(path, sizeof(path), "%s/%s-%s.core", work->conf->dump_dir, name, stamp) >= (int)sizeof(path))
		return uvpi_fail(err, UVP_E_INVALID, 0, "the folder's name is too long: '%s'", work->conf->dump_dir);
	snprintf(part, sizeof(part), "%s" PART, path);
	fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", part);
	daemon_log(DAEMON_INFO, name, "dumping domain %" PRIu32 " '%s' to '%s'", info->domid, name, path);
	r = uvpi_hyp_dump_core(work->host->hyp, info->domid, fd, -1, NULL, NULL, err);
	if (r >= 0 && (fsync(fd) || rename(part, path)))
		r = uvpi_fail_errno(err, errno, "cannot write '%s'", path);
	if (r < 0) {
		unlink(part);
		uvpi_prefix(err, "domain %" PRIu32 " '%s' is not dumped", info->domid, name);
		return r;
	}
	daemon_log(DAEMON_NOTICE, name, "domain %" PRIu32 " '%s' was dumped to '%s'", info->domid, name, path);
	return 0;
}

void hostd_dump_clean(const struct hostd_conf *conf)
{
	DIR *dir = opendir(conf->dump_dir);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len > strlen(".core" PART) && !strcmp(entry->d_name + len - strlen(".core" PART), ".core" PART))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}
