/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checking "key=value,flag,..." by a table. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/spec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

int uvpi_spec_bad(struct uvp_error *err, const char *name, const char *value, const char *expected)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.60s' is no %s", name, value, expected);
}

static int check_one_of(const struct uvpi_spec_param *param, const char *value,
			struct uvp_error *err)
{
	char list[300];
	size_t len = 0;

	for (int i = 0; param->names[i]; i++) {
		if (!strcmp(param->names[i], value))
			return 0;
		if (*param->names[i] && len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						i ? ", " : "", param->names[i]);
	}
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.60s' is none of: %s", param->name, value,
			 list);
}

static int check_mac(const char *name, const char *value, struct uvp_error *err)
{
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? value[i] != ':' : !isxdigit((unsigned char)value[i]))
			return uvpi_spec_bad(err, name, value,
					     "MAC address like 00:16:3e:01:02:03");
	return value[17] ? uvpi_spec_bad(err, name, value, "MAC address like 00:16:3e:01:02:03")
			 : 0;
}

/* "10MB/s", "250Kb/s@20ms" */
static int check_rate(const char *name, const char *value, struct uvp_error *err)
{
	static const char *const units[] = { "B/s",  "KB/s", "MB/s", "GB/s", "b/s",
					     "Kb/s", "Mb/s", "Gb/s", NULL };
	size_t digits = strspn(value, "0123456789");
	const char *unit = value + digits;
	const char *at = strchr(unit, '@');
	size_t len = at ? (size_t)(at - unit) : strlen(unit);
	bool good = false;

	for (int i = 0; units[i]; i++)
		good |= strlen(units[i]) == len && !strncmp(units[i], unit, len);
	if (at && good) {
		const char *end = at + 1 + strspn(at + 1, "0123456789");

		good = end > at + 1 &&
		       (!*end || !strcmp(end, "us") || !strcmp(end, "ms") || !strcmp(end, "s"));
	}
	return digits && digits < 10 && good
		       ? 0
		       : uvpi_spec_bad(err, name, value, "rate like 10MB/s or 1MB/s@20ms");
}

static int check_numbers(const char *name, const char *value, struct uvp_error *err)
{
	if (!*value || strspn(value, "0123456789-,;^ ") != strlen(value))
		return uvpi_spec_bad(err, name, value, "list of numbers");
	return 0;
}

int uvpi_spec_check_one(const struct uvpi_spec_param *param, const char *value,
			struct uvp_error *err)
{
	uint8_t uuid[16];
	uint32_t number;

	switch (param->kind) {
	case SPEC_ANY:
		return 0;
	case SPEC_NUMBER:
		return uvpi_parse_u32(value, param->name, 0, param->max, &number, err);
	case SPEC_BOOL:
		return uvpi_parse_u32(value, param->name, 0, 1, &number, err);
	case SPEC_ONE_OF:
		return check_one_of(param, value, err);
	case SPEC_MAC:
		return check_mac(param->name, value, err);
	case SPEC_UUID:
		return uvpi_parse_uuid(value, uuid, err);
	case SPEC_RATE:
		return check_rate(param->name, value, err);
	case SPEC_CPUS:
	case SPEC_NUMBERS:
		return check_numbers(param->name, value, err);
	case SPEC_FLAG:
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' stands alone and takes no value",
				 param->name);
	}
	return 0;
}

int uvpi_spec_unknown(const struct uvpi_spec_param *params, const char *name, struct uvp_error *err)
{
	const char *names[48];
	const char *near;
	int n = 0;

	for (; params[n].name && n < 47; n++)
		names[n] = params[n].name;
	names[n] = NULL;
	near = uvpi_near_match(name, names);
	uvpi_fail(err, UVP_E_INVALID, 0, "there is no parameter '%.40s'", name);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

/* The entry for "name" or "name=..."; *ret_value is behind the '=' or NULL. */
const struct uvpi_spec_param *uvpi_spec_find(const struct uvpi_spec_param *params, const char *part,
					     const char **ret_value)
{
	size_t len = strcspn(part, "=");

	*ret_value = part[len] ? part + len + 1 : NULL;
	for (int i = 0; params[i].name; i++)
		if (strlen(params[i].name) == len && !strncmp(params[i].name, part, len))
			return &params[i];
	return NULL;
}

int uvpi_spec_check_part(const struct uvpi_spec_param *params, char *part, uint64_t *seen,
			 struct uvp_error *err)
{
	const char *value;
	const struct uvpi_spec_param *param = uvpi_spec_find(params, part, &value);

	if (!param) {
		part[strcspn(part, "=")] = '\0';
		return uvpi_spec_unknown(params, part, err);
	}
	if (param->instead) {
		uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is refused: %s", param->name,
			  param->instead);
		return -UVP_E_INVALID;
	}
	*seen |= 1ull << (param - params);
	if (!value && param->kind != SPEC_FLAG)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' needs a value: %s=...", param->name,
				 param->name);
	return value ? uvpi_spec_check_one(param, value, err) : 0;
}

static int check_required(const struct uvpi_spec_param *params, uint64_t seen,
			  struct uvp_error *err)
{
	for (int i = 0; params[i].name; i++)
		if (params[i].required && !(seen & 1ull << i))
			return uvpi_fail(err, UVP_E_INVALID, 0, "'%s=' is missing", params[i].name);
	return 0;
}

/* Comma-separated parameters; those in first..end; blanks before each are ignored. */
int uvpi_spec_check(const struct uvpi_spec_param *params, const char *text, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *left = copy, *part;
	uint64_t seen = 0;
	int rc = 0;

	if (!copy)
		return uvpi_no_memory(err);
	while (rc == 0 && (part = strsep(&left, ","))) {
		part += strspn(part, " \t");
		if (*part)
			rc = uvpi_spec_check_part(params, part, &seen, err);
	}
	return rc < 0 ? rc : check_required(params, seen, err);
}

char *uvpi_spec_get(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	while (*text) {
		text += strspn(text, " \t,");
		if (!strncmp(text, name, len) && text[len] == '=')
			found = text + len + 1;
		text += strcspn(text, ",");
	}
	return found ? strndup(found, strcspn(found, ",")) : NULL;
}
