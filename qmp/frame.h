/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON as QMP speaks it: messages split out of a stream of bytes, and readers for what they hold. Whoever sends them is
 * not trusted: size and depth are bounded, and nothing but strict JSON in valid UTF-8 is accepted. */
#ifndef QMP_FRAME_H
#define QMP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"

#define QMP_MESSAGE_MAX (4u << 20) /* query-qmp-schema of QEMU 7.2 answers with 220 KiB */
#define QMP_DEPTH_MAX 32

/* ---- values; NULL stands for one that is not there, and is accepted by every reader ---- */
struct qmp_value;
void qmp_value_free(struct qmp_value *value); /* of whole messages only: what is in them is lent */
UVPI_DEFINE_CLEANUP(struct qmp_value *, qmp_value_free);
#define _cleanup_value_ UVPI_CLEANUP(qmp_value_free)

/* One JSON value and nothing else but blanks around it; INVALID tells at which character it is wrong. */
int qmp_value_parse(const char *text, const char *what, struct qmp_value **ret_value, struct uvp_error *err);
/* Member of an object; NULL when it is not there or this is no object. */
const struct qmp_value *qmp_value_get(const struct qmp_value *object, const char *key);
const struct qmp_value *qmp_value_at(const struct qmp_value *array, size_t i);
size_t qmp_value_count(const struct qmp_value *array); /* 0 when it is no array */
/* The first key of an object that is not among those known, which end in NULL; NULL when there is none. Lent. */
const char *qmp_value_unknown_key(const struct qmp_value *object, const char *const *known);
bool qmp_value_is_object(const struct qmp_value *value);
/* The text of a string member, lent; NULL when there is none. Ends at the first NUL in it. */
const char *qmp_value_str(const struct qmp_value *object, const char *key);
bool qmp_value_i64(const struct qmp_value *object, const char *key, int64_t *ret_number);
bool qmp_value_bool(const struct qmp_value *object, const char *key, bool *ret_bool);
/* As text that is the caller's; NULL when out of memory. pretty: over several lines. */
char *qmp_value_text(const struct qmp_value *value, bool pretty);

/* ---- building, for commands; every function accepts NULL, and a failure shows in qmp_value_text() ---- */
struct qmp_value *qmp_value_new(void); /* an object */
void qmp_value_set_str(struct qmp_value *object, const char *key, const char *text);
void qmp_value_set_i64(struct qmp_value *object, const char *key, int64_t number);
void qmp_value_set_bool(struct qmp_value *object, const char *key, bool value);
void qmp_value_set(struct qmp_value *object, const char *key, struct qmp_value *value); /* takes it over */

/* ---- a stream ---- */
struct qmp_frame;
struct qmp_frame *qmp_frame_new(void); /* NULL when out of memory */
void qmp_frame_free(struct qmp_frame *frame);
/* Look at len bytes more. 1: *ret_value is a message (always an object), and *ret_used bytes were used up; call again
 * with the others. 0: all were used up, and no message is complete. PROTOCOL when this is not QMP: the stream is
 * of no use from there on. */
int qmp_frame_feed(struct qmp_frame *frame, const char *data, size_t len, size_t *ret_used,
		   struct qmp_value **ret_value, struct uvp_error *err);

#endif
