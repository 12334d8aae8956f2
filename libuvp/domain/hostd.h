/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where uvp-hostd shows that it runs, and what it notes about domains: for the daemon itself and for whoever
 * wants to know. */
#ifndef UVPI_HOSTD_H
#define UVPI_HOSTD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uvp/error.h>

#define UVPI_HOSTD_LOCK "hostd.lock" /* in uvpi_run_dir() */
#define UVPI_HOSTD_DUMPS "/var/lib/uvp/dumps"
#define UVPI_HOSTD_FAILED "/var/lib/uvp/failed"

/* /uvp/domain/DOMID/ended: uvp-hostd has done what it had to for this domain that has shut down, and left it there.
 * One of the words below. */
#define UVPI_ENDED_PRESERVE "preserve"             /* its configuration says so */
#define UVPI_ENDED_RENAME "rename-restart"         /* likewise; its successor runs */
#define UVPI_ENDED_LIMIT "restart-limit"           /* it was restarted too often in a row */
#define UVPI_ENDED_UNREADABLE "configuration-lost" /* its configuration cannot be read, so nobody knows what to do */
/* The word in a sentence for people; "" for NULL. */
const char *uvpi_ended_text(const char *word);

struct uvpi_hostd_status {
	bool running;
	pid_t pid;        /* 0 if it is not known */
	int64_t since_s;  /* CLOCK_REALTIME; 0 if it is not known */
	char version[32];
};

/* Whether a uvp-hostd runs: somebody holds the lock. */
int uvpi_hostd_status(struct uvpi_hostd_status *ret_status, struct uvp_error *err);

/* Become this host's uvp-hostd: an open-file-description lock on the file, so that a job that outlives a killed daemon
 * for a moment still keeps the next one out. BUSY names the holder; what only jobs of a dead one hold is waited for,
 * wait_ms at most. */
int uvpi_hostd_lock(int wait_ms, int *ret_fd, struct uvp_error *err);

#endif
