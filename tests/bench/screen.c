/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Run a program that fills a screen, on a terminal of 100 columns and 30 rows which nobody looks at, and print how long it ran
 * on a CPU between the 5th second and the end, and how long another process did meanwhile that works for it.
 *
 *   screen SECONDS PID_OF_THE_OTHER COMMAND... */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM 5 /* seconds in which it starts */

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Of all its threads, to the nanosecond; what the kernel and Xen do for it is its own. */
static long long ran_ns(int pid)
{
	char path[64];
	long long ns = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%lld", &ns) != 1)
		ns = -1;
	if (file)
		fclose(file);
	return ns;
}

/* Take what it draws, until then. */
static void drain(int fd, long long until_ms)
{
	char text[65536];

	for (long long left; (left = until_ms - now_ms()) > 0;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, (int)left) > 0 && read(fd, text, sizeof(text)) <= 0)
			return;
	}
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 30, .ws_col = 100 };
	long long start = now_ms(), own, other;
	char *end;
	long seconds = argc > 3 ? (long)strtod(argv[1], &end) : 0;
	int fd, other_pid = argc > 3 ? (int)strtod(argv[2], &end) : 0;
	pid_t pid;

	if (seconds <= WARM)
		return 2;
	pid = forkpty(&fd, NULL, NULL, &size);
	if (pid == 0) {
		setenv("TERM", "xterm", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	if (pid < 0)
		return 1;
	drain(fd, start + WARM * 1000);
	own = ran_ns(pid);
	other = ran_ns(other_pid);
	drain(fd, start + seconds * 1000);
	own = own < 0 ? -1 : ran_ns(pid) - own;
	other = ran_ns(other_pid) - other;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (own <= 0)
		return 1;
	printf("%lld %lld\n", own, other);
	return 0;
}
