/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and network interfaces of all guests, from the kernel's back ends. What a sample costs is system calls: files of disks
 * stay open, so that each is one call, and one text has the counts of all interfaces. */
#include "domain/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"

#define BACKENDS "/sys/bus/xen-backend/devices"
#define SECTOR 512
#define FILES 5 /* of a disk */
#define NET_TEXT_FIRST 16384
#define TWIN "-emu" /* what QEMU's tap device is called more than the interface */

static const char *const disk_files[FILES] = { "rd_req", "wr_req", "rd_sect", "wr_sect", "oo_req" };

struct backend {
	uint32_t domid, devid;
	bool disk, seen, counted;
	bool custom; /* an interface that is not called vifDOMAIN.DEVICE */
	int fds[FILES]; /* -1: not open; of an interface none is */
	uint64_t last[FILES];
	char name[32];  /* "" until it is known */
	struct uvpi_twin twin;
	struct uvp_stats_device told; /* of an interface: its counts when it was found last */
};

struct uvpi_backends {
	struct backend *list; /* by domain, disks first, then number */
	size_t n;
	int open, most; /* files that are open, and may be */
	bool custom;    /* was there ever an interface with a name of its own? */
	char *net;      /* /proc/net/dev */
	size_t net_size;
};

/* ---- what is known ---- */

static int compare(const void *a, const void *b)
{
	const struct backend *left = a, *right = b;

	if (left->domid != right->domid)
		return left->domid < right->domid ? -1 : 1;
	if (left->disk != right->disk)
		return left->disk ? -1 : 1;
	return (left->devid > right->devid) - (left->devid < right->devid);
}

static void close_files(struct uvpi_backends *backends, struct backend *backend)
{
	for (int i = 0; i < FILES; i++) {
		if (backend->fds[i] < 0)
			continue;
		close(backend->fds[i]);
		backend->fds[i] = -1;
		backends->open--;
	}
}

void uvpi_backends_free(struct uvpi_backends *backends)
{
	if (!backends)
		return;
	for (size_t i = 0; i < backends->n; i++)
		close_files(backends, &backends->list[i]);
	free(backends->list);
	free(backends->net);
	free(backends);
}

static struct uvpi_backends *backends_of(struct uvp_host *host)
{
	struct rlimit limit;

	if (!host->backends)
		host->backends = calloc(1, sizeof(*host->backends));
	if (host->backends && !host->backends->net) {
		host->backends->net = calloc(1, NET_TEXT_FIRST);
		host->backends->net_size = NET_TEXT_FIRST;
	}
	if (!host->backends || !host->backends->net)
		return NULL;
	/* Half of what the process may have is for others. */
	if (!host->backends->most && getrlimit(RLIMIT_NOFILE, &limit) == 0)
		host->backends->most = limit.rlim_cur > 1 << 20 ? 1 << 19 : (int)limit.rlim_cur / 2;
	return host->backends;
}

/* "vbd-DOMAIN-DEVICE", "vif-DOMAIN-DEVICE" */
static bool parse_backend(const char *name, struct backend *backend)
{
	bool disk = !strncmp(name, "vbd-", 4);
	char text[24];
	uint64_t domid, devid;
	const char *dash;

	if (!disk && strncmp(name, "vif-", 4) != 0)
		return false;
	dash = strchr(name + 4, '-');
	if (!dash || (size_t)(dash - name) >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(dash - name - 4), name + 4);
	if (uvpi_parse_u64(text, "domain", 0, UINT32_MAX, &domid, NULL) < 0 ||
	    uvpi_parse_u64(dash + 1, "device", 0, UINT32_MAX, &devid, NULL) < 0)
		return false;
	*backend = (struct backend){ .domid = (uint32_t)domid, .devid = (uint32_t)devid, .disk = disk, .seen = true, .fds = { -1, -1, -1, -1, -1 } };
	return true;
}

