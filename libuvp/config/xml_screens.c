/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <graphics>, <video> and <input>: what a person sees and types at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/xml_spec.h"
#include "core/error.h"
#include "core/num.h"

struct vnc {
	const char *listen, *passwd, *keymap;
	char display[16]; /* empty: any free one */
	char socket[128]; /* "unix:/PATH" */
};

static int vnc_port(struct uvpi_xml_in *in, const xmlNode *element, struct vnc *vnc)
{
	const char *port = uvpi_xml_attr(element, "port"),
		   *autoport = uvpi_xml_attr(element, "autoport");
	uint32_t number;

	if (!port || uvpi_xml_is(port, "-1") || uvpi_xml_is(autoport, "yes"))
		return 0;
	if (uvpi_parse_u32(port, "port", 5900, 65535, &number, NULL) < 0)
		return uvpi_xml_fail(in, element, "port='%.40s' is not within 5900 to 65535", port);
	snprintf(vnc->display, sizeof(vnc->display), "%u", number - 5900);
	return 0;
}

static int vnc_as_keys(struct uvpi_xml_in *in, const xmlNode *element, const struct vnc *vnc)
{
	int rc = uvpi_xml_set(in, element, "vnc", "1");

	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "vnclisten", vnc->listen);
	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "vncdisplay", vnc->display);
	if (rc == 0)
		rc = uvpi_xml_set(in, element, "vncunused", *vnc->display ? "0" : "1");
	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "vncpasswd", vnc->passwd);
	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "keymap", vnc->keymap);
	return rc;
}

static int vnc_as_vfb(struct uvpi_xml_in *in, const xmlNode *element, const struct vnc *vnc)
{
	struct uvpi_xml_spec spec = { .len = 0 };

	uvpi_xml_spec_add(&spec, "vnc", "1");
	uvpi_xml_spec_add(&spec, "vnclisten", vnc->listen);
	uvpi_xml_spec_add(&spec, "vncdisplay", vnc->display);
	uvpi_xml_spec_add(&spec, "vncunused", *vnc->display ? "0" : "1");
	uvpi_xml_spec_add(&spec, "vncpasswd", vnc->passwd);
	uvpi_xml_spec_add(&spec, "keymap", vnc->keymap);
	return uvpi_xml_spec_finish(in, element, "vfb", &spec);
}

static const char *listen_address(const xmlNode *element)
{
	const char *listen = uvpi_xml_attr(element, "listen"), *address = uvpi_xml_child_attr(element, "listen", "address");

	return listen ? listen : address;
}

static int read_vnc(struct uvpi_xml_in *in, const xmlNode *element)
{
	static const char *const attrs[] = { "type",   "port",	 "autoport", "listen",
					     "passwd", "keymap", "socket", NULL };
	static const char *const children[] = { "listen", "alias", NULL };
	const char *socket = uvpi_xml_attr(element, "socket");
	struct vnc vnc = {
		.listen = listen_address(element),
		.passwd = uvpi_xml_attr(element, "passwd"),
		.keymap = uvpi_xml_attr(element, "keymap"),
	};
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (!socket)
		socket = uvpi_xml_child_attr(element, "listen", "socket");
	if (socket) {
		if (strlen(socket) > 107)
			return uvpi_xml_fail(in, element, "a path that is too long for a socket");
		snprintf(vnc.socket, sizeof(vnc.socket), "unix:%s", socket);
		vnc.listen = vnc.socket;
	}
	if (rc == 0)
		rc = vnc_port(in, element, &vnc);
	if (rc < 0)
		return rc;
	return in->reader->config->type == UVPI_TYPE_HVM ? vnc_as_keys(in, element, &vnc)
							 : vnc_as_vfb(in, element, &vnc);
}

