/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of writing XML. */
#ifndef UVPI_CONFIG_XML_WRITE_H
#define UVPI_CONFIG_XML_WRITE_H

#include <stdbool.h>
#include <stdio.h>

#include "config/model.h"

/* <devices>. Tells which of the lists "disk" and "vif" it has said; the others are for <uvp:key>. */
void uvpi_xml_write_devices(FILE *out, const struct uvp_config *config, bool *ret_disks, bool *ret_vifs, bool *ret_boot);

#endif
