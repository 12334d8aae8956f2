/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What nobody has looked at when all is read is told of by its name, unless it is known to mean nothing. */
#include <string.h>

#include "config/xml.h"
#include "config/xml_in.h"
#include "config/xml_parse.h"

/* Where libvirt's programs write what is so anyway. value NULL: whatever it says. */
static const struct harmless {
	const char *parent, *element, *attr, *value;
} harmless[] = {
	{ "domain", "memory", "dumpCore", "on" },
	{ "os", "loader", "readonly", NULL },
	{ "os", "loader", "secure", "no" },
	{ "domain", "cpu", "check", NULL }, /* what the host does not have is refused in any case */
	{ "domain", "cpu", "migratable", "on" },
	{ "cpu", "model", "fallback", NULL },
	{ "disk", "driver", "cache", "none" },
	{ "disk", "source", "index", NULL },
	{ "interface", "ip", "family", NULL },
	{ "devices", "console", "tty", NULL },
	{ "console", "source", "path", NULL },
	{ "serial", "source", "path", NULL },
	{ "serial", "target", "type", "isa-serial" },
	{ "serial", "target", "port", "0" },
	{ "channel", "source", "mode", "bind" },
	{ "channel", "source", "path", NULL }, /* of a pty that is in use */
	{ "channel", "target", "state", NULL },
	{ "graphics", "listen", "type", "address" },
	{ "graphics", "listen", "type", "socket" },
	{ "devices", "graphics", "autoport", NULL },
	{ "video", "model", "heads", "1" },
	{ "video", "model", "primary", "yes" },
	{ "devices", "controller", "index", "0" },
	{ "devices", "controller", "model", "piix3-ide" },
	{ "devices", "controller", "model", "lsilogic" },
	{ "devices", "controller", "model", "pci-root" },
	{ "hostdev", "driver", "name", "xen" },
	{ "devices", "filesystem", "type", "mount" },
	{ "devices", "filesystem", "accessmode", "passthrough" },
};

/* Names that libvirt gives, places on buses of which Xen guests have one, and what another part of the device says. */
static const struct {
	const char *parent, *element; /* parent NULL: any */
} meaningless[] = {
	{ NULL, "alias" }, { NULL, "address" }, { "disk", "readonly" }, { "disk", "shareable" }, { "target", "model" },
};

static bool is_attr_known(const xmlNode *element, const xmlAttr *attr, const char *value)
{
	const char *parent = element->parent->type == XML_ELEMENT_NODE ? uvpi_xml_name(element->parent) : "";

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(harmless); i++) {
		const struct harmless *h = &harmless[i];

		if (!strcmp(h->attr, (const char *)attr->name) && !strcmp(h->element, uvpi_xml_name(element)) &&
		    !strcmp(h->parent, parent) && (!h->value || !strcmp(h->value, value)))
			return true;
	}
	return element->parent->type == XML_DOCUMENT_NODE && !strcmp((const char *)attr->name, "id");
}

static bool is_element_known(const xmlNode *element)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(meaningless); i++)
		if (!strcmp(meaningless[i].element, uvpi_xml_name(element)) &&
		    (!meaningless[i].parent || !strcmp(meaningless[i].parent, uvpi_xml_name(element->parent))))
			return true;
	return uvpi_xml_is_settled(element) || (element->ns && !strcmp((const char *)element->ns->href, UVPI_XML_NAMESPACE));
}

static void tell_attrs(struct uvpi_xml_in *in, const xmlNode *element)
{
	for (const xmlAttr *attr = element->properties; attr; attr = attr->next) {
		const char *value = attr->children && attr->children->content ? (const char *)attr->children->content : "";

		if (!attr->_private && !is_attr_known(element, attr, value))
			uvpi_xml_warn(in, element, "%.40s='%.60s' is ignored: it means nothing for a Xen guest",
				      (const char *)attr->name, value);
	}
}

void uvpi_xml_tell_unread(struct uvpi_xml_in *in, const xmlNode *element)
{
	tell_attrs(in, element);
	for (const xmlNode *child = element->children; child; child = child->next) {
		if (child->type != XML_ELEMENT_NODE || is_element_known(child))
			continue;
		if (uvpi_xml_is_read(child))
			uvpi_xml_tell_unread(in, child);
		else
			uvpi_xml_warn(in, child, "ignored: in this <%.40s> it means nothing for a Xen guest", uvpi_xml_name(element));
	}
}
