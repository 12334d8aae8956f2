/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tls/confine.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/rights.h"

/* With the process's number, 4194304 at most, so that each is another; systemd's list of ranges has none from 0x70000000 on, and
 * those of dm/dm.c and build/bootloader.c are below. */
#define USER_BASE 0x70600000u
#define MEMORY_MAX (256ull << 20)

static int deny(struct uvp_error *err, int error)
{
	return uvpi_fail_errno(err, error, "cannot take rights away from this process");
}

static int filter(struct uvp_error *err)
{
	static const int calls[] = {
		SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
		SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(shutdown),
		SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
		SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(getpid), SCMP_SYS(fstat),
		SCMP_SYS(newfstatat),
	};
	static const int maps[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < UVPI_ARRAY_SIZE(calls); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; r == 0 && i < UVPI_ARRAY_SIZE(maps); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, maps[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? deny(err, -r) : 0;
}

int tls_confine(struct uvp_error *err)
{
	/* whoever else runs it has no more than that */
	if (geteuid() == 0 && !uvpi_drop_rights(USER_BASE + (uint32_t)getpid()))
		return deny(err, errno);
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0 || setrlimit(RLIMIT_AS, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX }) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return deny(err, errno);
	return filter(err);
}
