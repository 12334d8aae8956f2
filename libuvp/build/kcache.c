/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of unpacked kernels. */
#include "build/kcache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"

#define MAGIC "UVPKERN1"
#define NAME_SIZE (2 * UVPI_HASH_SIZE + 5) /* hash, ".elf", NUL */
#define LINKS_MAX 256
/* Kernels stamp files with the time of the last tick, at worst 10 ms old; and some file systems keep whole seconds. */
#define SETTLE_SECONDS 2
/* How stale an entry's "last used" may get before it is written again. */
#define TOUCH_SECONDS 60

struct footer {
	char magic[8];
	uint64_t len;
	uint64_t sum;
	uint8_t unused[40];
};

static uint64_t checksum(const uint8_t *data, size_t len)
{
	uint64_t sum = len;

	for (; len >= 8; data += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	for (; len; data++, len--)
		sum = (sum ^ *data) * UINT64_C(0x9e3779b97f4a7c15);
	return sum;
}

static void entry_name(const uint8_t hash[UVPI_HASH_SIZE], char name[NAME_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < UVPI_HASH_SIZE; i++) {
		name[2 * i] = hex[hash[i] >> 4];
		name[2 * i + 1] = hex[hash[i] & 0xf];
	}
	memcpy(name + 2 * UVPI_HASH_SIZE, ".elf", 5);
}

static void link_name(const struct stat *st, char *name, size_t len)
{
	snprintf(name, len, "f-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 ".%lx-%" PRIx64 ".%lx",
		 (uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
		 (uint64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec,
		 st->st_ctim.tv_nsec);
}

int uvpi_kcache_open(const char *dir, bool create)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT && create) {
		char parent[256];
		const char *slash = strrchr(dir, '/');

		if (slash && slash != dir && (size_t)(slash - dir) < sizeof(parent)) {
			memcpy(parent, dir, (size_t)(slash - dir));
			parent[slash - dir] = '\0';
			mkdir(parent, 0755);
		}
		mkdir(dir, 0700);
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		uvpi_debug("no kernel cache in %s: %m", dir);
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077)) {
		uvpi_debug("kernel cache %s is not used: others may have written there", dir);
		return -1;
	}
	return uvpi_steal_fd(&fd);
}

/* ---- reading ---- */

static bool used_since_boot(const struct stat *st, time_t now)
{
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return st->st_mtim.tv_sec > now - up.tv_sec && st->st_mtim.tv_sec <= now;
}

static bool footer_fits(const void *map, size_t size, size_t *ret_len)
{
	struct footer footer;

	if (size <= sizeof(footer))
		return false;
	memcpy(&footer, (const uint8_t *)map + size - sizeof(footer), sizeof(footer));
	if (memcmp(footer.magic, MAGIC, sizeof(footer.magic)) || footer.len != size - sizeof(footer))
		return false;
	*ret_len = footer.len;
	return true;
}

static bool sum_fits(const void *map, size_t len)
{
	struct footer footer;

	memcpy(&footer, (const uint8_t *)map + len, sizeof(footer));
	return footer.sum == checksum(map, len);
}

static bool find_name(int dirfd, const char *name, struct uvpi_kcache_entry *ret_entry)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	time_t now;
	size_t len;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return false;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	now = time(NULL);
	if (!footer_fits(map, (size_t)st.st_size, &len) ||
	    (!used_since_boot(&st, now) && !sum_fits(map, len))) {
		uvpi_debug("kernel cache entry %s is damaged and removed", name);
		munmap(map, (size_t)st.st_size);
		unlinkat(dirfd, name, 0);
		return false;
	}
	if (now - st.st_mtim.tv_sec > TOUCH_SECONDS || st.st_mtim.tv_sec > now)
		futimens(fd, NULL);
	*ret_entry = (struct uvpi_kcache_entry){ map, (size_t)st.st_size, len };
	return true;
}

bool uvpi_kcache_find_file(int dirfd, const struct stat *file, struct uvpi_kcache_entry *ret_entry)
{
	char link[160], name[NAME_SIZE];
	ssize_t len;

	link_name(file, link, sizeof(link));
	len = readlinkat(dirfd, link, name, sizeof(name));
	if (len != NAME_SIZE - 1)
		return false;
	name[len] = '\0';
	return !strchr(name, '/') && find_name(dirfd, name, ret_entry);
}

