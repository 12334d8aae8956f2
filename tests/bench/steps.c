/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run a command and print the functions that ran, in the order in which each was entered first:
 * what xlx/quick.ld is made from (lab/bench --layout). FUNCTIONS is a file of their addresses in a
 * program at a fixed address. Each stops the command once only, at a breakpoint that is then taken
 * away: single steps took a create more than 25 minutes in an emulated domain 0.
 *
 *   steps FUNCTIONS COMMAND...
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST 0x200000UL
#define LAST 0x1000000UL
#define BREAKPOINT 0xcc
#define OPTIONS                                                                                    \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |       \
	 PTRACE_O_TRACECLONE)

enum { NO_FUNCTION, FUNCTION, RAN };

static unsigned char text[LAST - FIRST];
static unsigned char armed[LAST - FIRST];
static char kind[LAST - FIRST];
static unsigned long low = LAST, high = FIRST;

static int read_functions(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long address;

	if (!file)
		return -1;
	while (fscanf(file, "%lx", &address) == 1) {
		if (address < FIRST || address >= LAST)
			continue;
		kind[address - FIRST] = FUNCTION;
		low = address < low ? address : low;
		high = address > high ? address : high;
	}
	fclose(file);
	return high > low ? 0 : -1;
}

/* Read, or write if there is something to write. */
static int memory(pid_t pid, unsigned long address, unsigned char *to, const unsigned char *from,
		  size_t size)
{
	char path[40];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = from ? pwrite(fd, from, size, (off_t)address) : pread(fd, to, size, (off_t)address);
	close(fd);
	return n == (ssize_t)size ? 0 : -1;
}

static int arm(pid_t pid)
{
	size_t size = high - low + 1;

	if (memory(pid, low, text, NULL, size))
		return -1;
	for (size_t i = 0; i < size; i++)
		armed[i] = kind[low - FIRST + i] == FUNCTION ? BREAKPOINT : text[i];
	return memory(pid, low, NULL, armed, size);
}

/* Was it one of the breakpoints? The function then goes on without it. */
static int hit(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long at;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return 0;
	at = regs.rip - 1;
	if (at < low || at > high || kind[at - FIRST] == NO_FUNCTION)
		return 0;
	regs.rip = at;
	if (memory(pid, at, NULL, &text[at - low], 1) || ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		return 0;
	if (kind[at - FIRST] == FUNCTION)
		printf("%lx\n", at);
	kind[at - FIRST] = RAN;
	return 1;
}

/* A process stopped: let it go on. What it becomes by exec is another program. */
static void go_on(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_EXEC)
		ptrace(PTRACE_DETACH, pid, NULL, 0);
	else if (event || signal == SIGSTOP || (signal == SIGTRAP && hit(pid)))
		ptrace(PTRACE_CONT, pid, NULL, 0);
	else
		ptrace(PTRACE_CONT, pid, NULL, signal);
}

int main(int argc, char **argv)
{
	int status, result = 125;
	pid_t pid, other;

	if (argc < 3)
		return 2;
	if (read_functions(argv[1])) {
		fprintf(stderr, "steps: no addresses of functions in '%s'\n", argv[1]);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return 127;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS) || arm(pid) ||
	    ptrace(PTRACE_CONT, pid, NULL, 0)) {
		fprintf(stderr, "steps: '%s' cannot be stopped at its functions\n", argv[2]);
		kill(pid, SIGKILL);
		return 126;
	}
	while ((other = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR)
		if (other > 0 && WIFSTOPPED(status))
			go_on(other, status);
		else if (other == pid)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 125;
	return result;
}
