/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the quick xlx: besides who it is, what makes its start and end cheaper. The linker hands calls of libxenctrl and of the
 * compiler's start-up files to the functions here (STATIC_XLX_LDFLAGS). */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xlx/whole.h"

const bool xlx_is_quick = true;
const char *const xlx_built_in = UVP_BUILT_IN;

#define PRIVCMD "/dev/xen/privcmd"
#define HYPERCALL "/dev/xen/hypercall"
#define PAGE 4096
#define PAGES 64 /* the bits of an uint64_t */
#define SMALL 8
#define AHEAD 3

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);
void __wrap___register_frame_info(const void *begin, void *object);
void *__wrap___deregister_frame_info(const void *begin);

static int privcmd = -1, hypercall = -1;

/* Room among this program's own pages, a bit for each. */
static struct {
	uint64_t unused;
	uint64_t hypercall; /* mapped of the device for hypercalls, in use or not */
	uint64_t idle;      /* of those, not in use */
} room = { .unused = UINT64_MAX };
static char pages[PAGES][PAGE] __attribute__((aligned(PAGE)));

/* libxenctrl opens the device for each of its libraries; a second descriptor of the same is cheaper. */
int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (privcmd >= 0 && !strcmp(path, PRIVCMD)) {
		fd = fcntl(privcmd, F_DUPFD_CLOEXEC, 3);
		if (fd >= 0)
			return fd;
	}
	va_start(ap, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	fd = __real_open(path, flags, mode);
	if (fd >= 0 && !strcmp(path, PRIVCMD))
		privcmd = fd;
	if (fd >= 0 && hypercall < 0 && !strcmp(path, HYPERCALL)) {
		hypercall = fd;
		room.idle = 0; /* a child must not take what its parent has */
	}
	return fd;
}

int __wrap_close(int fd)
{
	if (fd == privcmd)
		privcmd = -1;
	if (fd == hypercall)
		hypercall = -1;
	return __real_close(fd);
}

static uint64_t bits(size_t at, size_t n)
{
	return (n == PAGES ? UINT64_MAX : (UINT64_C(1) << n) - 1) << at;
}

/* The first n of these side by side, which are then not among them any more. */
static void *take(uint64_t *from, size_t n)
{
	for (size_t at = 0; at + n <= PAGES; at++) {
		uint64_t wanted = bits(at, n), all = __atomic_load_n(from, __ATOMIC_ACQUIRE);

		while ((all & wanted) == wanted)
			if (__atomic_compare_exchange_n(from, &all, all & ~wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
				return pages[at];
	}
	return NULL;
}

static void give(uint64_t *to, const char *addr, size_t n)
{
	__atomic_fetch_or(to, bits((size_t)(addr - pages[0]) / PAGE, n), __ATOMIC_ACQ_REL);
}

/* To map one page of that device costs as much as to map five. */
static void *map_for_hypercalls(size_t n, int prot, int flags, int fd)
{
	size_t all = n > AHEAD ? n : AHEAD;
	char *addr = take(&room.idle, n);

	if (addr)
		return addr;
	addr = take(&room.unused, all);
	if (!addr)
		return NULL;
	if (__real_mmap(addr, all * PAGE, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
		give(&room.unused, addr, all);
		return MAP_FAILED;
	}
	give(&room.hypercall, addr, all);
	if (all > n)
		give(&room.idle, addr + n * PAGE, all - n);
	return addr;
}

/* What is small and of a file or a device is mapped among this program's own pages: a paravirtualised domain 0 pays for each page table,
 * and what else is mapped is far away. */
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	size_t n = (len + PAGE - 1) / PAGE;
	char *near;
	void *map;

	if (addr || fd < 0 || !n || n > SMALL || flags & MAP_FIXED)
		return __real_mmap(addr, len, prot, flags, fd, offset);
	if (fd == hypercall && len % PAGE == 0) {
		map = map_for_hypercalls(n, prot, flags, fd);
		return map ? map : __real_mmap(addr, len, prot, flags, fd, offset);
	}
	near = take(&room.unused, n);
	if (!near)
		return __real_mmap(addr, len, prot, flags, fd, offset);
	map = __real_mmap(near, len, prot, flags | MAP_FIXED, fd, offset);
	if (map == MAP_FAILED)
		give(&room.unused, near, n);
	return map;
}

/* Pages for hypercalls stay mapped, and are handed out again as long as their device is open: this program ends soon. */
int __wrap_munmap(void *addr, size_t len)
{
	size_t n = (len + PAGE - 1) / PAGE, at = (size_t)((char *)addr - pages[0]) / PAGE;
	int r;

	if ((char *)addr < pages[0] || (char *)addr >= pages[PAGES - 1] + PAGE)
		return __real_munmap(addr, len);
	if (room.hypercall & bits(at, 1)) {
		if (hypercall >= 0)
			give(&room.idle, addr, n);
		return 0;
	}
	r = __real_munmap(addr, len);
	if (r == 0)
		give(&room.unused, addr, n);
	return r;
}

/* Nothing here unwinds by tables that are registered: --eh-frame-hdr lets them be found. */
void __wrap___register_frame_info(const void *begin, void *object)
{
}

void *__wrap___deregister_frame_info(const void *begin)
{
	return NULL;
}
