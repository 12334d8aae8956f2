/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by both writers: the honoured keys in their fixed order, each with its value when it is
 * not the default. */
#ifndef UVPI_CONFIG_WRITE_H
#define UVPI_CONFIG_WRITE_H

#include <stdbool.h>
#include <stdio.h>

#include "config/model.h"

struct uvpi_setting {
	const char *key;
	bool number; /* written without quotes in xl.cfg */
	bool list;   /* a list in xl.cfg syntax */
	char text[64];
	const char *string; /* lent; instead of text */
};

/* The i-th honoured key: 1 and its value, 0 when it is at its default, -1 past the last. */
int uvpi_setting_get(const struct uvp_config *config, int i, struct uvpi_setting *ret_setting);

/* The XML that is noted of a running domain: disks and interfaces stay lists there, which config/xml_list.h changes
 * without a parser for XML. */
int uvpi_config_write_record(const struct uvp_config *config, char **ret_text, struct uvp_error *err);

/* Text as the content of an element or attribute of XML. */
void uvpi_xml_write_text(FILE *out, const char *text);

#endif
