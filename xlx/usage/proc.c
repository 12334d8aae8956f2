/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of threads from the kernel's own accounting. Where the kernel does not account for stolen time, as Debian's does
 * not, that is in it, and threads that begin and end between two readings are never seen. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "xlx/usage/tasks.h"

/* The file's beginning as text; false when it is gone. */
static bool read_text(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

/* "TID (name) S ...": the name may have anything in it, brackets too. Field 22 is when it began. */
static bool parse_stat(char *text, struct usage_task *task)
{
	char *name = strchr(text, '('), *end = strrchr(text, ')'), *save = NULL, *word;
	int field = 2;

	if (!name || !end || end < name)
		return false;
	*end = '\0';
	snprintf(task->name, sizeof(task->name), "%s", name + 1);
	for (word = strtok_r(end + 1, " ", &save); word && ++field < 22; word = strtok_r(NULL, " ", &save))
		;
	return word && uvpi_parse_u64(word, "start", 0, UINT64_MAX, &task->began, NULL) == 0;
}

/* Threads may end at any moment: then there is nothing to add. */
static int add_thread(const char *folder, uint32_t pid, const char *tid, struct usage_tasks *tasks, struct uvp_error *err)
{
	struct usage_task task = { .pid = pid }, *added;
	char path[512], text[1024];
	uint64_t number;

	snprintf(path, sizeof(path), "%s/%.20s/schedstat", folder, tid);
	if (!read_text(path, text, sizeof(text)))
		return 0;
	text[strcspn(text, " \n")] = '\0';
	if (uvpi_parse_u64(text, "time", 0, UINT64_MAX, &task.run_ns, NULL) < 0 ||
	    uvpi_parse_u64(tid, "thread", 1, UINT32_MAX, &number, NULL) < 0)
		return 0;
	snprintf(path, sizeof(path), "%s/%.20s/stat", folder, tid);
	if (!read_text(path, text, sizeof(text)) || !parse_stat(text, &task))
		return 0;
	task.tid = (uint32_t)number;
	added = usage_tasks_add(tasks);
	if (!added)
		return uvpi_no_memory(err);
	*added = task;
	return 0;
}

static int add_process(const char *proc, const char *pid, struct usage_tasks *tasks, struct uvp_error *err)
{
	char folder[300];
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	uint64_t number;
	int r = 0;

	if (uvpi_parse_u64(pid, "process", 1, UINT32_MAX, &number, NULL) < 0)
		return 0;
	snprintf(folder, sizeof(folder), "%.200s/%.20s/task", proc, pid);
	dir = opendir(folder);
	while (r == 0 && dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			r = add_thread(folder, (uint32_t)number, entry->d_name, tasks, err);
	return r;
}

uint32_t usage_proc_process_of(const char *proc, uint32_t tid)
{
	char path[300], text[2048], *line;
	uint32_t pid;

	/* There is a folder for each thread, although none that is no process is listed. */
	snprintf(path, sizeof(path), "%.200s/%" PRIu32 "/status", proc, tid);
	line = read_text(path, text, sizeof(text)) ? strstr(text, "\nTgid:\t") : NULL;
	if (!line)
		return 0;
	line += strlen("\nTgid:\t");
	line[strcspn(line, "\n")] = '\0';
	return uvpi_parse_u32(line, "process", 1, UINT32_MAX, &pid, NULL) < 0 ? 0 : pid;
}

int usage_proc_read(const char *proc, struct usage_tasks *ret_tasks, struct uvp_error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(proc);
	struct usage_tasks tasks = { .estimated = true };
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", proc);
	while (r == 0 && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			r = add_process(proc, entry->d_name, &tasks, err);
	if (r < 0) {
		usage_tasks_done(&tasks);
		return r;
	}
	usage_tasks_sort(&tasks);
	*ret_tasks = tasks;
	return 0;
}
