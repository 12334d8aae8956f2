/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* json-c's tokener keeps its place between calls, so that a message may come in any number of pieces. */
#include "qmp/frame.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* A struct qmp_value is a struct json_object: this file is where the one becomes the other. */
static struct json_object *json(const struct qmp_value *value)
{
	return (struct json_object *)(uintptr_t)value;
}

static struct qmp_value *value_of(struct json_object *object)
{
	return (struct qmp_value *)object;
}

void qmp_value_free(struct qmp_value *value)
{
	json_object_put(json(value));
}

/* ---- reading ---- */

static struct json_tokener *new_tokener(int flags)
{
	struct json_tokener *tokener = json_tokener_new_ex(QMP_DEPTH_MAX);

	if (tokener)
		json_tokener_set_flags(tokener, flags | JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return tokener;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int qmp_value_parse(const char *text, const char *what, struct qmp_value **ret_value, struct uvp_error *err)
{
	struct json_tokener *tokener;
	struct json_object *object;
	enum json_tokener_error error;
	size_t len = strlen(text), end;

	if (len >= QMP_MESSAGE_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s has more than %u bytes", what, QMP_MESSAGE_MAX);
	tokener = new_tokener(JSON_TOKENER_VALIDATE_UTF8);
	if (!tokener)
		return uvpi_no_memory(err);
	/* With the NUL, so that a number at the end is known to be complete. */
	object = json_tokener_parse_ex(tokener, text, (int)len + 1);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	while (end < len && is_blank(text[end]))
		end++;
	if (error == json_tokener_success && end >= len && object) {
		*ret_value = value_of(object);
		return 0;
	}
	json_object_put(object);
	if (error == json_tokener_success || error == json_tokener_continue)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s is no JSON value that ends with its text: '%.100s'", what,
				 text);
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s is not JSON at character %zu: %s", what, end + 1,
			 json_tokener_error_desc(error));
}

const struct qmp_value *qmp_value_get(const struct qmp_value *object, const char *key)
{
	struct json_object *found = NULL;

	if (!object || !json_object_is_type(json(object), json_type_object))
		return NULL;
	json_object_object_get_ex(json(object), key, &found);
	return value_of(found);
}

size_t qmp_value_count(const struct qmp_value *array)
{
	return array && json_object_is_type(json(array), json_type_array) ? json_object_array_length(json(array)) : 0;
}

const struct qmp_value *qmp_value_at(const struct qmp_value *array, size_t i)
{
	return i < qmp_value_count(array) ? value_of(json_object_array_get_idx(json(array), i)) : NULL;
}

const char *qmp_value_unknown_key(const struct qmp_value *object, const char *const *known)
{
	struct json_object_iterator it, end;

	if (!qmp_value_is_object(object))
		return NULL;
	it = json_object_iter_begin(json(object));
	end = json_object_iter_end(json(object));
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		int i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return key;
	}
	return NULL;
}

bool qmp_value_is_object(const struct qmp_value *value)
{
	return value && json_object_is_type(json(value), json_type_object);
}

