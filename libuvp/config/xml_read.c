/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading libvirt's domain format. */
#include "config/xml.h"
#include "core/error.h"

int uvpi_xml_read(struct uvpi_reader *reader, const char *text, size_t len, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s: XML is not read by this build", reader->name);
}