/* Those that have come and gone since the last sample. */
static int look_for_changes(struct uvpi_backends *backends, struct uvp_error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(BACKENDS);
	size_t known = backends->n, kept = 0;
	struct dirent *entry;

	if (!dir && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot read '%s'", BACKENDS);
	for (size_t i = 0; i < known; i++)
		backends->list[i].seen = false;
	/* No folder: no back end was ever loaded. */
	while (dir && (entry = readdir(dir))) {
		struct backend backend, *old, *more;

		if (!parse_backend(entry->d_name, &backend))
			continue;
		old = known ? bsearch(&backend, backends->list, known, sizeof(backend), compare) : NULL;
		if (old) {
			old->seen = true;
			continue;
		}
		more = reallocarray(backends->list, backends->n + 1, sizeof(*more));
		if (!more)
			return uvpi_no_memory(err);
		backends->list = more;
		more[backends->n++] = backend;
	}
	for (size_t i = 0; i < backends->n; i++) {
		if (backends->list[i].seen)
			backends->list[kept++] = backends->list[i];
		else
			close_files(backends, &backends->list[i]);
	}
	backends->n = kept;
	if (kept > 1)
		qsort(backends->list, kept, sizeof(*backends->list), compare);
	return 0;
}

/* ---- disks ---- */

static int open_file(const struct backend *backend, int file)
{
	char path[160];

	snprintf(path, sizeof(path), BACKENDS "/vbd-%" PRIu32 "-%" PRIu32 "/statistics/%s", backend->domid, backend->devid,
		 disk_files[file]);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_number(int fd, uint64_t *ret_count)
{
	char text[32];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[text[n - 1] == '\n' ? n - 1 : n] = '\0';
	return uvpi_parse_u64(text, "count", 0, UINT64_MAX / SECTOR, ret_count, NULL) == 0;
}

/* A file that stays open tells nothing any more once its device has gone; another one may have come under its number. What cannot
 * be read is what it was: a counter that falls to zero would count all of it once more. */
static uint64_t read_count(struct uvpi_backends *backends, struct backend *backend, int file)
{
	_cleanup_close_ int fd = -1;
	uint64_t *count = &backend->last[file];

	if (read_number(backend->fds[file], count))
		return *count;
	if (backend->fds[file] >= 0)
		close_files(backends, backend);
	fd = open_file(backend, file);
	read_number(fd, count);
	if (fd >= 0 && backends->open < backends->most) {
		backend->fds[file] = uvpi_steal_fd(&fd);
		backends->open++;
	}
	return *count;
}

static void count_disk(struct uvpi_backends *backends, struct backend *backend, struct uvp_stats_device *device)
{
	device->reads = read_count(backends, backend, 0);
	device->writes = read_count(backends, backend, 1);
	device->read_bytes = read_count(backends, backend, 2) * SECTOR;
	device->write_bytes = read_count(backends, backend, 3) * SECTOR;
	device->waits = read_count(backends, backend, 4);
	if (!backend->name[0])
		uvpi_vdev_name(backend->devid, backend->name, sizeof(backend->name));
}

/* ---- network interfaces ---- */

/* The numbers that come next in a line; false at its end. */
static bool next_number(const char **at, uint64_t *ret_number)
{
	char text[24];
	size_t len;

	*at += strspn(*at, " ");
	len = strspn(*at, "0123456789");
	if (!len || len >= sizeof(text))
		return false;
	memcpy(text, *at, len);
	text[len] = '\0';
	*at += len;
	return uvpi_parse_u64(text, "count", 0, UINT64_MAX, ret_number, NULL) == 0;
}

/* What is behind the colon: received bytes, packets, errors, drops, four others; the same of what was sent. A tap device has
 * received what QEMU wrote into it, which its guest sent. */
static bool parse_counts(const char *at, struct uvp_stats_device *device)
{
	uint64_t numbers[12];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(numbers); i++)
		if (!next_number(&at, &numbers[i]))
			return false;
	/* What domain 0 sends, the guest receives. */
	device->reads = numbers[9];
	device->writes = numbers[1];
	device->read_bytes = numbers[8];
	device->write_bytes = numbers[0];
	device->errors = numbers[2] + numbers[10];
	device->drops = numbers[3] + numbers[11];
	return true;
}

/* The next line that has a colon: its name, and what is behind it. */
static bool next_interface(const char **at, char name[32], const char **ret_counts)
{
	while (**at) {
		const char *line = *at + strspn(*at, " "), *end = strchrnul(line, '\n'), *colon = memchr(line, ':', (size_t)(end - line));

		*at = *end ? end + 1 : end;
		if (!colon || colon - line >= 32)
			continue;
		snprintf(name, 32, "%.*s", (int)(colon - line), line);
		*ret_counts = colon + 1;
		return true;
	}
	return false;
}

bool uvpi_netdev_find(const char *text, const char *name, struct uvp_stats_device *device)
{
	const char *counts;
	char found[32];

	while (next_interface(&text, found, &counts))
		if (!strcmp(found, name))
			return parse_counts(counts, device);
	return false;
}

bool uvpi_twin_parse(const char *name, char ret_of[32])
{
	size_t len = strlen(name), more = strlen(TWIN);

	if (len <= more || len - more >= 32 || strcmp(name + len - more, TWIN) != 0)
		return false;
	snprintf(ret_of, 32, "%.*s", (int)(len - more), name);
	return true;
}

static void at_least(uint64_t *most, uint64_t told)
{
	if (*most < told)
		*most = told;
}

/* A guest unplugs it once its PV drivers run: counters do not go back for that. */
void uvpi_twin_keep(struct uvpi_twin *twin, const struct uvp_stats_device *told)
{
	at_least(&twin->reads, told->reads);
	at_least(&twin->writes, told->writes);
	at_least(&twin->read_bytes, told->read_bytes);
	at_least(&twin->write_bytes, told->write_bytes);
	at_least(&twin->errors, told->errors);
	at_least(&twin->drops, told->drops);
}

void uvpi_twin_add(const struct uvpi_twin *twin, struct uvp_stats_device *device)
{
	device->reads += twin->reads;
	device->writes += twin->writes;
	device->read_bytes += twin->read_bytes;
	device->write_bytes += twin->write_bytes;
	device->errors += twin->errors;
	device->drops += twin->drops;
}

/* The whole text, which the kernel gives in pieces. */
static void read_net(struct uvpi_backends *backends)
{
	_cleanup_close_ int fd = open("/proc/net/dev", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	for (;;) {
		if (backends->net_size < len + NET_TEXT_FIRST / 2) {
			size_t size = backends->net_size * 2;
			char *more = realloc(backends->net, size);

			if (!more)
				break;
			backends->net = more;
			backends->net_size = size;
		}
		n = fd < 0 ? -1 : read(fd, backends->net + len, backends->net_size - len - 1);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	backends->net[len] = '\0';
}

static void name_interface(struct uvpi_backends *backends, struct backend *backend)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	char path[160], usual[32];

	snprintf(usual, sizeof(usual), "vif%" PRIu32 ".%" PRIu32, backend->domid, backend->devid);
	snprintf(backend->name, sizeof(backend->name), "%s", usual);
	snprintf(path, sizeof(path), BACKENDS "/vif-%" PRIu32 "-%" PRIu32 "/net", backend->domid, backend->devid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(backend->name, sizeof(backend->name), "%.*s", (int)sizeof(backend->name) - 1, entry->d_name);
	backend->custom = strcmp(backend->name, usual) != 0;
	backends->custom |= backend->custom;
}

/* "vif7.0" is read like "vif-7-0". */
static struct backend *by_number(struct uvpi_backends *backends, const char *name)
{
	struct backend key;
	char text[40];

	if (strncmp(name, "vif", 3) != 0 || !strchr(name, '.'))
		return NULL;
	snprintf(text, sizeof(text), "vif-%s", name + 3);
	*strchr(text, '.') = '-';
	return parse_backend(text, &key) ? bsearch(&key, backends->list, backends->n, sizeof(key), compare) : NULL;
}

static struct backend *interface_of(struct uvpi_backends *backends, const char *name)
{
	struct backend *found = by_number(backends, name);

	if (found && !strcmp(found->name, name))
		return found;
	for (size_t i = 0; backends->custom && i < backends->n; i++)
		if (backends->list[i].custom && !strcmp(backends->list[i].name, name))
			return &backends->list[i];
	return NULL;
}

/* Ours has the number of the interface, also of one that has a name of its own; xl calls that one's twin by the name. An interface
 * may be called like a twin, and is none. */
static struct backend *twin_of(struct uvpi_backends *backends, const char *name)
{
	struct backend *found;
	char of[32];

	if (!uvpi_twin_parse(name, of) || interface_of(backends, name))
		return NULL;
	found = by_number(backends, of);
	return found ? found : interface_of(backends, of);
}

/* What goes past the kernel's back end, through QEMU's tap devices, is the guest's, too. */
static void count_twins(struct uvpi_backends *backends, struct uvp_stats *stats)
{
	const char *at, *counts;
	char name[32];

	for (at = backends->net; next_interface(&at, name, &counts);) {
		struct backend *backend = twin_of(backends, name);
		struct uvp_stats_device told;

		if (backend && parse_counts(counts, &told))
			uvpi_twin_keep(&backend->twin, &told);
	}
	for (size_t i = 0; i < backends->n; i++)
		uvpi_twin_add(&backends->list[i].twin, &stats->devices[i]);
}

/* One that was not found is new, has another name meanwhile, or the text could not be read: then it has what it had. */
static void keep_told(struct uvpi_backends *backends, struct backend *backend, struct uvp_stats_device *device)
{
	bool found = backend->counted;

	if (!found) {
		name_interface(backends, backend);
		found = uvpi_netdev_find(backends->net, backend->name, device);
	}
	if (found)
		backend->told = *device;
	else if (backend->told.domid == backend->domid)
		*device = backend->told;
}

static void count_interfaces(struct uvpi_backends *backends, struct uvp_stats *stats)
{
	const char *at, *counts;
	char name[32];

	read_net(backends);
	for (at = backends->net; next_interface(&at, name, &counts);) {
		struct backend *backend = interface_of(backends, name);

		if (backend)
			backend->counted = parse_counts(counts, &stats->devices[backend - backends->list]);
	}
	for (size_t i = 0; i < backends->n; i++)
		if (!backends->list[i].disk)
			keep_told(backends, &backends->list[i], &stats->devices[i]);
	count_twins(backends, stats);
}

/* ---- all ---- */

int uvpi_stats_devices(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err)
{
	struct uvpi_backends *backends = backends_of(host);
	bool interfaces = false;
	int r = backends ? look_for_changes(backends, err) : uvpi_no_memory(err);

	if (r < 0)
		return r;
	stats->devices = calloc(backends->n + 1, sizeof(*stats->devices));
	if (!stats->devices)
		return uvpi_no_memory(err);
	stats->n_devices = backends->n;
	for (size_t i = 0; i < backends->n; i++) {
		struct backend *backend = &backends->list[i];

		stats->devices[i].domid = backend->domid;
		stats->devices[i].devid = backend->devid;
		stats->devices[i].disk = backend->disk;
		interfaces |= !backend->disk;
		backend->counted = false;
		if (backend->disk)
			count_disk(backends, backend, &stats->devices[i]);
	}
	if (interfaces)
		count_interfaces(backends, stats);
	for (size_t i = 0; i < backends->n; i++)
		snprintf(stats->devices[i].name, sizeof(stats->devices[i].name), "%s", backends->list[i].name);
	return 0;
}
