/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMUs count of the disks that they emulate: BIOS and guests without PV drivers use those past the kernel's back ends.
 * Each QEMU is asked, and one that does not answer at once keeps its last counts and is left alone for a while. No connection
 * that is served outlives a sample: a QEMU has one client at a time, and others want something of it. One that waits in its queue
 * is closed in one direction, so that it takes no time when its turn comes, and that it is still there tells that somebody else
 * has the QEMU: no other is added to it, for the queue is short. */
#include "domain/stats.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "dm/dm.h"
#include "dm/qemu.h"
#include "qmp/frame.h"

#define WAIT_MS 20        /* for all answers of a sample */
#define WAIT_FIRST_MS 200 /* of the first one, which all later ones are compared with */
#define LATE_REST_MS 3000 /* of one that did not answer in time; each time in a row twice as long */
#define REST_MS 30000     /* at most, and of one that answered wrong */
#define QUESTION "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"query-blockstats\",\"id\":\"uvp-stats\"}\n"
#define ANSWERS_MAX 64  /* messages of one connection */

struct qemu {
	uint32_t domid;
	bool seen;
	bool older;   /* than this handle: what it counted before is no news */
	bool missing; /* there was a sample without it */
	int fd;     /* -1: it is not being asked */
	int queued; /* of a sample before, until QEMU has looked at it; or -1 */
	int answers;
	unsigned int late; /* times in a row */
	struct qmp_frame *frame;
	int64_t rest_ms; /* until when it is left alone */
	size_t n_drives;
	struct uvpi_drive drives[UVPI_DRIVES_MAX]; /* the most that it has told of each */
	struct uvpi_drive first[UVPI_DRIVES_MAX];  /* of an older one that was missing: what it told first */
};

struct uvpi_qemus {
	struct qemu *list; /* by domain */
	size_t n;
};

/* ---- the answer ---- */

static uint64_t count_of(const struct qmp_value *stats, const char *key)
{
	int64_t number;

	return qmp_value_i64(stats, key, &number) && number > 0 ? (uint64_t)number : 0;
}

