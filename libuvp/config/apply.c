/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One value of one key: from the xl.cfg language into the configuration, by the table. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/keys.h"
#include "core/error.h"
#include "core/num.h"

int uvpi_reader_init(struct uvpi_reader *reader, const char *name, uvp_config_warn *warn,
		     void *warn_data, struct uvp_error *err)
{
	*reader = (struct uvpi_reader){
		.name = name,
		.place_name = name,
		.warn = warn,
		.warn_data = warn_data,
		.config = uvpi_config_new(),
		.places = calloc((size_t)uvpi_n_keys, sizeof(struct uvpi_key_place)),
	};
	if (reader->config)
		reader->config->source = strdup(name);
	if (!reader->config || !reader->config->source || !reader->places) {
		uvpi_reader_done(reader);
		return uvpi_no_memory(err);
	}
	return 0;
}

void uvpi_reader_done(struct uvpi_reader *reader)
{
	uvp_config_free(reader->config);
	free(reader->places);
	free(reader->cmdline);
	free(reader->root);
	free(reader->extra);
	memset(reader, 0, sizeof(*reader));
}

static void place(const struct uvpi_reader *reader, char *buf, size_t size)
{
	if (reader->no_lines || !reader->line)
		snprintf(buf, size, "%.200s", reader->place_name);
	else if (reader->column)
		snprintf(buf, size, "%.200s:%d:%d", reader->place_name, reader->line,
			 reader->column);
	else
		snprintf(buf, size, "%.200s:%d", reader->place_name, reader->line);
}

void uvpi_reader_warn(struct uvpi_reader *reader, const char *fmt, ...)
{
	char text[512], where[256];
	va_list ap;

	if (!reader->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	place(reader, where, sizeof(where));
	reader->warn(reader->warn_data, where, text);
}

int uvpi_reader_at(const struct uvpi_reader *reader, int rc, struct uvp_error *err)
{
	char where[256];

	if (rc < 0) {
		place(reader, where, sizeof(where));
		uvpi_prefix(err, "%s", where);
	}
	return rc;
}

struct uvpi_key_place uvpi_reader_place(const struct uvpi_reader *reader, const char *name)
{
	const struct uvpi_key *key = uvpi_key_find(name);

	return key ? reader->places[key - uvpi_keys] : (struct uvpi_key_place){ 0, 0 };
}

int uvpi_key_string(const struct xlcfg_value *value, const char **ret_text, struct uvp_error *err)
{
	if (value->kind == XLCFG_LIST)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a list was given; expected a string");
	*ret_text = value->text;
	return 0;
}

/* 0 and digits is octal, as in C and in xl. */
static int octal_number(const char *text, int64_t *ret_number)
{
	int64_t number = 0;

	for (const char *p = text; *p; p++)
		if (*p < '0' || *p > '7' || __builtin_mul_overflow(number, 8, &number) ||
		    __builtin_add_overflow(number, *p - '0', &number))
			return -1;
	*ret_number = number;
	return 0;
}

int uvpi_key_number(const struct xlcfg_value *value, const char *what, int64_t min, int64_t max,
		    int64_t *ret_number, struct uvp_error *err)
{
	int64_t number;

	if (value->kind == XLCFG_LIST)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: a list was given; expected a number",
				 what);
	if (value->text[0] != '0' || !isdigit((unsigned char)value->text[1]))
		return uvpi_parse_i64(value->text, what, min, max, ret_number, err);
	if (octal_number(value->text, &number) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "%s: '%.40s' begins with 0 and is no octal number", what,
				 value->text);
	if (number < min || number > max)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: %lld is not within %lld to %lld", what,
				 (long long)number, (long long)min, (long long)max);
	*ret_number = number;
	return 0;
}

static void *field(struct uvpi_reader *reader, const struct uvpi_key *key)
{
	return (char *)reader->config + key->offset;
}

/* Honoured keys of the plain types. */
static void store_number(struct uvpi_reader *reader, const struct uvpi_key *key, int64_t number)
{
	switch (key->type) {
	case KEY_BOOL:
		*(bool *)field(reader, key) = number != 0;
		break;
	case KEY_MIB:
		*(uint64_t *)field(reader, key) = (uint64_t)number * 1024;
		break;
	case KEY_I64:
		*(int64_t *)field(reader, key) = number;
		break;
	case KEY_I32:
		*(int32_t *)field(reader, key) = (int32_t)number;
		break;
	default: /* KEY_U32, and enumerations, which are as wide */
		*(uint32_t *)field(reader, key) = (uint32_t)number;
	}
}

