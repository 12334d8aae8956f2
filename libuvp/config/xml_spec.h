/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the files that read <devices>: each element becomes an entry of the list that xl.cfg has for its kind. */
#ifndef UVPI_CONFIG_XML_SPEC_H
#define UVPI_CONFIG_XML_SPEC_H

#include "config/xml_in.h"

/* A specification "key=value,key=value" in the making. */
struct uvpi_xml_spec {
	char text[2048];
	size_t len;
	bool bad; /* a value that cannot be said in it */
};
/* One more pair; nothing for a value that is NULL or empty. */
void uvpi_xml_spec_add(struct uvpi_xml_spec *spec, const char *key, const char *value);
/* It becomes an entry of the list `key`. */
int uvpi_xml_spec_finish(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
			 const struct uvpi_xml_spec *spec);

/* An attribute of the first child of that name, or NULL. */
const char *uvpi_xml_child_attr(const xmlNode *element, const char *child, const char *attr);
bool uvpi_xml_is(const char *value, const char *expected);
/* Refuse attributes and child elements that are none of the NULL-terminated names. */
int uvpi_xml_only(struct uvpi_xml_in *in, const xmlNode *element, const char *const *attrs,
		  const char *const *children);
/* Set the key to the value, if there is one. */
int uvpi_xml_set_if(struct uvpi_xml_in *in, const xmlNode *element, const char *key, const char *value);

/* xml_screens.c */
int uvpi_xml_read_graphics(struct uvpi_xml_in *in, const xmlNode *element,
			   const struct uvpi_xml_rule *rule);
int uvpi_xml_read_video(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule);
int uvpi_xml_read_input(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule);

#endif
