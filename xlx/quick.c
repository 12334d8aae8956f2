/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the quick xlx: besides who it is, what makes its start and end cheaper. The linker hands calls of libxenctrl and of the
 * compiler's start-up files to the functions here (STATIC_XLX_LDFLAGS). */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xlx/whole.h"

const bool xlx_is_quick = true;
const char *const xlx_built_in = UVP_BUILT_IN;

#define PRIVCMD "/dev/xen/privcmd"
#define HYPERCALL "/dev/xen/hypercall"
#define PAGE 4096
#define PAGES 16

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void __wrap___register_frame_info(const void *begin, void *object);
void *__wrap___deregister_frame_info(const void *begin);

static int privcmd = -1, hypercall = -1;

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
	if (fd >= 0 && hypercall < 0 && !strcmp(path, HYPERCALL))
		hypercall = fd;
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

/* The first pages for hypercalls lie among this program's own: a paravirtualised domain 0 pays for each page table, and what else
 * is mapped is far away. No page is used twice, because none is told back. */
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	static char pages[PAGES][PAGE] __attribute__((aligned(PAGE)));
	static size_t used;
	size_t n = len / PAGE;

	if (!addr && fd >= 0 && fd == hypercall && len % PAGE == 0 && n <= PAGES - used) {
		addr = pages[used];
		used += n;
		flags |= MAP_FIXED;
	}
	return __real_mmap(addr, len, prot, flags, fd, offset);
}

/* Nothing here unwinds by tables that are registered: --eh-frame-hdr lets them be found. */
void __wrap___register_frame_info(const void *begin, void *object)
{
}

void *__wrap___deregister_frame_info(const void *begin)
{
	return NULL;
}
