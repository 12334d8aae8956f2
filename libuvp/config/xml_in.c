/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helpers for turning elements into settings. */
#include "config/xml_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/xml.h"
#include "config/xml_parse.h"
#include "core/error.h"
#include "core/num.h"

const char *uvpi_xml_name(const xmlNode *element)
{
	return (const char *)element->name;
}

void uvpi_xml_go(struct uvpi_xml_in *in, const xmlNode *element)
{
	in->reader->line = uvpi_xml_line(element);
	in->reader->column = uvpi_xml_column(element);
}

int uvpi_xml_fail(struct uvpi_xml_in *in, const xmlNode *element, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	uvpi_xml_go(in, element);
	uvpi_fail(in->err, UVP_E_INVALID, 0, "<%.40s>: %s", uvpi_xml_name(element), text);
	return uvpi_reader_at(in->reader, -UVP_E_INVALID, in->err);
}

void uvpi_xml_warn(struct uvpi_xml_in *in, const xmlNode *element, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	uvpi_xml_go(in, element);
	uvpi_reader_warn(in->reader, "<%.40s>: %s", uvpi_xml_name(element), text);
}

/* Attributes have one text child, or none when they are empty. */
static const char *attr_value(const xmlAttr *attr)
{
	if (!attr->children)
		return "";
	return attr->children->content ? (const char *)attr->children->content : "";
}

const char *uvpi_xml_attr(const xmlNode *element, const char *name)
{
	for (xmlAttr *attr = element->properties; attr; attr = attr->next)
		if (!attr->ns && !strcmp((const char *)attr->name, name)) {
			attr->_private = attr; /* read */
			return attr_value(attr);
		}
	return NULL;
}

int uvpi_xml_only_attrs(struct uvpi_xml_in *in, const xmlNode *element, const char *const *names)
{
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next) {
		const char *near;
		int i = 0;

		while (names[i] && (attr->ns || strcmp(names[i], (const char *)attr->name) != 0))
			i++;
		if (names[i])
			continue;
		near = uvpi_near_match((const char *)attr->name, names);
		uvpi_xml_fail(in, element, "there is no attribute '%.40s' here",
			      (const char *)attr->name);
		if (near)
			uvpi_hint(in->err, "did you mean '%s'?", near);
		return -UVP_E_INVALID;
	}
	return 0;
}

int uvpi_xml_text(struct uvpi_xml_in *in, const xmlNode *element, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return uvpi_no_memory(in->err);
	for (const xmlNode *child = element->children; child; child = child->next) {
		if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
			fputs((const char *)child->content, out);
		} else if (child->type == XML_ELEMENT_NODE) {
			fclose(out);
			return uvpi_xml_fail(in, child, "no element is expected inside <%.40s>",
					     uvpi_xml_name(element));
		}
	}
	if (fclose(out) != 0)
		return uvpi_no_memory(in->err);
	*ret_text = uvpi_steal(&text);
	return 0;
}

const xmlNode *uvpi_xml_child(const xmlNode *element, const char *name)
{
	for (const xmlNode *child = element->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE && !child->ns &&
		    !strcmp(uvpi_xml_name(child), name)) {
			uvpi_xml_mark(child, false);
			return child;
		}
	return NULL;
}

static int given_twice(struct uvpi_xml_in *in, const xmlNode *element, const char *key)
{
	struct uvpi_key_place place = uvpi_reader_place(in->reader, key);

	if (!place.line)
		return 0;
	return uvpi_xml_fail(in, element, "this was given before, at line %d", place.line);
}

int uvpi_xml_set(struct uvpi_xml_in *in, const xmlNode *element, const char *key, const char *text)
{
	struct xlcfg_value value = { .kind = XLCFG_STRING };
	int rc = given_twice(in, element, key);

	if (rc < 0)
		return rc;
	uvpi_xml_go(in, element);
	value.line = in->reader->line;
	value.column = in->reader->column;
	value.text = strdup(text);
	if (!value.text)
		return uvpi_no_memory(in->err);
	rc = uvpi_reader_apply(in->reader, key, value.line, &value, in->err);
	free(value.text);
	return rc;
}

static struct xlcfg_setting *get_list(struct uvpi_xml_in *in, const char *key)
{
	struct xlcfg_setting *grown;

