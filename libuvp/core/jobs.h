/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What takes a while on this host, and what has happened, for those who look: /run/uvp/jobs has a file for each command that is
 * at work, which holds its lock; /run/uvp/events has a line for each event, and is begun anew when it has grown. Nothing depends
 * on either, so failures to write are of no consequence. */
#ifndef UVPI_JOBS_H
#define UVPI_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/progress.h>

#define UVPI_EVENTS_SIZE (128u << 10) /* of the file; the one before is kept, too */

struct uvpi_job {
	uint32_t pid;
	int64_t started_s; /* since 1970 */
	char command[128]; /* "xlx save web /srv/web" */
	char phase[64];
	uint64_t done, total; /* total 0: not known */
	enum uvp_unit unit;
};

/* The present process is at work. -1: nobody will know. */
int uvpi_job_begin(void);
void uvpi_job_update(int fd, const struct uvpi_job *job);
/* -1 is fine. */
void uvpi_job_end(int fd);
/* "xlx save web", from how the present process was called. */
void uvpi_job_command(char *buf, size_t len);
/* At most max that are at work, oldest first; returns the number. What was left by processes that are gone is removed. */
size_t uvpi_job_list(struct uvpi_job *jobs, size_t max);

struct uvpi_event {
	int64_t time_s; /* since 1970 */
	int level;      /* as syslog has them: 3 error, 4 warning, 5 notice */
	char text[256];
};

void uvpi_event_add(int64_t time_s, int level, const char *text);
/* The last ones, at most max, newest first; returns the number. */
size_t uvpi_event_list(struct uvpi_event *events, size_t max);
/* Whether there may be more since the last call, of which *stamp, 0 at first, is the memory. Costs next to nothing. */
bool uvpi_event_changed(uint64_t *stamp);

#endif
