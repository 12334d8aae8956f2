/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxml2, loaded when the first XML file is read: it brings ICU with it and costs more than
 * creating a domain, and most commands never need it. */
#ifndef UVPI_CONFIG_XML_LIB_H
#define UVPI_CONFIG_XML_LIB_H

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>

#include <uvp/error.h>

#define UVPI_XML_FUNCTIONS(X)                                                                      \
	X(xmlInitParser)                                                                           \
	X(xmlNewParserCtxt)                                                                        \
	X(xmlCtxtReadMemory)                                                                       \
	X(xmlFreeParserCtxt)                                                                       \
	X(xmlStopParser)                                                                           \
	X(xmlFreeDoc)                                                                              \
	X(xmlDocGetRootElement)                                                                    \
	X(xmlSAX2StartElementNs)                                                                   \
	X(xmlRelaxNGNewParserCtxt)                                                                 \
	X(xmlRelaxNGSetParserStructuredErrors)                                                     \
	X(xmlRelaxNGParse)                                                                         \
	X(xmlRelaxNGFreeParserCtxt)                                                                \
	X(xmlRelaxNGNewValidCtxt)                                                                  \
	X(xmlRelaxNGSetValidStructuredErrors)                                                      \
	X(xmlRelaxNGValidateDoc)                                                                   \
	X(xmlRelaxNGFreeValidCtxt)                                                                 \
	X(xmlRelaxNGFree)

struct uvpi_xml_lib {
#define UVPI_XML_POINTER(name) __typeof__(&name) name;
	UVPI_XML_FUNCTIONS(UVPI_XML_POINTER)
#undef UVPI_XML_POINTER
};

/* The library; NULL and an error that names the package when it is not installed. Stays loaded. */
const struct uvpi_xml_lib *uvpi_xml_lib(struct uvp_error *err);
/* Called before it is loaded, unless NULL: a program that is linked statically cannot go on from there. */
extern void (*uvpi_xml_before_load)(void);

#endif
