/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Print what a command costs: the microseconds from its start to its end as its parent sees them, on file descriptor
 * 3; with the environment's COST_OWN set those in which its own process ran, too; with COST_BUSY set only those in which this
 * domain had a CPU, as Xen counts them: without the time in which everybody waits. The shell's own fork would be a third of what
 * a short command costs. Exits with the command's status. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>

static long long us(struct timeval t)
{
	return (long long)t.tv_sec * 1000000 + t.tv_usec;
}

/* -1 without Xen. */
static long long busy_us(xc_interface *xc)
{
	xc_dominfo_t info;

	return xc && xc_domain_getinfo(xc, 0, 1, &info) == 1 ? (long long)(info.cpu_time / 1000) : -1;
}

int main(int argc, char **argv)
{
	struct rusage own;
	struct timespec start, end;
	xc_interface *xc = getenv("COST_BUSY") ? xc_interface_open(NULL, NULL, 0) : NULL;
	long long busy;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	/* xl leaves a process behind, for which a reader of this would wait */
	fcntl(3, F_SETFD, FD_CLOEXEC);
	busy = busy_us(xc);
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = vfork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &own) < 0)
		return 126;
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (getenv("COST_BUSY"))
		dprintf(3, "%lld", busy < 0 ? -1 : busy_us(xc) - busy);
	else
		dprintf(3, "%lld", (long long)(end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000);
	if (getenv("COST_OWN"))
		dprintf(3, " %lld", us(own.ru_utime) + us(own.ru_stime));
	dprintf(3, "\n");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