static int keep(struct uvpi_reader *reader, const struct uvpi_key *key, const char *text,
		struct uvp_error *err)
{
	if (!text || uvpi_config_extra_set(reader->config, key->key, text,
					   reader->no_lines ? 0 : reader->line) < 0)
		return uvpi_no_memory(err);
	return 0;
}

static int keep_quoted(struct uvpi_reader *reader, const struct uvpi_key *key, const char *text,
		       struct uvp_error *err)
{
	_cleanup_free_ char *quoted = xlcfg_quote(text);

	return keep(reader, key, quoted, err);
}

static int apply_number(struct uvpi_reader *reader, const struct uvpi_key *key,
			const struct xlcfg_value *value, struct uvp_error *err)
{
	int64_t min = key->type == KEY_BOOL ? 0 : key->min,
		max = key->type == KEY_BOOL ? 1 : key->max;
	int64_t number;
	char text[32];
	int rc = uvpi_key_number(value, key->key, min, max, &number, err);

	if (rc < 0)
		return rc;
	if (key->status == KEY_HONOURED) {
		store_number(reader, key, number);
		return 0;
	}
	snprintf(text, sizeof(text), number < 0 ? "\"%lld\"" : "%lld", (long long)number);
	return keep(reader, key, text, err);
}

static int apply_string(struct uvpi_reader *reader, const struct uvpi_key *key,
			const struct xlcfg_value *value, struct uvp_error *err)
{
	const char *text = NULL;
	char *copy;
	int rc = uvpi_key_string(value, &text, err);

	if (rc == 0 && key->item)
		rc = key->item(text, err);
	if (rc < 0) {
		uvpi_prefix(err, "%s", key->key);
		return rc;
	}
	if (key->status != KEY_HONOURED)
		return keep_quoted(reader, key, text, err);
	copy = *text ? strdup(text) : NULL; /* an empty string is as good as none */
	if (*text && !copy)
		return uvpi_no_memory(err);
	free(*(char **)field(reader, key));
	*(char **)field(reader, key) = copy;
	return 0;
}

static void list_names(const char *const *names, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; names[i] && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", names[i]);
}

/* The index of a name or, where they are accepted, of a number. */
static int enum_index(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, struct uvp_error *err)
{
	char list[256];
	const char *near;
	int n = 0;

	if (value->kind == XLCFG_LIST)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: a list was given; expected a name",
				 key->key);
	for (; key->names[n]; n++)
		if (!strcmp(key->names[n], value->text))
			return n;
	if (key->numbers && isdigit((unsigned char)value->text[0])) {
		int64_t number;
		int rc = uvpi_key_number(value, key->key, 0, n - 1, &number, err);

		if (rc < 0)
			return rc;
		uvpi_reader_warn(reader, "numbers for '%s' are deprecated: write \"%s\"", key->key,
				 key->names[number]);
		return (int)number;
	}
	near = uvpi_near_match(value->text, key->names);
	list_names(key->names, list, sizeof(list));
	uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.60s' is none of: %s", key->key, value->text, list);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

static int apply_enum(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, struct uvp_error *err)
{
	int index = enum_index(reader, key, value, err);

	if (index < 0)
		return index;
	if (key->status != KEY_HONOURED)
		return keep_quoted(reader, key, key->names[index], err);
	store_number(reader, key, index);
	return 0;
}

static int check_item(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, struct uvp_error *err)
{
	int rc;

	reader->line = value->line;
	reader->column = value->column;
	if (value->kind == XLCFG_LIST)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "%s: a list stands where a string is expected", key->key);
	rc = key->item(value->text, err);
	if (rc < 0)
		uvpi_prefix(err, "%s: '%.80s'", key->key, value->text);
	return rc;
}

static int check_list(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, int depth, struct uvp_error *err)
{
	int rc = 0;

	if (value->kind != XLCFG_LIST) {
		reader->line = value->line;
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "%s: expected a list%s in [ ], found '%.60s'", key->key,
				 depth ? " of lists" : "", value->text);
	}
	for (int i = 0; i < value->n_items && rc == 0; i++)
		rc = depth ? check_list(reader, key, &value->items[i], depth - 1, err)
			   : check_item(reader, key, &value->items[i], err);
	return rc;
}

