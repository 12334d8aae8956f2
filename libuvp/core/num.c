/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The only readers of numbers, sizes, durations, booleans and UUIDs. */
#include "core/num.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/error.h"

/* Read an unsigned number at the start of text; *ret_end is the first character after it. */
static bool read_digits(const char *text, uint64_t *ret_value, const char **ret_end)
{
	unsigned int base = 10;
	uint64_t value = 0;
	const char *p = text;
	const char *first;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	first = p;
	for (; isxdigit((unsigned char)*p); p++) {
		unsigned int digit;

		if (isdigit((unsigned char)*p))
			digit = (unsigned int)(*p - '0');
		else if (base == 16)
			digit = (unsigned int)(tolower((unsigned char)*p) - 'a') + 10;
		else
			break;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	if (p == first)
		return false;
	*ret_value = value;
	*ret_end = p;
	return true;
}

int uvpi_parse_u64(const char *text, const char *what, uint64_t min, uint64_t max,
		   uint64_t *ret_value, struct uvp_error *err)
{
	const char *end;
	uint64_t value;

	if (!read_digits(text, &value, &end) || *end)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.64s' is not a whole number", what, text);
	if (value < min || value > max)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %.64s is not within %llu to %llu", what, text,
				 (unsigned long long)min, (unsigned long long)max);
	*ret_value = value;
	return 0;
}

int uvpi_parse_i64(const char *text, const char *what, int64_t min, int64_t max, int64_t *ret_value,
		   struct uvp_error *err)
{
	bool negative = *text == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	const char *end;
	uint64_t magnitude;
	int64_t value;

	if (!read_digits(text + negative, &magnitude, &end) || *end || magnitude > limit)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.64s' is not a whole number", what, text);
	value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (value < min || value > max)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %.64s is not within %lld to %lld", what, text,
				 (long long)min, (long long)max);
	*ret_value = value;
	return 0;
}

int uvpi_parse_u32(const char *text, const char *what, uint32_t min, uint32_t max,
		   uint32_t *ret_value, struct uvp_error *err)
{
	uint64_t value = 0;
	int rc = uvpi_parse_u64(text, what, min, max, &value, err);

	if (rc < 0)
		return rc;
	*ret_value = (uint32_t)value;
	return 0;
}

int uvpi_parse_size(const char *text, const char *what, uint64_t default_unit, uint64_t *ret_bytes,
		    struct uvp_error *err)
{
	static const char units[] = "bkmgt";
	uint64_t unit = default_unit;
	const char *end;
	uint64_t value;

	if (!read_digits(text, &value, &end))
		goto bad;
	if (*end) {
		const char *u = strchr(units, tolower((unsigned char)*end));

		if (!u)
			goto bad;
		unit = (uint64_t)1 << (10 * (u - units));
		end++;
		if (*end && unit > 1 && strcasecmp(end, "b") && strcasecmp(end, "ib"))
			goto bad;
		if (*end && unit == 1)
			goto bad;
	}
	if (__builtin_mul_overflow(value, unit, ret_bytes))
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %.64s is too large", what, text);
	return 0;
bad:
	return uvpi_fail(err, UVP_E_INVALID, 0,
			 "%s: '%.64s' is not a size; write a number and a unit, such as 512m or 2g", what,
			 text);
}

int uvpi_parse_duration(const char *text, const char *what, int64_t *ret_ms, struct uvp_error *err)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	const char *end;
	uint64_t value;

	if (!read_digits(text, &value, &end))
		goto bad;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].suffix))
			continue;
		if (value > (uint64_t)(INT64_MAX / 4 / units[i].ms))
			return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %.64s is too long", what, text);
		*ret_ms = (int64_t)value * units[i].ms;
		return 0;
	}
bad:
	return uvpi_fail(err, UVP_E_INVALID, 0,
			 "%s: '%.64s' is not a time; write seconds, or a number with ms, s, m, h or d", what,
			 text);
}

int uvpi_parse_bool(const char *text, const char *what, bool *ret_value, struct uvp_error *err)
{
	static const char *const words[][4] = { { "0", "no", "false", "off" },
						{ "1", "yes", "true", "on" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (!strcasecmp(text, words[value][i])) {
				*ret_value = value;
				return 0;
			}
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.64s' is neither yes (1) nor no (0)", what, text);
}

bool uvpi_is_uuid(const char *text)
{
	return uvpi_parse_uuid(text, (uint8_t[16]){ 0 }, NULL) == 0;
}

int uvpi_parse_uuid(const char *text, uint8_t ret_uuid[16], struct uvp_error *err)
{
	uint8_t uuid[16] = { 0 };
	int nibble = 0;

	for (int i = 0; i < UVPI_UUID_TEXT - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		unsigned char c = (unsigned char)text[i];

		if (dash ? c != '-' : !isxdigit(c))
			goto bad;
		if (dash)
			continue;
		c = (unsigned char)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
		uuid[nibble / 2] = (uint8_t)(uuid[nibble / 2] << 4 | c);
		nibble++;
	}
	if (text[UVPI_UUID_TEXT - 1])
		goto bad;
	memcpy(ret_uuid, uuid, sizeof(uuid));
	return 0;
bad:
	return uvpi_fail(err, UVP_E_INVALID, 0,
			 "'%.64s' is not a UUID: 32 hexadecimal digits as 8-4-4-4-12 are expected", text);
}

void uvpi_format_uuid(const uint8_t u[16], char text[UVPI_UUID_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	char *p = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[u[i] >> 4];
		*p++ = hex[u[i] & 15];
	}
	*p = '\0';
}

int uvpi_new_uuid(uint8_t ret_uuid[16], struct uvp_error *err)
{
	uint8_t uuid[16];

	if (getrandom(uuid, sizeof(uuid), 0) != (ssize_t)sizeof(uuid))
		return uvpi_fail_errno(err, errno, "cannot make a UUID: no random bytes");
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* RFC 4122, version 4 */
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	memcpy(ret_uuid, uuid, sizeof(uuid));
	return 0;
}

int64_t uvpi_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t uvpi_now_ms(void)
{
	return uvpi_now_us() / 1000;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b; words longer than 40 never match. */
static int edit_distance(const char *a, const char *b)
{
	int rows[3][42];
	int n = (int)strlen(a), m = (int)strlen(b);
	int *prev2 = rows[0], *prev = rows[1], *row = rows[2];

	if (n > 40 || m > 40)
		return 1000;
	for (int j = 0; j <= m; j++)
		prev[j] = j;
	for (int i = 1; i <= n; i++) {
		int *spare = prev2;

		row[0] = i;
		for (int j = 1; j <= m; j++) {
			int differs = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
			int best = prev[j - 1] + differs;

			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			row[j] = best;
		}
		prev2 = prev;
		prev = row;
		row = spare;
	}
	return prev[m];
}

const char *uvpi_near_match(const char *text, const char *const *candidates)
{
	int limit = strlen(text) <= 4 ? 1 : strlen(text) <= 8 ? 2 : 3;
	const char *best = NULL;

	for (; *candidates; candidates++) {
		int distance = edit_distance(text, *candidates);

		if (distance <= limit) {
			best = *candidates;
			limit = distance - 1;
		}
	}
	return best;
}
