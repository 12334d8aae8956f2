/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place that knows json-c. Values are built bottom-up; adding hands over ownership. A failed allocation is
 * remembered in the root and reported by uvpi_json_text(), so that builders need not check each line. */
#ifndef UVPI_JSON_H
#define UVPI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_json;

struct uvpi_json *uvpi_json_object(void);
struct uvpi_json *uvpi_json_array(void);
void uvpi_json_free(struct uvpi_json *value);

/* into an object (key) */
void uvpi_json_set(struct uvpi_json *object, const char *key, struct uvpi_json *value);
void uvpi_json_set_str(struct uvpi_json *object, const char *key, const char *text); /* NULL gives null */
void uvpi_json_set_u64(struct uvpi_json *object, const char *key, uint64_t number);
void uvpi_json_set_i64(struct uvpi_json *object, const char *key, int64_t number);
void uvpi_json_set_double(struct uvpi_json *object, const char *key, double number);
void uvpi_json_set_bool(struct uvpi_json *object, const char *key, bool value);
/* into an array */
void uvpi_json_add(struct uvpi_json *array, struct uvpi_json *value);
void uvpi_json_add_str(struct uvpi_json *array, const char *text);
void uvpi_json_add_u64(struct uvpi_json *array, uint64_t number);

/* Text that is the caller's to free(). Invalid UTF-8 of guests comes out as U+FFFD. */
int uvpi_json_text(const struct uvpi_json *value, bool pretty, char **ret_text, struct uvp_error *err);

#endif
