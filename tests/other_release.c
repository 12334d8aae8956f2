/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into a program, this makes it one that was built for another release of Xen: each domctl and sysctl goes to
 * the real hypervisor with the next interface version, and Xen refuses it; its own version reads 4.18. */
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRIVCMD_HYPERCALL 0x305000UL /* _IOC(_IOC_NONE, 'P', 0, 48) */
#define XEN_VERSION 17
#define SYSCTL 35
#define DOMCTL 36
#define XENVER_VERSION 0

struct hypercall {
	uint64_t op, arg[5];
};

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	struct hypercall *call;
	uint32_t *version;
	va_list ap;

	va_start(ap, request);
	call = va_arg(ap, void *);
	va_end(ap);
	if (request != PRIVCMD_HYPERCALL)
		return (int)syscall(SYS_ioctl, fd, request, call);
	if (call->op == XEN_VERSION && call->arg[0] == XENVER_VERSION)
		return 4 << 16 | 18;
	if (call->op == SYSCTL || call->op == DOMCTL) {
		/* the second word of both structures */
		version = (uint32_t *)(uintptr_t)call->arg[0] + 1;
		++*version;
	}
	return (int)syscall(SYS_ioctl, fd, request, call);
}