static int keep_value(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, struct uvp_error *err)
{
	_cleanup_free_ char *text = xlcfg_value_text(value);

	reader->line = value->line;
	return keep(reader, key, text, err);
}

static int apply_list(struct uvpi_reader *reader, const struct uvpi_key *key,
		      const struct xlcfg_value *value, struct uvp_error *err)
{
	int rc;

	if (key->type == KEY_STRINGS && value->kind != XLCFG_LIST) {
		rc = check_item(reader, key, value, err);
		return rc < 0 ? rc : keep_quoted(reader, key, value->text, err);
	}
	rc = check_list(reader, key, value, key->type == KEY_LISTS, err);
	return rc < 0 ? rc : keep_value(reader, key, value, err);
}

static bool is_number(const struct xlcfg_value *value)
{
	return value->kind != XLCFG_LIST && isdigit((unsigned char)value->text[0]);
}

/* The key's simple form: 0 or 1. */
static int apply_switch(struct uvpi_reader *reader, const struct uvpi_key *key, const struct xlcfg_value *value,
			struct uvp_error *err)
{
	const struct uvpi_key simple = { .key = key->key, .type = KEY_BOOL, .status = key->status };

	return apply_number(reader, &simple, value, err);
}

int uvpi_apply_bool_or_enum(struct uvpi_reader *reader, const struct uvpi_key *key,
			    const struct xlcfg_value *value, struct uvp_error *err)
{
	return is_number(value) ? apply_switch(reader, key, value, err)
				: apply_enum(reader, key, value, err);
}

int uvpi_apply_bool_or_list(struct uvpi_reader *reader, const struct uvpi_key *key,
			    const struct xlcfg_value *value, struct uvp_error *err)
{
	return is_number(value) ? apply_switch(reader, key, value, err)
				: apply_list(reader, key, value, err);
}

static int apply_known(struct uvpi_reader *reader, const struct uvpi_key *key,
		       const struct xlcfg_value *value, struct uvp_error *err)
{
	switch (key->type) {
	case KEY_STRING:
		return apply_string(reader, key, value, err);
	case KEY_BOOL:
	case KEY_U32:
	case KEY_I32:
	case KEY_I64:
	case KEY_MIB:
		return apply_number(reader, key, value, err);
	case KEY_ENUM:
		return apply_enum(reader, key, value, err);
	case KEY_LIST:
	case KEY_STRINGS:
	case KEY_LISTS:
		return apply_list(reader, key, value, err);
	case KEY_CUSTOM:
		return key->custom(reader, key, value, err);
	}
	return 0;
}

static int refuse(const struct uvpi_key *key, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_INVALID, 0, "key '%s' is refused: %s", key->key, key->why);
	if (key->instead)
		uvpi_hint(err, "use '%s' instead", key->instead);
	else
		uvpi_hint(err, "remove the line");
	return -UVP_E_INVALID;
}

static int unknown(const char *name, struct uvp_error *err)
{
	const char *near = uvpi_key_near(name);

	uvpi_fail(err, UVP_E_INVALID, 0, "there is no key '%.60s'", name);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	else
		uvpi_hint(err, "xlx.cfg(5) lists all keys");
	return -UVP_E_INVALID;
}

int uvpi_reader_apply(struct uvpi_reader *reader, const char *name, int line,
		      const struct xlcfg_value *value, struct uvp_error *err)
{
	const struct uvpi_key *key = uvpi_key_find(name);
	int rc;

	reader->line = line;
	if (!key)
		return uvpi_reader_at(reader, unknown(name, err), err);
	reader->places[key - uvpi_keys] =
		(struct uvpi_key_place){ reader->no_lines || !line ? -1 : line, reader->column };
	if (key->status == KEY_REFUSED)
		return uvpi_reader_at(reader, refuse(key, err), err);
	if (key->status == KEY_IGNORED) {
		uvpi_reader_warn(reader, "'%s' is ignored: %s", key->key, key->why);
		return 0;
	}
	if (key->instead)
		uvpi_reader_warn(reader, "'%s' is deprecated: use '%s'", key->key, key->instead);
	rc = apply_known(reader, key, value, err);
	return uvpi_reader_at(reader, rc, err);
}