static int read_spice(struct uvpi_xml_in *in, const xmlNode *element)
{
	static const char *const attrs[] = { "type",   "port",	 "tlsPort", "autoport",
					     "listen", "passwd", "keymap",  NULL };
	static const char *const children[] = { "listen",    "image", "streaming", "mouse",
						"clipboard", "alias", NULL };
	const char *passwd = uvpi_xml_attr(element, "passwd");
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc == 0)
		rc = uvpi_xml_set(in, element, "spice", "1");
	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "spicehost", listen_address(element));
	if (rc == 0 && !uvpi_xml_is(uvpi_xml_attr(element, "port"), "-1"))
		rc = uvpi_xml_set_if(in, element, "spiceport", uvpi_xml_attr(element, "port"));
	if (rc == 0 && !uvpi_xml_is(uvpi_xml_attr(element, "tlsPort"), "-1"))
		rc = uvpi_xml_set_if(in, element, "spicetls_port", uvpi_xml_attr(element, "tlsPort"));
	if (rc == 0)
		rc = passwd ? uvpi_xml_set(in, element, "spicepasswd", passwd)
			    : uvpi_xml_set(in, element, "spicedisable_ticketing", "1");
	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "spice_image_compression",
			    uvpi_xml_child_attr(element, "image", "compression"));
	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "spice_streaming_video",
			    uvpi_xml_child_attr(element, "streaming", "mode"));
	if (rc == 0 && uvpi_xml_child_attr(element, "mouse", "mode"))
		rc = uvpi_xml_set(in, element, "spiceagent_mouse",
				  uvpi_xml_is(uvpi_xml_child_attr(element, "mouse", "mode"), "client") ? "1" : "0");
	if (rc == 0 && uvpi_xml_is(uvpi_xml_child_attr(element, "clipboard", "copypaste"), "yes"))
		rc = uvpi_xml_set(in, element, "spice_clipboard_sharing", "1");
	return rc;
}

static int read_sdl(struct uvpi_xml_in *in, const xmlNode *element)
{
	int rc = uvpi_xml_set(in, element, "sdl", "1");

	if (rc == 0)
		rc = uvpi_xml_set_if(in, element, "display", uvpi_xml_attr(element, "display"));
	return rc < 0 ? rc : uvpi_xml_set_if(in, element, "xauthority", uvpi_xml_attr(element, "xauth"));
}

int uvpi_xml_read_graphics(struct uvpi_xml_in *in, const xmlNode *element,
			 const struct uvpi_xml_rule *rule)
{
	const char *type = uvpi_xml_attr(element, "type");

	if (uvpi_xml_is(type, "vnc"))
		return read_vnc(in, element);
	if (uvpi_xml_is(type, "spice"))
		return read_spice(in, element);
	if (uvpi_xml_is(type, "sdl"))
		return read_sdl(in, element);
	return uvpi_xml_fail(in, element, "type='%.40s' is none of: vnc, spice, sdl",
			     type ? type : "");
}

int uvpi_xml_read_video(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { NULL };
	static const char *const children[] = { "model", "alias", "address", NULL };
	static const char *const models[] = { "cirrus", "vga", "qxl", "none" };
	static const char *const vga[] = { "cirrus", "stdvga", "qxl", "none" };
	const char *type = uvpi_xml_child_attr(element, "model", "type"),
		   *vram = uvpi_xml_child_attr(element, "model", "vram");
	uint32_t kib;
	char mib[16];
	int i = 0;
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (uvpi_xml_is(type, "xen")) /* what vfb= is anyway */
		return 0;
	while (i < 4 && !uvpi_xml_is(type, models[i]))
		i++;
	if (i == 4)
		return uvpi_xml_fail(
			in, element,
			"expected <model type='...'/> with one of: cirrus, vga, qxl, none, xen");
	rc = uvpi_xml_set(in, element, "vga", vga[i]);
	if (rc < 0 || !vram)
		return rc;
	if (uvpi_parse_u32(vram, "vram", 0, 4096u << 10, &kib, NULL) < 0)
		return uvpi_xml_fail(in, element, "vram='%.40s' is no number of KiB up to %u", vram,
				     4096u << 10);
	snprintf(mib, sizeof(mib), "%u", (kib + 1023) / 1024);
	return uvpi_xml_set(in, element, "videoram", mib);
}

int uvpi_xml_read_input(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "bus", NULL };
	static const char *const children[] = { "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type"), *bus = uvpi_xml_attr(element, "bus");
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!uvpi_xml_is(type, "tablet") && !uvpi_xml_is(type, "mouse") && !uvpi_xml_is(type, "keyboard"))
		return uvpi_xml_fail(in, element,
				     "type='%.40s' is none of: tablet, mouse, keyboard",
				     type ? type : "");
	if (bus && strcmp(bus, "usb") != 0 && strcmp(bus, "ps2") != 0 && strcmp(bus, "xen") != 0)
		return uvpi_xml_fail(in, element, "bus='%.40s' is none of: usb, ps2, xen", bus);
	if (!uvpi_xml_is(bus, "usb")) /* the ones that a screen brings along */
		return 0;
	if (!uvpi_reader_place(in->reader, "usb").line)
		rc = uvpi_xml_set(in, element, "usb", "1");
	return rc < 0 ? rc : uvpi_xml_append(in, element, "usbdevice", type);
}