	for (int i = 0; i < in->lists.n; i++)
		if (!strcmp(in->lists.settings[i].key, key))
			return &in->lists.settings[i];
	grown = reallocarray(in->lists.settings, (size_t)in->lists.n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	in->lists.settings = grown;
	grown = &grown[in->lists.n];
	memset(grown, 0, sizeof(*grown));
	grown->value.kind = XLCFG_LIST;
	grown->key = strdup(key);
	if (!grown->key)
		return NULL;
	in->lists.n++;
	return grown;
}

int uvpi_xml_append(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		    const char *text)
{
	struct xlcfg_setting *list = get_list(in, key);
	struct xlcfg_value *items, *item;

	if (!list)
		return uvpi_no_memory(in->err);
	if (list->value.n_items == XLCFG_MAX_VALUES)
		return uvpi_xml_fail(in, element, "more than %d of these", XLCFG_MAX_VALUES);
	items = reallocarray(list->value.items, (size_t)list->value.n_items + 1, sizeof(*items));
	if (!items)
		return uvpi_no_memory(in->err);
	list->value.items = items;
	item = &items[list->value.n_items];
	*item = (struct xlcfg_value){ .kind = XLCFG_STRING, .text = strdup(text) };
	if (!item->text)
		return uvpi_no_memory(in->err);
	list->value.n_items++;
	item->line = uvpi_xml_line(element);
	item->column = uvpi_xml_column(element);
	if (!list->line) {
		list->line = list->value.line = item->line;
		list->value.column = item->column;
	}
	return 0;
}

/* ---- dispatch ---- */

static bool is_rule(const struct uvpi_xml_rule *rule, const xmlNode *parent)
{
	return !strcmp(rule->parent, uvpi_xml_name(parent));
}

static int unknown(struct uvpi_xml_in *in, const xmlNode *parent, const xmlNode *element,
		   const struct uvpi_xml_rule *rules)
{
	const char *names[128];
	const char *near;
	int n = 0;

	for (; rules->parent && n < 127; rules++)
		if (is_rule(rules, parent))
			names[n++] = rules->name;
	names[n] = NULL;
	near = uvpi_near_match(uvpi_xml_name(element), names);
	uvpi_xml_fail(in, element, "there is no such element in <%.40s>", uvpi_xml_name(parent));
	if (near)
		uvpi_hint(in->err, "did you mean <%s>?", near);
	else
		uvpi_hint(in->err, "uvp-domain(5) lists all elements");
	return -UVP_E_INVALID;
}

static int apply_rule(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	if (rule->why && rule->ignore) {
		uvpi_xml_mark(element, true);
		uvpi_xml_warn(in, element, "ignored: %s", rule->why);
		return 0;
	}
	if (rule->why)
		return uvpi_xml_fail(in, element, "refused: %s", rule->why);
	uvpi_xml_mark(element, false);
	return rule->read(in, element, rule);
}

static int read_child(struct uvpi_xml_in *in, const xmlNode *parent, const xmlNode *element,
		      const struct uvpi_xml_rule *rules)
{
	if (element->ns)
		return uvpi_xml_fail(in, element,
				     "elements of the namespace '%.100s' are not understood here",
				     (const char *)element->ns->href);
	for (const struct uvpi_xml_rule *rule = rules; rule->parent; rule++)
		if (is_rule(rule, parent) && !strcmp(rule->name, uvpi_xml_name(element)))
			return apply_rule(in, element, rule);
	return unknown(in, parent, element, rules);
}

static int check_blank(struct uvpi_xml_in *in, const xmlNode *parent, const xmlNode *text)
{
	const char *content = (const char *)text->content;

	if (!content[strspn(content, " \t\r\n")])
		return 0;
	return uvpi_xml_fail(in, parent, "text '%.40s' stands where only elements are expected",
			     content + strspn(content, " \t\r\n"));
}

/* Elements of our namespace are the top element's only, and its reader has taken them already. */
static bool is_own(const xmlNode *element)
{
	return element->ns && !strcmp((const char *)element->ns->href, UVPI_XML_NAMESPACE) &&
	       element->parent->parent && element->parent->parent->type == XML_DOCUMENT_NODE;
}

int uvpi_xml_children(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rules)
{
	int rc = 0;

	for (const xmlNode *child = element->children; child && rc == 0; child = child->next) {
		if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
			rc = check_blank(in, element, child);
		else if (child->type == XML_ELEMENT_NODE && !is_own(child))
			rc = read_child(in, element, child, rules);
	}
	return rc;
}

int uvpi_xml_read_text(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule)
{
	static const char *const none[] = { NULL };
	_cleanup_free_ char *text = NULL;
	int rc = uvpi_xml_only_attrs(in, element, none);

	if (rc == 0)
		rc = uvpi_xml_text(in, element, &text);
	return rc < 0 ? rc : uvpi_xml_set(in, element, rule->key, text);
}

int uvpi_xml_read_switch(struct uvpi_xml_in *in, const xmlNode *element,
			 const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "state", "mode", "present", "enabled", NULL };
	const char *state = uvpi_xml_attr(element, "state");
	bool on = true;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (!state)
		state = uvpi_xml_attr(element, "present");
	if (!state)
		state = uvpi_xml_attr(element, "enabled");
	if (rc == 0 && state && uvpi_parse_bool(state, "state", &on, NULL) < 0)
		return uvpi_xml_fail(in, element, "'%.40s' is none of: on, off", state);
	return rc < 0 ? rc : uvpi_xml_set(in, element, rule->key, on ? "1" : "0");
}

int uvpi_xml_read_nothing(struct uvpi_xml_in *in, const xmlNode *element,
			  const struct uvpi_xml_rule *rule)
{
	return 0;
}

char *uvpi_xml_trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	return text;
}
