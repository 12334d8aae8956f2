/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What daemons say: to the journal with fields when standard error is the journal's, else to standard error with a level
 * prefix. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <uvp/error.h>

enum daemon_level {
	DAEMON_ERROR = 3,   /* someone must act */
	DAEMON_WARNING = 4, /* worked around; says how */
	DAEMON_NOTICE = 5,  /* life of a domain or device */
	DAEMON_INFO = 6,    /* once per operation */
	DAEMON_DEBUG = 7
};

/* name goes before each line on standard error. Levels above max are dropped. */
void daemon_log_open(const char *name, enum daemon_level max);
/* From now on, notices and what is worse are events for those who watch the host, too (core/jobs.h). */
void daemon_log_events(void);
/* "error", "warning", "notice", "info" or "debug"; -1 for others. */
int daemon_level_by_name(const char *name);

/* domain: name or id for the field UVP_DOMAIN, or NULL. */
void daemon_log(enum daemon_level level, const char *domain, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A failure, once, where it is handled: message, then hint; UVP_CODE is the code's name. */
void daemon_log_failure(enum daemon_level level, const char *domain, const struct uvp_error *err);

#endif
