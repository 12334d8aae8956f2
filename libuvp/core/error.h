/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling and enriching struct uvp_error. All keep errno. */
#ifndef UVPI_ERROR_H
#define UVPI_ERROR_H

#include <uvp/error.h>

/* Fill err (if not NULL; its hint becomes empty) and return -code. */
int uvpi_fail(struct uvp_error *err, enum uvp_errcode code, int sys_errno, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same with the code that fits sys_errno, and ": " and the system's text for it appended. */
int uvpi_fail_errno(struct uvp_error *err, int sys_errno, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Set the hint of an error that is already filled. */
void uvpi_hint(struct uvp_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the message of an error that is already filled. */
void uvpi_prefix(struct uvp_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The code that an errno of a system call means to a caller. */
enum uvp_errcode uvpi_errcode_of(int sys_errno);

int uvpi_no_memory(struct uvp_error *err);

/* In reserved[0], where a code has more than one meaning for ourselves. ENDED: the domain has ended and its name is free,
 * but somebody holds memory of it. */
#define UVPI_MARK_ENDED 1

/* Debug messages: to stderr when the environment has UVP_DEBUG, else nowhere. */
void uvpi_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
