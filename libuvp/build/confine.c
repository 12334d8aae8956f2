/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking rights away from a child that is about to run a boot loader. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build/bootloader.h"
#include "core/rights.h"

#define FILES_MAX (1ull << 30) /* of each file that it writes */
#define MEMORY_MAX (2ull << 30)
#define CPU_SECONDS 300
#define PROCESSES_MAX 16

static bool limit(int what, rlim_t value)
{
	return setrlimit(what, &(struct rlimit){ value, value }) == 0;
}

/* The device is seen in this process alone. */
static bool show_disk(uint32_t id, const char *dev_dir, uint64_t rdev)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/disk", dev_dir);
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("uvp-loader", dev_dir, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") == 0 &&
	       mknod(path, S_IFBLK | 0440, rdev) == 0 && chown(path, 0, id) == 0 && chmod(path, 0440) == 0;
}

bool uvpi_confine(uint32_t id, const char *dev_dir, uint64_t rdev)
{
	pid_t parent = getppid();

	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0 || !show_disk(id, dev_dir, rdev))
		return false;
	if (!limit(RLIMIT_FSIZE, FILES_MAX) || !limit(RLIMIT_AS, MEMORY_MAX) || !limit(RLIMIT_CPU, CPU_SECONDS) ||
	    !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, 64) || !limit(RLIMIT_NPROC, PROCESSES_MAX))
		return false;
	umask(077);
	/* Last: changing the user forgets it. */
	return uvpi_drop_rights(id) && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

void uvpi_confine_end(uint32_t id)
{
	pid_t pid = fork();

	if (!pid) {
		if (setresuid(id, id, id) == 0)
			kill(-1, SIGKILL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}
