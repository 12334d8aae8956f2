/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strings that describe one device each: comma-separated "key=value" and flags, checked by a
 * table. Messages begin behind the string, which the caller names. */
#ifndef UVPI_CONFIG_SPEC_H
#define UVPI_CONFIG_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

enum uvpi_spec_kind {
	SPEC_ANY,
	SPEC_NUMBER,
	SPEC_BOOL,
	SPEC_ONE_OF,
	SPEC_MAC,
	SPEC_UUID,
	SPEC_FLAG,
	SPEC_RATE,
	SPEC_CPUS,
	SPEC_NUMBERS
};

/* One "key=value" of a specification. */
struct uvpi_spec_param {
	const char *name;
	enum uvpi_spec_kind kind;
	const char *const *names; /* ONE_OF */
	uint32_t max;		  /* NUMBER */
	bool required;
	const char *instead; /* refused, and why or what instead */
};

/* All of text; blanks before each parameter are ignored. The table ends with a NULL name and has at
 * most 64 entries. */
int uvpi_spec_check(const struct uvpi_spec_param *params, const char *text, struct uvp_error *err);
/* One parameter; seen gets its bit. Cuts part at its '='. */
int uvpi_spec_check_part(const struct uvpi_spec_param *params, char *part, uint64_t *seen,
			 struct uvp_error *err);
/* One value. */
int uvpi_spec_check_one(const struct uvpi_spec_param *param, const char *value,
			struct uvp_error *err);
/* The entry for "name" or "name=..." or NULL; *ret_value is behind the '=' or NULL. */
const struct uvpi_spec_param *uvpi_spec_find(const struct uvpi_spec_param *params, const char *part,
					     const char **ret_value);
/* Fail: there is no such parameter, with a near match. */
int uvpi_spec_unknown(const struct uvpi_spec_param *params, const char *name,
		      struct uvp_error *err);
/* What a specification that has been checked says of `name`; NULL when it does not, or when out of memory. The caller
 * frees it. */
char *uvpi_spec_get(const char *text, const char *name);
/* Fail: the value is no EXPECTED. */
int uvpi_spec_bad(struct uvp_error *err, const char *name, const char *value, const char *expected);

#endif
