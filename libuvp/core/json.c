/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/json.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/utf8.h"

/* A failed value makes the container it should have gone into failed, and so on up to the root. */
struct uvpi_json {
	struct json_object *value;
	bool failed;
};

static struct uvpi_json *wrap(struct json_object *value)
{
	struct uvpi_json *json = malloc(sizeof(*json));

	if (!json || !value) {
		json_object_put(value);
		free(json);
		return NULL;
	}
	*json = (struct uvpi_json){ .value = value };
	return json;
}

struct uvpi_json *uvpi_json_object(void)
{
	return wrap(json_object_new_object());
}

struct uvpi_json *uvpi_json_array(void)
{
	return wrap(json_object_new_array());
}

void uvpi_json_free(struct uvpi_json *value)
{
	if (!value)
		return;
	json_object_put(value->value);
	free(value);
}

/* ---- text ---- */

static struct json_object *new_text(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	size_t len = strlen(text), at = 0, out = 0, n;
	uint32_t code;
	_cleanup_free_ char *clean = NULL;

	while (at < len && (n = uvpi_utf8_decode(text + at, text + len, &code)))
		at += n;
	if (at == len)
		return json_object_new_string_len(text, (int)len);
	clean = malloc(len * 3);
	if (!clean)
		return NULL;
	for (at = 0; at < len;) {
		n = uvpi_utf8_decode(text + at, text + len, &code);
		memcpy(clean + out, n ? text + at : replacement, n ? n : 3);
		out += n ? n : 3;
		at += n ? n : 1;
	}
	return json_object_new_string_len(clean, (int)out);
}

/* ---- into an object ---- */

/* NULL as a value is null in json-c: the callers say when NULL means that memory is gone. */
static void set(struct uvpi_json *object, const char *key, struct json_object *value)
{
	if (!object)
		json_object_put(value);
	else if (json_object_object_add(object->value, key, value) < 0) {
		json_object_put(value);
		object->failed = true;
	}
}

static void set_new(struct uvpi_json *object, const char *key, struct json_object *value)
{
	if (value)
		set(object, key, value);
	else if (object)
		object->failed = true;
}

void uvpi_json_set(struct uvpi_json *object, const char *key, struct uvpi_json *value)
{
	if (!value) {
		set_new(object, key, NULL);
		return;
	}
	if (object && value->failed)
		object->failed = true;
	set(object, key, value->value);
	free(value);
}

void uvpi_json_set_str(struct uvpi_json *object, const char *key, const char *text)
{
	if (text)
		set_new(object, key, new_text(text));
	else
		set(object, key, NULL);
}

void uvpi_json_set_u64(struct uvpi_json *object, const char *key, uint64_t number)
{
	set_new(object, key, json_object_new_uint64(number));
}

void uvpi_json_set_i64(struct uvpi_json *object, const char *key, int64_t number)
{
	set_new(object, key, json_object_new_int64(number));
}

void uvpi_json_set_double(struct uvpi_json *object, const char *key, double number)
{
	set_new(object, key, json_object_new_double(number));
}

void uvpi_json_set_bool(struct uvpi_json *object, const char *key, bool value)
{
	set_new(object, key, json_object_new_boolean(value));
}

/* ---- into an array ---- */

static void add_new(struct uvpi_json *array, struct json_object *value)
{
	if (!array || !value || json_object_array_add(array->value, value) < 0) {
		json_object_put(value);
		if (array)
			array->failed = true;
	}
}

void uvpi_json_add(struct uvpi_json *array, struct uvpi_json *value)
{
	if (array && value && value->failed)
		array->failed = true;
	add_new(array, value ? value->value : NULL);
	free(value);
}

void uvpi_json_add_str(struct uvpi_json *array, const char *text)
{
	add_new(array, new_text(text));
}

void uvpi_json_add_u64(struct uvpi_json *array, uint64_t number)
{
	add_new(array, json_object_new_uint64(number));
}

int uvpi_json_text(const struct uvpi_json *value, bool pretty, char **ret_text, struct uvp_error *err)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;
	char *copy;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
	text = value && !value->failed ? json_object_to_json_string_ext(value->value, flags) : NULL;
	copy = text ? strdup(text) : NULL;
	if (!copy)
		return uvpi_no_memory(err);
	*ret_text = copy;
	return 0;
}
