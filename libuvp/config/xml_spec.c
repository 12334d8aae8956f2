/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/xml_spec.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"

void uvpi_xml_spec_add(struct uvpi_xml_spec *spec, const char *key, const char *value)
{
	int n;

	if (!value || !*value)
		return;
	if (strpbrk(value, ",\n"))
		spec->bad = true;
	n = snprintf(spec->text + spec->len, sizeof(spec->text) - spec->len, "%s%s=%s",
		     spec->len ? "," : "", key, value);
	if (n < 0 || (size_t)n >= sizeof(spec->text) - spec->len)
		spec->bad = true;
	else
		spec->len += (size_t)n;
}

int uvpi_xml_spec_finish(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		  const struct uvpi_xml_spec *spec)
{
	if (spec->bad)
		return uvpi_xml_fail(
			in, element,
			"a value with a comma or line end in it, or one that is too long");
	return uvpi_xml_append(in, element, key, spec->text);
}

const char *uvpi_xml_child_attr(const xmlNode *element, const char *child, const char *attr)
{
	const xmlNode *found = uvpi_xml_child(element, child);

	return found ? uvpi_xml_attr(found, attr) : NULL;
}

bool uvpi_xml_is(const char *value, const char *expected)
{
	return value && !strcmp(value, expected);
}

/* Refuse child elements that are none of the NULL-terminated names. */
static int only_children(struct uvpi_xml_in *in, const xmlNode *element, const char *const *names)
{
	for (const xmlNode *child = element->children; child; child = child->next) {
		const char *near;
		int i = 0;

		if (child->type != XML_ELEMENT_NODE)
			continue;
		while (names[i] && strcmp(names[i], uvpi_xml_name(child)) != 0)
			i++;
		if (names[i])
			continue;
		near = uvpi_near_match(uvpi_xml_name(child), names);
		uvpi_xml_fail(in, child, "there is no such element in <%.40s>",
			      uvpi_xml_name(element));
		if (near)
			uvpi_hint(in->err, "did you mean <%s>?", near);
		return -UVP_E_INVALID;
	}
	return 0;
}

int uvpi_xml_only(struct uvpi_xml_in *in, const xmlNode *element, const char *const *attrs,
		const char *const *children)
{
	int rc = uvpi_xml_only_attrs(in, element, attrs);

	return rc < 0 ? rc : only_children(in, element, children);
}

int uvpi_xml_set_if(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		  const char *value)
{
	return value && *value ? uvpi_xml_set(in, element, key, value) : 0;
}