/* Ours are called "ide-NUMBER", whatever bus they are on, and there are not many that the machine has a place for. */
static bool read_drive(const struct qmp_value *value, struct uvpi_drive *drive)
{
	const struct qmp_value *stats = qmp_value_get(value, "stats");
	const char *name = qmp_value_str(value, "device");
	struct uvpi_disk disk = { .cdrom = false };
	unsigned int number;

	if (!name || strncmp(name, "ide-", 4) != 0 || !qmp_value_is_object(stats) ||
	    uvpi_parse_u32(name + 4, "drive", 0, UINT32_MAX, &drive->devid, NULL) < 0)
		return false;
	disk.devid = drive->devid;
	if (uvpi_dm_place(&disk, true, &number) == UVPI_BUS_NONE)
		return false;
	drive->reads = count_of(stats, "rd_operations");
	drive->writes = count_of(stats, "wr_operations");
	drive->read_bytes = count_of(stats, "rd_bytes");
	drive->write_bytes = count_of(stats, "wr_bytes");
	return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A guest unplugs emulated disks, and a QEMU may say anything: counters do not go back for that. */
static void keep_drive(const struct uvpi_drive *told, struct uvpi_drive drives[UVPI_DRIVES_MAX], size_t *n)
{
	struct uvpi_drive *drive = drives;

	while (drive < drives + *n && drive->devid != told->devid)
		drive++;
	if (drive == drives + UVPI_DRIVES_MAX)
		return;
	if (drive == drives + *n)
		drives[(*n)++] = *told;
	drive->reads = larger(drive->reads, told->reads);
	drive->writes = larger(drive->writes, told->writes);
	drive->read_bytes = larger(drive->read_bytes, told->read_bytes);
	drive->write_bytes = larger(drive->write_bytes, told->write_bytes);
}

bool uvpi_drives_read(const struct qmp_value *message, struct uvpi_drive drives[UVPI_DRIVES_MAX], size_t *n)
{
	const struct qmp_value *list = qmp_value_get(message, "return");
	const char *id = qmp_value_str(message, "id");
	struct uvpi_drive told;

	if (!id || strcmp(id, "uvp-stats") != 0 || !list || qmp_value_is_object(list))
		return false;
	for (size_t i = 0; i < qmp_value_count(list); i++)
		if (read_drive(qmp_value_at(list, i), &told))
			keep_drive(&told, drives, n);
	return true;
}

/* ---- one QEMU ---- */

static void hang_up(struct qemu *qemu, int64_t rest_ms)
{
	if (qemu->fd >= 0)
		close(qemu->fd);
	qemu->fd = -1;
	qmp_frame_free(qemu->frame);
	qemu->frame = NULL;
	qemu->rest_ms = rest_ms;
}

/* It keeps its last counts; when there are none yet, some samples are without it. */
static void go_without(struct qemu *qemu, int64_t now_ms)
{
	int64_t rest = (int64_t)LATE_REST_MS << qemu->late;

	qemu->missing |= !qemu->n_drives;
	if (rest < REST_MS)
		qemu->late++;
	hang_up(qemu, now_ms + (rest < REST_MS ? rest : REST_MS));
}

/* Nobody took it in time. */
static void give_up(struct qemu *qemu, int64_t now_ms)
{
	if (shutdown(qemu->fd, SHUT_WR) == 0) {
		qemu->queued = qemu->fd;
		qemu->fd = -1;
	}
	go_without(qemu, now_ms);
}

/* QEMU closes it when it has read to its end. */
static bool waits_in_queue(struct qemu *qemu)
{
	struct pollfd pfd = { .fd = qemu->queued };

	if (qemu->queued < 0)
		return false;
	if (poll(&pfd, 1, 0) == 0)
		return true;
	close(qemu->queued);
	qemu->queued = -1;
	return false;
}

static void ask(struct qemu *qemu, int64_t now_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[128];

	if (waits_in_queue(qemu)) {
		qemu->missing |= !qemu->n_drives;
		return;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%.96s/qmp", uvpi_qemu_dir(qemu->domid, dir, sizeof(dir)));
	qemu->answers = 0;
	qemu->frame = qmp_frame_new();
	qemu->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!qemu->frame || qemu->fd < 0 || connect(qemu->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(qemu->fd, QUESTION, strlen(QUESTION), MSG_NOSIGNAL) != (ssize_t)strlen(QUESTION))
		go_without(qemu, now_ms);
}

/* 1: the answer was among it, 0: more must come, -1: this leads to nothing. */
static int feed(struct qemu *qemu, const char *data, size_t len)
{
	while (len) {
		_cleanup_value_ struct qmp_value *message = NULL;
		size_t used, had;
		int r = qmp_frame_feed(qemu->frame, data, len, &used, &message, NULL);

		if (r <= 0)
			return r;
		had = qemu->n_drives;
		if (uvpi_drives_read(message, qemu->drives, &qemu->n_drives)) {
			if (qemu->older && qemu->missing)
				memcpy(qemu->first + had, qemu->drives + had, (qemu->n_drives - had) * sizeof(*qemu->first));
			qemu->missing = false;
			return 1;
		}
		if (++qemu->answers == ANSWERS_MAX)
			return -1;
		data += used;
		len -= used;
	}
	return 0;
}

static void take_answer(struct qemu *qemu, int64_t now_ms)
{
	char data[16384];
	ssize_t n = recv(qemu->fd, data, sizeof(data), 0);
	int r = n > 0 ? feed(qemu, data, (size_t)n) : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;

	if (r > 0) {
		qemu->late = 0;
		hang_up(qemu, 0);
	}
	if (r < 0) {
		go_without(qemu, now_ms);
		qemu->rest_ms = now_ms + REST_MS;
	}
}

static void forget(struct qemu *qemu)
{
	hang_up(qemu, 0);
	if (qemu->queued >= 0)
		close(qemu->queued);
	qemu->queued = -1;
}

/* ---- all of them ---- */

void uvpi_qemus_free(struct uvpi_qemus *qemus)
{
	if (!qemus)
		return;
	for (size_t i = 0; i < qemus->n; i++)
		forget(&qemus->list[i]);
	free(qemus->list);
	free(qemus);
}

static struct qemu *find(struct uvpi_qemus *qemus, uint32_t domid)
{
	for (size_t i = 0; i < qemus->n; i++)
		if (qemus->list[i].domid == domid)
			return &qemus->list[i];
	return NULL;
}

static int add(struct uvpi_qemus *qemus, uint32_t domid, bool older)
{
	struct qemu *qemu = find(qemus, domid), *more;

	if (!qemu) {
		more = reallocarray(qemus->list, qemus->n + 1, sizeof(*more));
		if (!more)
			return -1;
		qemus->list = more;
		qemu = &more[qemus->n++];
		*qemu = (struct qemu){ .domid = domid, .older = older, .fd = -1, .queued = -1 };
	}
	qemu->seen = true;
	return 0;
}

/* Each has a folder; that of the disk server is no domain's. */
static int look_for_changes(struct uvpi_qemus *qemus, bool first, struct uvp_error *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	char path[128];
	size_t kept = 0;
	uint32_t domid;

	snprintf(path, sizeof(path), "%.100s/qemu", uvpi_run_dir());
	dir = opendir(path);
	for (size_t i = 0; i < qemus->n; i++)
		qemus->list[i].seen = false;
	while (dir && (entry = readdir(dir)))
		if (uvpi_parse_u32(entry->d_name, "domain", 1, UINT16_MAX, &domid, NULL) == 0 && add(qemus, domid, first) < 0)
			return uvpi_no_memory(err);
	for (size_t i = 0; i < qemus->n; i++) {
		if (qemus->list[i].seen)
			qemus->list[kept++] = qemus->list[i];
		else
			forget(&qemus->list[i]);
	}
	qemus->n = kept;
	return 0;
}

/* Those that answer in time are in this sample. */
static int collect(struct uvpi_qemus *qemus, int64_t until, struct uvp_error *err)
{
	struct pollfd *fds = calloc(qemus->n + 1, sizeof(*fds));
	int64_t now = uvpi_now_ms();
	bool waits = fds;

	while (waits && now < until) {
		waits = false;
		for (size_t i = 0; i < qemus->n; i++) {
			fds[i] = (struct pollfd){ .fd = qemus->list[i].fd, .events = POLLIN };
			waits |= fds[i].fd >= 0;
		}
		if (!waits || poll(fds, qemus->n, (int)(until - now)) <= 0)
			break;
		now = uvpi_now_ms();
		for (size_t i = 0; i < qemus->n; i++)
			if (fds[i].revents)
				take_answer(&qemus->list[i], now);
	}
	for (size_t i = 0; i < qemus->n; i++)
		if (qemus->list[i].fd >= 0)
			give_up(&qemus->list[i], uvpi_now_ms());
	if (!fds)
		return uvpi_no_memory(err);
	free(fds);
	return 0;
}

/* ---- into the sample ---- */

static struct uvp_stats_device *disk_of(struct uvp_stats *stats, uint32_t domid, uint32_t devid)
{
	for (size_t i = 0; i < stats->n_devices; i++)
		if (stats->devices[i].disk && stats->devices[i].domid == domid && stats->devices[i].devid == devid)
			return &stats->devices[i];
	return NULL;
}

/* What went through the kernel and what went past it are both the guest's. A CD-ROM drive is QEMU's alone. */
static int merge(const struct qemu *qemu, struct uvp_stats *stats, struct uvp_error *err)
{
	for (size_t i = 0; i < qemu->n_drives; i++) {
		const struct uvpi_drive *drive = &qemu->drives[i], *first = &qemu->first[i];
		struct uvp_stats_device *device = disk_of(stats, qemu->domid, drive->devid), *more;

		if (!device) {
			more = reallocarray(stats->devices, stats->n_devices + 1, sizeof(*more));
			if (!more)
				return uvpi_no_memory(err);
			stats->devices = more;
			device = &more[stats->n_devices++];
			*device = (struct uvp_stats_device){ .domid = qemu->domid, .devid = drive->devid, .disk = true };
			uvpi_vdev_name(drive->devid, device->name, sizeof(device->name));
		}
		device->reads += drive->reads - first->reads;
		device->writes += drive->writes - first->writes;
		device->read_bytes += drive->read_bytes - first->read_bytes;
		device->write_bytes += drive->write_bytes - first->write_bytes;
	}
	return 0;
}

static int by_domain(const void *a, const void *b)
{
	const struct uvp_stats_device *left = a, *right = b;

	if (left->domid != right->domid)
		return left->domid < right->domid ? -1 : 1;
	if (left->disk != right->disk)
		return left->disk ? -1 : 1;
	return (left->devid > right->devid) - (left->devid < right->devid);
}

int uvpi_stats_qemus(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err)
{
	struct uvpi_qemus *qemus = host->qemus ? host->qemus : calloc(1, sizeof(*qemus));
	bool first = !host->qemus;
	int64_t now = uvpi_now_ms(), until = now + (first ? WAIT_FIRST_MS : WAIT_MS);
	int r;

	host->qemus = qemus;
	r = qemus ? look_for_changes(qemus, first, err) : uvpi_no_memory(err);
	if (r < 0 || !qemus->n)
		return r;
	for (size_t i = 0; i < qemus->n; i++)
		if (now >= qemus->list[i].rest_ms)
			ask(&qemus->list[i], now);
	r = collect(qemus, until, err);
	for (size_t i = 0; r == 0 && i < qemus->n; i++)
		r = merge(&qemus->list[i], stats, err);
	qsort(stats->devices, stats->n_devices, sizeof(*stats->devices), by_domain);
	return r;
}