bool uvpi_kcache_find_hash(int dirfd, const uint8_t hash[UVPI_HASH_SIZE], struct uvpi_kcache_entry *ret_entry)
{
	char name[NAME_SIZE];

	entry_name(hash, name);
	return find_name(dirfd, name, ret_entry);
}

/* ---- making room ---- */

struct item {
	char name[160];
	uint64_t size;
	time_t used;
};

static int oldest_first(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->used > y->used) - (x->used < y->used);
}

/* Regular files (links false) or symbolic links of the folder. Dangling links go at once. */
static size_t list_items(int dirfd, bool links, struct item **ret_items)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct item *items = NULL;
	size_t n = 0, room = 0;
	struct dirent *e;

	if (!d) {
		if (copy >= 0)
			close(copy);
		*ret_items = NULL;
		return 0;
	}
	while ((e = readdir(d))) {
		struct stat st;

		if (strlen(e->d_name) >= sizeof(items->name) ||
		    fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !(links ? S_ISLNK(st.st_mode) : S_ISREG(st.st_mode)))
			continue;
		if (links && faccessat(dirfd, e->d_name, F_OK, 0) < 0) {
			unlinkat(dirfd, e->d_name, 0);
			continue;
		}
		if (n == room) {
			struct item *more = reallocarray(items, room = room ? 2 * room : 16, sizeof(*items));

			if (!more)
				break;
			items = more;
		}
		memcpy(items[n].name, e->d_name, strlen(e->d_name) + 1);
		items[n].size = (uint64_t)st.st_size;
		items[n++].used = st.st_mtim.tv_sec;
	}
	closedir(d);
	*ret_items = items;
	return n;
}

static void make_room(int dirfd, uint64_t limit)
{
	_cleanup_free_ struct item *files = NULL;
	size_t n = list_items(dirfd, false, &files);
	uint64_t total = 0;

	if (n)
		qsort(files, n, sizeof(*files), oldest_first);
	for (size_t i = 0; i < n; i++)
		total += files[i].size;
	for (size_t i = 0; i < n && total > limit; i++) {
		if (unlinkat(dirfd, files[i].name, 0) == 0)
			total -= files[i].size;
	}
}

static void prune_links(int dirfd)
{
	_cleanup_free_ struct item *links = NULL;
	size_t n = list_items(dirfd, true, &links);

	if (n < LINKS_MAX)
		return;
	qsort(links, n, sizeof(*links), oldest_first);
	for (size_t i = 0; i < n - LINKS_MAX / 2; i++)
		unlinkat(dirfd, links[i].name, 0);
}

/* ---- writing ---- */

static bool write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool uvpi_kcache_add(int dirfd, const uint8_t hash[UVPI_HASH_SIZE], const void *data, size_t len, uint64_t limit)
{
	struct footer footer = { MAGIC, len, 0, { 0 } };
	_cleanup_close_ int fd = -1;
	char name[NAME_SIZE], self[64];

	if (len + sizeof(footer) > limit)
		return false;
	fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		uvpi_debug("cannot write to the kernel cache: %m");
		return false;
	}
	make_room(dirfd, limit - len - sizeof(footer));
	footer.sum = checksum(data, len);
	if (!write_all(fd, data, len) || !write_all(fd, &footer, sizeof(footer)) || fdatasync(fd) < 0) {
		uvpi_debug("cannot write to the kernel cache: %m");
		return false;
	}
	entry_name(hash, name);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, dirfd, name, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST) {
		uvpi_debug("cannot write to the kernel cache: %m");
		return false;
	}
	return true;
}

void uvpi_kcache_link(int dirfd, const struct stat *file, const uint8_t hash[UVPI_HASH_SIZE])
{
	char link[160], name[NAME_SIZE];
	time_t now = time(NULL);

	if (file->st_ctim.tv_sec + SETTLE_SECONDS >= now || file->st_mtim.tv_sec + SETTLE_SECONDS >= now)
		return;
	prune_links(dirfd);
	entry_name(hash, name);
	link_name(file, link, sizeof(link));
	if (symlinkat(name, dirfd, link) < 0 && errno == EEXIST) {
		unlinkat(dirfd, link, 0);
		if (symlinkat(name, dirfd, link) < 0)
			uvpi_debug("cannot link in the kernel cache: %m");
	}
}
