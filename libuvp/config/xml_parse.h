/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From text to a tree of elements, bounded and without anything external; positions of elements;
 * the schema. */
#ifndef UVPI_CONFIG_XML_PARSE_H
#define UVPI_CONFIG_XML_PARSE_H

#include <stdbool.h>

#include "config/xml_lib.h"

struct uvpi_xml_doc {
	const struct uvpi_xml_lib *lib;
	xmlDocPtr doc;
};

/* name is for messages. Document type declarations are refused, and more than UVPI_XML_MAX_DEPTH
 * levels. */
int uvpi_xml_parse(const char *name, const char *text, size_t len, struct uvpi_xml_doc *ret_doc,
		   struct uvp_error *err);
void uvpi_xml_doc_done(struct uvpi_xml_doc *doc);

/* Where the element's '<' stands. */
int uvpi_xml_line(const xmlNode *element);
int uvpi_xml_column(const xmlNode *element);
/* Somebody has looked at the element; settled: at all that is in it. */
void uvpi_xml_mark(const xmlNode *element, bool settled);
bool uvpi_xml_is_read(const xmlNode *element);
bool uvpi_xml_is_settled(const xmlNode *element);

/* Check against the installed schema (UVP_DATADIR in the environment replaces its folder). A
 * missing schema is no error. */
int uvpi_xml_validate(const char *name, const struct uvpi_xml_doc *doc, struct uvp_error *err);

#endif
