/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/xml_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/write.h"
#include "core/error.h"
#include "core/num.h"

#define ELEMENT "  <uvp:key name='%s'>"
#define ELEMENT_END "</uvp:key>\n"
#define DOMAIN_END "</domain>\n"

/* Where the element of the key begins, where its value does and where that ends; NULL when there is none. */
static const char *find(const char *xml, const char *key, const char **ret_value, const char **ret_end)
{
	char start[96];
	const char *at;

	snprintf(start, sizeof(start), ELEMENT, key);
	at = strstr(xml, start);
	if (!at)
		return NULL;
	*ret_value = at + strlen(start);
	*ret_end = strstr(*ret_value, ELEMENT_END);
	return *ret_end ? at : NULL;
}

/* The character that a reference as write_text() makes them stands for, and how long it is; 0: it is none. */
static size_t reference(const char *text, char *ret_char)
{
	static const struct {
		const char *text;
		char c;
	} names[] = { { "&amp;", '&' }, { "&lt;", '<' },  { "&gt;", '>' },  { "&apos;", '\'' },
		      { "&#9;", '\t' }, { "&#10;", '\n' }, { "&#13;", '\r' } };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i].text);

		if (!strncmp(text, names[i].text, len)) {
			*ret_char = names[i].c;
			return len;
		}
	}
	return 0;
}

/* NULL when out of memory. */
static char *unescape(const char *text, const char *end)
{
	char *plain = malloc((size_t)(end - text) + 1), *to = plain;

	while (plain && text < end) {
		size_t len = reference(text, to);

		if (!len) {
			*to = *text;
			len = 1;
		}
		to++;
		text += len;
	}
	if (plain)
		*to = '\0';
	return plain;
}

int uvpi_xml_list_get(const char *xml, const char *key, struct xlcfg_value *ret_list, struct uvp_error *err)
{
	_cleanup_free_ char *plain = NULL;
	const char *value, *end;
	struct xlcfg_value list = { .kind = XLCFG_LIST };
	int r;

	if (find(xml, key, &value, &end)) {
		plain = unescape(value, end);
		if (!plain)
			return uvpi_no_memory(err);
		r = xlcfg_parse_value(key, 1, plain, strlen(plain), &list, err);
		if (r < 0)
			return r;
		if (list.kind != XLCFG_LIST) {
			xlcfg_value_done(&list);
			return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' of the domain's configuration is no list", key);
		}
	}
	*ret_list = list;
	return 0;
}

int uvpi_xml_list_set(const char *xml, const char *key, const struct xlcfg_value *list, char **ret_xml,
		      struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL, *made = NULL;
	const char *value, *end, *at = find(xml, key, &value, &end), *rest;
	size_t len = 0;
	FILE *out;

	rest = at ? end + strlen(ELEMENT_END) : at;
	if (!at)
		at = rest = strstr(xml, DOMAIN_END);
	if (!at)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the domain's configuration is cut off");
	text = xlcfg_value_text(list);
	out = text ? open_memstream(&made, &len) : NULL;
	if (!out)
		return uvpi_no_memory(err);
	fwrite(xml, 1, (size_t)(at - xml), out);
	if (list->n_items) {
		fprintf(out, ELEMENT, key);
		uvpi_xml_write_text(out, text);
		fputs(ELEMENT_END, out);
	}
	fputs(rest, out);
	if (fclose(out) != 0)
		return uvpi_no_memory(err);
	*ret_xml = uvpi_steal(&made);
	return 0;
}

int uvpi_list_append(struct xlcfg_value *list, const char *text, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	struct xlcfg_value *grown =
		copy ? reallocarray(list->items, (size_t)list->n_items + 1, sizeof(*grown)) : NULL;

	if (!grown)
		return uvpi_no_memory(err);
	list->items = grown;
	grown[list->n_items++] = (struct xlcfg_value){ .kind = XLCFG_STRING, .line = 1, .text = uvpi_steal(&copy) };
	return 0;
}

void uvpi_list_remove(struct xlcfg_value *list, int i)
{
	xlcfg_value_done(&list->items[i]);
	list->n_items--;
	memmove(&list->items[i], &list->items[i + 1], (size_t)(list->n_items - i) * sizeof(*list->items));
}
