/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock file of uvp-hostd; its text is "PID SINCE VERSION". */
#include "config.h"

#include "domain/hostd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/names.h"

const char *uvpi_ended_text(const char *word)
{
	static const struct {
		const char *word, *text;
	} texts[] = {
		{ UVPI_ENDED_PRESERVE, "preserved, as its configuration asks" },
		{ UVPI_ENDED_RENAME, "preserved under another name; its successor was started" },
		{ UVPI_ENDED_LIMIT, "left as it is: it was restarted too often in a row" },
		{ UVPI_ENDED_UNREADABLE, "left as it is: its configuration cannot be read" },
	};

	for (size_t i = 0; word && i < UVPI_ARRAY_SIZE(texts); i++)
		if (!strcmp(word, texts[i].word))
			return texts[i].text;
	return word ? "left as it is by uvp-hostd" : "";
}

static const char *lock_path(void)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" UVPI_HOSTD_LOCK, uvpi_run_dir());
	return path;
}

static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static void read_text(int fd, struct uvpi_hostd_status *status)
{
	char text[128];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	int pid;

	text[len > 0 ? len : 0] = '\0';
	if (sscanf(text, "%d %" SCNd64 " %31[0-9A-Za-z.+~-]", &pid, &status->since_s, status->version) >= 2)
		status->pid = pid;
	else
		status->since_s = 0;
}

int uvpi_hostd_status(struct uvpi_hostd_status *ret_status, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(lock_path(), O_RDONLY | O_CLOEXEC);
	struct uvpi_hostd_status status = { 0 };
	struct flock lock = whole_file();

	if (fd < 0 && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", lock_path());
	if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock))
		return uvpi_fail_errno(err, errno, "cannot look at the lock '%s'", lock_path());
	if (fd >= 0 && lock.l_type != F_UNLCK) {
		read_text(fd, &status);
		/* The jobs of a killed one hold the lock for as long as they take to end. */
		status.running = status.pid <= 0 || !kill(status.pid, 0) || errno == EPERM;
	}
	*ret_status = status;
	return 0;
}

static void on_alarm(int signal_number)
{
}

/* There is no wait for a lock with a deadline, and this runs before there is a loop: a timer's signal ends the wait. */
static int wait_lock(int fd, int wait_ms)
{
	struct sigaction action = { .sa_handler = on_alarm }, old;
	struct itimerval timer = { .it_value = { wait_ms / 1000, wait_ms % 1000 * 1000 } }, off = { 0 };
	struct flock lock = whole_file();
	int r, saved;

	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &timer, NULL);
	r = fcntl(fd, F_OFD_SETLKW, &lock);
	saved = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
	errno = saved;
	return r;
}

static int write_text(int fd, struct uvp_error *err)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%d %" PRId64 " %s\n", (int)getpid(), (int64_t)time(NULL), PACKAGE_VERSION);

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)len, 0) != len)
		return uvpi_fail_errno(err, errno, "cannot write '%s'", lock_path());
	return 0;
}

int uvpi_hostd_lock(int wait_ms, int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct uvpi_hostd_status holder = { 0 };
	struct flock lock = whole_file();
	int r;

	if (mkdir(uvpi_run_dir(), 0755) && errno != EEXIST)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", uvpi_run_dir());
	fd = open(lock_path(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", lock_path());
	r = fcntl(fd, F_OFD_SETLK, &lock);
	if (r && (errno == EAGAIN || errno == EACCES)) {
		read_text(fd, &holder);
		if (holder.pid > 0 && kill(holder.pid, 0) && errno == ESRCH)
			r = wait_lock(fd, wait_ms);
		if (r) {
			uvpi_fail(err, UVP_E_BUSY, 0, "uvp-hostd runs already: process %d holds '%s'", (int)holder.pid,
				  lock_path());
			uvpi_hint(err, "'systemctl restart uvp-hostd' replaces it");
			return -UVP_E_BUSY;
		}
	}
	if (r)
		return uvpi_fail_errno(err, errno, "cannot lock '%s'", lock_path());
	r = write_text(fd, err);
	if (r < 0)
		return r;
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}
