/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device models that end while their guest lives on: nobody but the guest would notice otherwise. The kernel tells when one
 * is started (it gets a folder) and when it ends; none is asked anything. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "device/disk_share.h"
#include "device/qdisk_server.h"
#include "dm/qemu.h"
#include "hostd/hostd.h"

/* Whoever destroys a domain ends its device model first, and removes the folder (xlx) or the domain (xl) soon after. One
 * that is paused is most likely about to be destroyed. */
#define LOOK_AFTER_US UINT64_C(2000000)
#define LOOK_PAUSED_US UINT64_C(30000000)

struct hostd_qemu {
	struct hostd *hostd;
	struct hostd_qemu *next;
	uint32_t domid;
	bool looked;
	sd_event_source *source; /* its end, then the timer */
	int fd;
};

static void forget(struct hostd_qemu *qemu)
{
	struct hostd_qemu **at = &qemu->hostd->qemus;

	while (*at != qemu)
		at = &(*at)->next;
	*at = qemu->next;
	sd_event_source_disable_unref(qemu->source);
	if (qemu->fd >= 0)
		close(qemu->fd);
	free(qemu);
}

static const char *name_of(const uint8_t uuid[16], struct uvpi_name_entry **ret_entries)
{
	int n = uvpi_name_list(ret_entries, NULL);

	for (int i = 0; i < n; i++)
		if (!memcmp((*ret_entries)[i].uuid, uuid, 16))
			return (*ret_entries)[i].name;
	return "?";
}

/* Domain 0's serves disks to any number of domains. */
static void tell_of_disks(void)
{
	char disks[600];

	if (!uvpi_disk_list_lost(NULL, disks, sizeof(disks)))
		return;
	daemon_log(DAEMON_ERROR, "Domain-0",
		   "the QEMU that served disks in its formats has ended; these get errors now: %s; restart those guests, or "
		   "detach the disks and attach them again",
		   disks);
}

static void tell(struct hostd_qemu *qemu, const struct uvpi_dominfo *info)
{
	_cleanup_free_ struct uvpi_name_entry *entries = NULL;
	char dir[128], words[330];
	const char *name = name_of(info->uuid, &entries);

	uvpi_qemu_last_words(uvpi_qemu_dir(qemu->domid, dir, sizeof(dir)), words, sizeof(words));
	daemon_log(DAEMON_ERROR, name,
		   "the device model of domain %" PRIu32 " '%s' has ended while the guest runs%s%s%s; its emulated devices and its "
		   "screen are dead, its PV disks and interfaces go on; shut it down or destroy it, and create it again",
		   qemu->domid, name, *words ? " (its last words: " : "", words, *words ? ")" : "");
}

static int follow(struct hostd *hostd, uint32_t domid);

static int on_look(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd_qemu *qemu = data;
	struct uvpi_dominfo info;
	int runs = uvpi_qemu_runs(qemu->domid, NULL);
	int r = uvpi_hyp_domain(qemu->hostd->hyp, qemu->domid, &info, NULL);

	/* It was being started when it was to be followed, or is another one for another domain with this id. */
	if (runs > 0)
		return follow(qemu->hostd, qemu->domid);
	if (r < 0 || info.shutdown || info.dying || runs < 0) {
		forget(qemu);
		return 0;
	}
	if (info.paused && !qemu->looked) {
		qemu->looked = true;
		r = sd_event_source_set_time_relative(source, LOOK_PAUSED_US);
		return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	if (qemu->domid == UVPI_QDISK_OWNER)
		tell_of_disks();
	else
		tell(qemu, &info);
	forget(qemu);
	return 0;
}

static int look_later(struct hostd_qemu *qemu)
{
	qemu->source = sd_event_source_disable_unref(qemu->source);
	return sd_event_add_time_relative(qemu->hostd->event, &qemu->source, CLOCK_MONOTONIC, LOOK_AFTER_US, 0, on_look,
					  qemu);
}

static int on_end(sd_event_source *source, int fd, uint32_t events, void *data)
{
	return look_later(data);
}

/* There may be one for this domain that was not seen before. */
static int follow(struct hostd *hostd, uint32_t domid)
{
	struct hostd_qemu *qemu = hostd->qemus;
	int r;

	while (qemu && qemu->domid != domid)
		qemu = qemu->next;
	if (qemu)
		forget(qemu);
	if (uvpi_qemu_runs(domid, NULL) < 0)
		return 0;
	qemu = calloc(1, sizeof(*qemu));
	if (!qemu)
		return -ENOMEM;
	qemu->hostd = hostd;
	qemu->domid = domid;
	qemu->next = hostd->qemus;
	hostd->qemus = qemu;
	qemu->fd = uvpi_qemu_open(domid);
	if (qemu->fd < 0)
		r = look_later(qemu);
	else
		r = sd_event_add_io(hostd->event, &qemu->source, qemu->fd, EPOLLIN, on_end, qemu);
	if (r >= 0 && qemu->fd >= 0)
		r = sd_event_source_set_enabled(qemu->source, SD_EVENT_ONESHOT);
	if (r < 0)
		forget(qemu);
	return r;
}

static int follow_all(struct hostd *hostd, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	uint32_t domid;
	int r = 0;

	while (dir && r >= 0 && (entry = readdir(dir)))
		if (uvpi_parse_u32(entry->d_name, "domain", UVPI_QDISK_OWNER, HOSTD_DOMIDS - 1, &domid, NULL) == 0)
			r = follow(hostd, domid);
	if (dir)
		closedir(dir);
	return r;
}

static int on_folder(sd_event_source *source, const struct inotify_event *event, void *data)
{
	struct hostd *hostd = data;
	uint32_t domid;
	char path[128];

	if (event->mask & IN_Q_OVERFLOW) {
		snprintf(path, sizeof(path), "%.100s/qemu", uvpi_run_dir());
		return follow_all(hostd, path);
	}
	if (!event->len || uvpi_parse_u32(event->name, "domain", UVPI_QDISK_OWNER, HOSTD_DOMIDS - 1, &domid, NULL) < 0)
		return 0;
	return follow(hostd, domid);
}

int hostd_qemu_start(struct hostd *hostd, struct uvp_error *err)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%.100s/qemu", uvpi_run_dir());
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", path);
	r = sd_event_add_inotify(hostd->event, &hostd->qemu_source, path, IN_ATTRIB | IN_ONLYDIR, on_folder, hostd);
	if (r >= 0)
		r = follow_all(hostd, path);
	return r < 0 ? daemon_fail(err, r, "watch the device models") : 0;
}

void hostd_qemu_stop(struct hostd *hostd)
{
	while (hostd->qemus)
		forget(hostd->qemus);
	sd_event_source_disable_unref(hostd->qemu_source);
}
