/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run a command one instruction at a time, and print the addresses that it ran at, in the order in which it first came there:
 * what xlx/quick.ld is made from (lab/bench --layout). Only those of a program at a fixed address; not of its children. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST 0x200000UL
#define LAST 0x1000000UL

static unsigned char seen[LAST - FIRST];

static void note(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) || regs.rip < FIRST || regs.rip >= LAST || seen[regs.rip - FIRST])
		return;
	seen[regs.rip - FIRST] = 1;
	printf("%llx\n", regs.rip);
}

int main(int argc, char **argv)
{
	int status, signal = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		note(pid);
		signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, signal) && errno != ESRCH)
			return 126;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
