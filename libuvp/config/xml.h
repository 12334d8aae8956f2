/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading libvirt's domain format for type xen, with this project's own elements. */
#ifndef UVPI_CONFIG_XML_H
#define UVPI_CONFIG_XML_H

#include "config/keys.h"

/* The namespace of our own elements. */
#define UVPI_XML_NAMESPACE "urn:uvp:domain:1"
#define UVPI_XML_MAX_DEPTH 64

/* Read a document into the reader's configuration; uvpi_reader_finish() comes later. Loads libxml2
 * at the first call. Errors carry name:line:column. */
int uvpi_xml_read(struct uvpi_reader *reader, const char *text, size_t len, struct uvp_error *err);

#endif
