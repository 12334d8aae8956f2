/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One list of a configuration ("disk", "vif") in the text that uvpi_config_write_record() made: read and replaced there,
 * so that a change of a running domain's devices does not cost loading libxml2. Not for XML by anybody else. */
#ifndef UVPI_CONFIG_XML_LIST_H
#define UVPI_CONFIG_XML_LIST_H

#include "config/xlcfg_value.h"

/* An empty list when the text has none. *ret_list is for xlcfg_value_done(). */
int uvpi_xml_list_get(const char *xml, const char *key, struct xlcfg_value *ret_list, struct uvp_error *err);
/* The text with that list instead; *ret_xml is the caller's to free. */
int uvpi_xml_list_set(const char *xml, const char *key, const struct xlcfg_value *list, char **ret_xml,
		      struct uvp_error *err);

/* Put a string at the end; it is copied. */
int uvpi_list_append(struct xlcfg_value *list, const char *text, struct uvp_error *err);
void uvpi_list_remove(struct xlcfg_value *list, int i);

#endif