const char *qmp_value_str(const struct qmp_value *object, const char *key)
{
	struct json_object *found = json(qmp_value_get(object, key));

	return found && json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

bool qmp_value_i64(const struct qmp_value *object, const char *key, int64_t *ret_number)
{
	struct json_object *found = json(qmp_value_get(object, key));

	if (!found || !json_object_is_type(found, json_type_int))
		return false;
	*ret_number = json_object_get_int64(found);
	return true;
}

bool qmp_value_bool(const struct qmp_value *object, const char *key, bool *ret_bool)
{
	struct json_object *found = json(qmp_value_get(object, key));

	if (!found || !json_object_is_type(found, json_type_boolean))
		return false;
	*ret_bool = json_object_get_boolean(found);
	return true;
}

char *qmp_value_text(const struct qmp_value *value, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
	text = json_object_to_json_string_ext(json(value), flags);
	return text ? strdup(text) : NULL;
}

/* ---- building ---- */

struct qmp_value *qmp_value_new(void)
{
	return value_of(json_object_new_object());
}

static void set(struct qmp_value *object, const char *key, struct json_object *value)
{
	if (!object || !value || json_object_object_add(json(object), key, value) < 0)
		json_object_put(value);
}

void qmp_value_set_str(struct qmp_value *object, const char *key, const char *text)
{
	set(object, key, json_object_new_string(text));
}

void qmp_value_set_i64(struct qmp_value *object, const char *key, int64_t number)
{
	set(object, key, json_object_new_int64(number));
}

void qmp_value_set_bool(struct qmp_value *object, const char *key, bool value)
{
	set(object, key, json_object_new_boolean(value));
}

void qmp_value_set(struct qmp_value *object, const char *key, struct qmp_value *value)
{
	set(object, key, json(value));
}

/* ---- a stream ---- */

struct qmp_frame {
	struct json_tokener *tokener;
	size_t size;  /* of the message that is not complete yet */
	unsigned int owed; /* bytes that its last character still lacks */
	bool broken;
};

struct qmp_frame *qmp_frame_new(void)
{
	struct qmp_frame *frame = calloc(1, sizeof(*frame));

	if (frame)
		frame->tokener = new_tokener(0);
	if (frame && frame->tokener)
		return frame;
	free(frame);
	return NULL;
}

void qmp_frame_free(struct qmp_frame *frame)
{
	if (!frame)
		return;
	json_tokener_free(frame->tokener);
	free(frame);
}

static int fail(struct qmp_frame *frame, struct uvp_error *err, const char *why)
{
	frame->broken = true;
	return uvpi_fail(err, UVP_E_PROTOCOL, 0, "what comes from QEMU is not QMP: %s", why);
}

/* json-c's own check takes a character that is cut at the end of a piece for a broken one. */
static bool is_utf8(struct qmp_frame *frame, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if (frame->owed) {
			if ((c & 0xc0) != 0x80)
				return false;
			frame->owed--;
		} else if (c >= 0x80) {
			if (c < 0xc2 || c > 0xf4)
				return false;
			frame->owed = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		}
	}
	return true;
}

int qmp_frame_feed(struct qmp_frame *frame, const char *data, size_t len, size_t *ret_used,
		   struct qmp_value **ret_value, struct uvp_error *err)
{
	struct json_object *object;
	size_t skip = 0, room, used;

	if (frame->broken)
		return fail(frame, err, "it broke off before");
	if (!frame->size)
		while (skip < len && is_blank(data[skip]))
			skip++;
	if (skip == len) {
		*ret_used = len;
		return 0;
	}
	room = QMP_MESSAGE_MAX - frame->size;
	used = len - skip < room ? len - skip : room;
	object = json_tokener_parse_ex(frame->tokener, data + skip, (int)used);
	switch (json_tokener_get_error(frame->tokener)) {
	case json_tokener_continue:
		if (!is_utf8(frame, data + skip, used))
			return fail(frame, err, "a message is no UTF-8");
		frame->size += used;
		if (frame->size >= QMP_MESSAGE_MAX)
			return fail(frame, err, "a message is too long");
		*ret_used = skip + used;
		return 0;
	case json_tokener_success:
		break;
	case json_tokener_error_depth:
		return fail(frame, err, "a message is nested too deeply");
	default:
		return fail(frame, err, json_tokener_error_desc(json_tokener_get_error(frame->tokener)));
	}
	used = json_tokener_get_parse_end(frame->tokener);
	json_tokener_reset(frame->tokener);
	frame->size = 0;
	if (!json_object_is_type(object, json_type_object) || !is_utf8(frame, data + skip, used)) {
		bool is_object = json_object_is_type(object, json_type_object);

		json_object_put(object);
		return fail(frame, err, is_object ? "a message is no UTF-8" : "a message is no object");
	}
	*ret_used = skip + used;
	*ret_value = value_of(object);
	return 1;
}
