/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only readers of numbers, sizes, booleans and UUIDs from text. The whole text must be the
 * value: no blanks around it, nothing behind it, nothing empty. All return 0, or INVALID with a
 * sentence that quotes the text and says what is expected; `what` names the value in it. */
#ifndef UVPI_NUM_H
#define UVPI_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

/* Decimal, or hexadecimal after 0x; within min..max. */
int uvpi_parse_u64(const char *text, const char *what, uint64_t min, uint64_t max,
		   uint64_t *ret_value, struct uvp_error *err);
int uvpi_parse_i64(const char *text, const char *what, int64_t min, int64_t max,
		   int64_t *ret_value, struct uvp_error *err);
int uvpi_parse_u32(const char *text, const char *what, uint32_t min, uint32_t max,
		   uint32_t *ret_value, struct uvp_error *err);

/* A size with an optional unit b, k, m, g, t (any case, optionally followed by "b" or "iB"; powers of
 * 1024). A bare number is in units of default_unit bytes. The result is in bytes. */
int uvpi_parse_size(const char *text, const char *what, uint64_t default_unit, uint64_t *ret_bytes,
		    struct uvp_error *err);

/* "1s", "500ms", "2m", "1h", or a bare number of seconds; the result is in milliseconds. */
int uvpi_parse_duration(const char *text, const char *what, int64_t *ret_ms, struct uvp_error *err);

/* 0, 1, yes, no, true, false, on, off. */
int uvpi_parse_bool(const char *text, const char *what, bool *ret_value, struct uvp_error *err);

#define UVPI_UUID_TEXT 37
/* 8-4-4-4-12 hexadecimal digits. */
int uvpi_parse_uuid(const char *text, uint8_t ret_uuid[16], struct uvp_error *err);
bool uvpi_is_uuid(const char *text);
void uvpi_format_uuid(const uint8_t uuid[16], char text[UVPI_UUID_TEXT]);
/* A random UUID (version 4) from getrandom(2). */
int uvpi_new_uuid(uint8_t ret_uuid[16], struct uvp_error *err);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t uvpi_now_ms(void);
int64_t uvpi_now_us(void);

/* The candidate nearest to text (few edits away), or NULL: for "did you mean". The list ends in NULL. */
const char *uvpi_near_match(const char *text, const char *const *candidates);

#endif
