/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/jobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/names.h"
#include "core/num.h"

#define RECORD 512

static void path_of(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3000s/%.512s", uvpi_run_dir(), name);
}

/* ---- jobs ---- */

int uvpi_job_begin(void)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], name[32], made[32];

	path_of("jobs", path);
	mkdir(path, 0700);
	/* Who lists jobs takes one without a lock for that of a process that is gone: it has its lock before it has a name. */
	fd = open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	snprintf(name, sizeof(name), "jobs/%d", (int)getpid());
	path_of(name, path);
	snprintf(made, sizeof(made), "/proc/self/fd/%d", fd);
	unlink(path);
	if (linkat(AT_FDCWD, made, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return -1;
	return uvpi_steal_fd(&fd);
}

/* One write of a fixed size, so that who reads meanwhile sees the old one, the new one, or at worst some of both. */
void uvpi_job_update(int fd, const struct uvpi_job *job)
{
	char record[RECORD] = "";
	int len;

	if (fd < 0)
		return;
	len = snprintf(record, sizeof(record), "%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\t%d\t%s\t%s\n", job->started_s, job->done,
		       job->total, (int)job->unit, job->phase, job->command);
	if (len > 0 && len < RECORD)
		memset(record + len, '\n', sizeof(record) - (size_t)len);
	if (pwrite(fd, record, sizeof(record), 0) < 0)
		return;
}

void uvpi_job_end(int fd)
{
	char path[PATH_MAX], name[32];

	if (fd < 0)
		return;
	snprintf(name, sizeof(name), "jobs/%d", (int)getpid());
	path_of(name, path);
	unlink(path);
	close(fd);
}

void uvpi_job_command(char *buf, size_t len)
{
	_cleanup_close_ int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, len - 1);

	buf[n > 0 ? n : 0] = '\0';
	for (ssize_t i = 0; i + 1 < n; i++)
		if ((unsigned char)buf[i] <= ' ' || buf[i] == 0x7f)
			buf[i] = ' ';
}

static bool parse_job(char *text, struct uvpi_job *job)
{
	char *fields[6] = { text }, *end = strchr(text, '\n');
	uint64_t started, unit;

	if (!end)
		return false;
	*end = '\0';
	for (size_t i = 1; i < UVPI_ARRAY_SIZE(fields); i++) {
		char *tab = strchr(fields[i - 1], '\t');

		if (!tab)
			return false;
		*tab = '\0';
		fields[i] = tab + 1;
	}
	if (uvpi_parse_u64(fields[0], "time", 0, INT64_MAX, &started, NULL) < 0 ||
	    uvpi_parse_u64(fields[1], "done", 0, UINT64_MAX, &job->done, NULL) < 0 ||
	    uvpi_parse_u64(fields[2], "total", 0, UINT64_MAX, &job->total, NULL) < 0 ||
	    uvpi_parse_u64(fields[3], "unit", 0, UVP_UNIT_SECONDS, &unit, NULL) < 0)
		return false;
	job->started_s = (int64_t)started;
	job->unit = (enum uvp_unit)unit;
	snprintf(job->phase, sizeof(job->phase), "%s", fields[4]);
	snprintf(job->command, sizeof(job->command), "%s", fields[5]);
	return true;
}

static bool read_job(const char *folder, const char *name, struct uvpi_job *job)
{
	char path[PATH_MAX], text[RECORD + 1];
	_cleanup_close_ int fd = -1;
	struct stat status;
	ssize_t n;
	uint64_t pid;

	if (uvpi_parse_u64(name, "process", 1, INT32_MAX, &pid, NULL) < 0)
		return false;
	snprintf(path, sizeof(path), "%.3800s/%.20s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	/* Who is at work has the lock. One that has ended meanwhile took its name along, which the next may have. */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		if (fstat(fd, &status) == 0 && status.st_nlink)
			unlink(path);
		return false;
	}
	n = pread(fd, text, RECORD, 0);
	text[n > 0 ? n : 0] = '\0';
	job->pid = (uint32_t)pid;
	return parse_job(text, job);
}

static int by_start(const void *a, const void *b)
{
	const struct uvpi_job *left = a, *right = b;

	if (left->started_s != right->started_s)
		return left->started_s < right->started_s ? -1 : 1;
	return (left->pid > right->pid) - (left->pid < right->pid);
}

size_t uvpi_job_list(struct uvpi_job *jobs, size_t max)
{
	char folder[PATH_MAX];
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	size_t n = 0;

	path_of("jobs", folder);
	dir = opendir(folder);
	while (dir && n < max && (entry = readdir(dir)))
		n += read_job(folder, entry->d_name, &jobs[n]);
	if (n)
		qsort(jobs, n, sizeof(*jobs), by_start);
	return n;
}

/* ---- events ---- */

void uvpi_event_add(int64_t time_s, int level, const char *text)
{
	char path[PATH_MAX], old[PATH_MAX], line[320];
	_cleanup_close_ int fd = -1;
	struct stat status;
	int len = snprintf(line, sizeof(line), "%" PRId64 "\t%d\t%.255s", time_s, level, text);

	for (char *at = strchr(strchr(line, '\t') + 1, '\t') + 1; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	line[len++] = '\n';
	path_of("events", path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &status) < 0 || write(fd, line, (size_t)len) < 0)
		return;
	if (status.st_size > UVPI_EVENTS_SIZE) {
		path_of("events.old", old);
		rename(path, old);
	}
}

static bool parse_event(char *line, struct uvpi_event *event)
{
	char *level = strchr(line, '\t'), *text = level ? strchr(level + 1, '\t') : NULL;
	uint64_t time_s, number;

	if (!text)
		return false;
	*level++ = *text++ = '\0';
	if (uvpi_parse_u64(line, "time", 0, INT64_MAX, &time_s, NULL) < 0 || uvpi_parse_u64(level, "level", 0, 7, &number, NULL) < 0)
		return false;
	event->time_s = (int64_t)time_s;
	event->level = (int)number;
	snprintf(event->text, sizeof(event->text), "%s", text);
	return true;
}

/* Lines of the file, the last one first. */
static size_t read_events(const char *name, struct uvpi_event *events, size_t max)
{
	char path[PATH_MAX];
	_cleanup_free_ char *text = malloc(UVPI_EVENTS_SIZE + 1024);
	_cleanup_close_ int fd = -1;
	size_t n = 0;
	ssize_t len;

	path_of(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	len = fd < 0 || !text ? 0 : pread(fd, text, UVPI_EVENTS_SIZE + 1023, 0);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	for (char *end = memrchr(text, '\n', (size_t)len); end && n < max;) {
		char *before = memrchr(text, '\n', (size_t)(end - text));

		*end = '\0';
		n += parse_event(before ? before + 1 : text, &events[n]);
		end = before;
	}
	return n;
}

size_t uvpi_event_list(struct uvpi_event *events, size_t max)
{
	size_t n = read_events("events", events, max);

	return n + read_events("events.old", events + n, max - n);
}

bool uvpi_event_changed(uint64_t *stamp)
{
	struct stat status;
	char path[PATH_MAX];
	uint64_t now = 1;

	path_of("events", path);
	if (stat(path, &status) == 0)
		now = ((uint64_t)status.st_ino << 32) + (uint64_t)status.st_size + 2;
	if (now == *stamp)
		return false;
	*stamp = now;
	return true;
}
