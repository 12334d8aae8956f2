/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <devices>: each becomes an entry of the list that xl.cfg has for its kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/xml_in.h"
#include "core/error.h"
#include "core/num.h"

/* Attributes of devices and their parts that libvirt writes and that mean nothing here are let
 * pass; those that change what the device is are read below. */

/* A specification "key=value,key=value" in the making. */
struct spec {
	char text[2048];
	size_t len;
	bool bad; /* a value that cannot be said in it */
};

static void add(struct spec *spec, const char *key, const char *value)
{
	int n;

	if (!value || !*value)
		return;
	if (strpbrk(value, ",\n"))
		spec->bad = true;
	n = snprintf(spec->text + spec->len, sizeof(spec->text) - spec->len, "%s%s=%s",
		     spec->len ? "," : "", key, value);
	if (n < 0 || (size_t)n >= sizeof(spec->text) - spec->len)
		spec->bad = true;
	else
		spec->len += (size_t)n;
}

static int finish(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		  const struct spec *spec)
{
	if (spec->bad)
		return uvpi_xml_fail(
			in, element,
			"a value with a comma or line end in it, or one that is too long");
	return uvpi_xml_append(in, element, key, spec->text);
}

static const char *child_attr(const xmlNode *element, const char *child, const char *attr)
{
	const xmlNode *found = uvpi_xml_child(element, child);

	return found ? uvpi_xml_attr(found, attr) : NULL;
}

static bool is(const char *value, const char *expected)
{
	return value && !strcmp(value, expected);
}

/* Refuse child elements that are none of the NULL-terminated names. */
static int only_children(struct uvpi_xml_in *in, const xmlNode *element, const char *const *names)
{
	for (const xmlNode *child = element->children; child; child = child->next) {
		const char *near;
		int i = 0;

		if (child->type != XML_ELEMENT_NODE)
			continue;
		while (names[i] && strcmp(names[i], uvpi_xml_name(child)) != 0)
			i++;
		if (names[i])
			continue;
		near = uvpi_near_match(uvpi_xml_name(child), names);
		uvpi_xml_fail(in, child, "there is no such element in <%.40s>",
			      uvpi_xml_name(element));
		if (near)
			uvpi_hint(in->err, "did you mean <%s>?", near);
		return -UVP_E_INVALID;
	}
	return 0;
}

/* Both of these at once. Every device may have an alias and an address, which say nothing to Xen.
 */
static int only(struct uvpi_xml_in *in, const xmlNode *element, const char *const *attrs,
		const char *const *children)
{
	int rc = uvpi_xml_only_attrs(in, element, attrs);

	return rc < 0 ? rc : only_children(in, element, children);
}

static int read_disk(struct uvpi_xml_in *in, const xmlNode *element,
		     const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "device", "model", "snapshot", NULL };
	static const char *const children[] = { "driver",    "source",	      "target",	 "readonly",
						"shareable", "backenddomain", "address", "alias",
						"boot",	     "script",	      NULL };
	const char *source = child_attr(element, "source", "file");
	const char *driver = child_attr(element, "driver", "name");
	const char *format = child_attr(element, "driver", "type");
	const char *device = uvpi_xml_attr(element, "device");
	bool cdrom = is(device, "cdrom");
	struct spec spec = { .len = 0 };
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!source)
		source = child_attr(element, "source", "dev");
	if (!source && !cdrom)
		return uvpi_xml_fail(in, element,
				     "<source file='PATH'/> or <source dev='PATH'/> is missing");
	if (device && !cdrom && strcmp(device, "disk") != 0)
		return uvpi_xml_fail(in, element, "device='%.40s' is none of: disk, cdrom", device);
	if (!child_attr(element, "target", "dev"))
		return uvpi_xml_fail(in, element, "<target dev='xvda'/> is missing");
	add(&spec, "format",
	    is(format, "vpc")		   ? "vhd"
	    : is(format, "aio") || !format ? "raw"
					   : format);
	add(&spec, "vdev", child_attr(element, "target", "dev"));
	add(&spec, "access",
	    cdrom || uvpi_xml_child(element, "readonly") ? "ro"
	    : uvpi_xml_child(element, "shareable")	 ? "w!"
							 : "rw");
	add(&spec, "devtype", cdrom ? "cdrom" : NULL);
	add(&spec, "backendtype", is(driver, "phy") ? "phy" : is(driver, "qemu") ? "qdisk" : NULL);
	add(&spec, "backend", child_attr(element, "backenddomain", "name"));
	add(&spec, "script", child_attr(element, "script", "path"));
	if (source && !spec.bad) /* takes the rest of the specification, commas too */
		spec.len += (size_t)snprintf(spec.text + spec.len, sizeof(spec.text) - spec.len,
					     ",target=%s", source);
	spec.bad |= spec.len >= sizeof(spec.text);
	rc = uvpi_xml_read_boot_order(in, element, child_attr(element, "target", "dev"));
	return rc < 0 ? rc : finish(in, element, "disk", &spec);
}

/* <vlan trunk='yes'><tag id='42' nativeMode='untagged'/></vlan>: a single tag, and the native one of a trunk, are
 * those of frames without one. */
static void add_vlans(struct spec *spec, const xmlNode *vlan)
{
	const char *trunk = vlan ? uvpi_xml_attr(vlan, "trunk") : NULL;
	bool several = is(trunk, "yes");
	char list[256] = "";
	size_t len = 0;

	for (const xmlNode *tag = vlan ? vlan->children : NULL; tag; tag = tag->next) {
		const char *id = tag->type == XML_ELEMENT_NODE ? uvpi_xml_attr(tag, "id") : NULL;

		if (!id)
			continue;
		if (!several || is(uvpi_xml_attr(tag, "nativeMode"), "untagged"))
			add(spec, "vlan", id);
		else
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? "/" : "", id);
		if (len >= sizeof(list)) {
			spec->bad = true;
			return;
		}
	}
	add(spec, "trunk", list);
}

static void add_rate(struct spec *spec, const xmlNode *bandwidth)
{
	const char *average = bandwidth ? child_attr(bandwidth, "outbound", "average") : NULL;
	char text[40];

	if (!average)
		return;
	snprintf(text, sizeof(text), "%.30sKB/s", average);
	add(spec, "rate", text);
}

static int read_interface(struct uvpi_xml_in *in, const xmlNode *element,
			  const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", NULL };
	static const char *const children[] = { "mac",	   "source", "script", "target",
						"model",   "ip",     "mtu",    "backenddomain",
						"address", "alias",  "boot",   "vlan",
						"bandwidth", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	char name[16];
	struct spec spec = { .len = 0 };
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!is(type, "bridge") && !is(type, "ethernet"))
		return uvpi_xml_fail(
			in, element,
			"type='%.40s' is none of: bridge, ethernet; there are no managed networks",
			type ? type : "");
	add(&spec, "mac", child_attr(element, "mac", "address"));
	add(&spec, "bridge", child_attr(element, "source", "bridge"));
	add(&spec, "script", child_attr(element, "script", "path"));
	add(&spec, "vifname", child_attr(element, "target", "dev"));
	add(&spec, "type", is(child_attr(element, "model", "type"), "netfront") ? "vif" : NULL);
	if (!is(child_attr(element, "model", "type"), "netfront"))
		add(&spec, "model", child_attr(element, "model", "type"));
	add(&spec, "ip", child_attr(element, "ip", "address"));
	add(&spec, "mtu", child_attr(element, "mtu", "size"));
	add(&spec, "backend", child_attr(element, "backenddomain", "name"));
	add_vlans(&spec, uvpi_xml_child(element, "vlan"));
	add_rate(&spec, uvpi_xml_child(element, "bandwidth"));
	snprintf(name, sizeof(name), "vif%d", in->n_interfaces++); /* they are numbered so */
	rc = uvpi_xml_read_boot_order(in, element, name);
	return rc < 0 ? rc : finish(in, element, "vif", &spec);
}

/* Consoles besides the first are channels; a name is what those must have. */
static int read_further_console(struct uvpi_xml_in *in, const xmlNode *element, const char *port)
{
	struct spec spec = { .len = 0 };
	char name[40];
	uint32_t number;

	if (uvpi_parse_u32(port, "port", 1, 9, &number, NULL) < 0)
		return uvpi_xml_fail(in, element, "port='%.40s': consoles have ports from 0 to 9", port);
	snprintf(name, sizeof(name), "console%u", number);
	add(&spec, "connection", "pty");
	add(&spec, "name", name);
	return finish(in, element, "channel", &spec);
}

/* The first is the console that every Xen guest has. */
static int read_console(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "tty", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type"), *port = child_attr(element, "target", "port");
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (type && strcmp(type, "pty") != 0)
		return uvpi_xml_fail(in, element, "type='%.40s': a console is always a pty", type);
	if (port && strcmp(port, "0") != 0 && !is(child_attr(element, "target", "type"), "serial"))
		return read_further_console(in, element, port);
	return 0;
}

static int read_serial(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (type && strcmp(type, "pty") != 0)
		return uvpi_xml_fail(in, element, "type='%.40s': only type='pty' is understood",
				     type);
	return in->reader->config->type == UVPI_TYPE_HVM
		       ? uvpi_xml_append(in, element, "serial", "pty")
		       : 0;
}

/* A channel between guest and host. */
static int read_channel(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	struct spec spec = { .len = 0 };
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!is(child_attr(element, "target", "type"), "xen"))
		return uvpi_xml_fail(in, element, "expected <target type='xen' name='NAME'/>");
	if (!is(type, "pty") && !is(type, "unix"))
		return uvpi_xml_fail(in, element, "type='%.40s' is none of: pty, unix",
				     type ? type : "");
	add(&spec, "connection", is(type, "pty") ? "pty" : "socket");
	add(&spec, "name", child_attr(element, "target", "name"));
	add(&spec, "path", child_attr(element, "source", "path"));
	return finish(in, element, "channel", &spec);
}

/* ---- screens ---- */

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

	if (!port || is(port, "-1") || is(autoport, "yes"))
		return 0;
	if (uvpi_parse_u32(port, "port", 5900, 65535, &number, NULL) < 0)
		return uvpi_xml_fail(in, element, "port='%.40s' is not within 5900 to 65535", port);
	snprintf(vnc->display, sizeof(vnc->display), "%u", number - 5900);
	return 0;
}

static int set_if(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		  const char *value)
{
	return value && *value ? uvpi_xml_set(in, element, key, value) : 0;
}

static int vnc_as_keys(struct uvpi_xml_in *in, const xmlNode *element, const struct vnc *vnc)
{
	int rc = uvpi_xml_set(in, element, "vnc", "1");

	if (rc == 0)
		rc = set_if(in, element, "vnclisten", vnc->listen);
	if (rc == 0)
		rc = set_if(in, element, "vncdisplay", vnc->display);
	if (rc == 0)
		rc = uvpi_xml_set(in, element, "vncunused", *vnc->display ? "0" : "1");
	if (rc == 0)
		rc = set_if(in, element, "vncpasswd", vnc->passwd);
	if (rc == 0)
		rc = set_if(in, element, "keymap", vnc->keymap);
	return rc;
}

static int vnc_as_vfb(struct uvpi_xml_in *in, const xmlNode *element, const struct vnc *vnc)
{
	struct spec spec = { .len = 0 };

	add(&spec, "vnc", "1");
	add(&spec, "vnclisten", vnc->listen);
	add(&spec, "vncdisplay", vnc->display);
	add(&spec, "vncunused", *vnc->display ? "0" : "1");
	add(&spec, "vncpasswd", vnc->passwd);
	add(&spec, "keymap", vnc->keymap);
	return finish(in, element, "vfb", &spec);
}

static const char *listen_address(const xmlNode *element)
{
	const char *listen = uvpi_xml_attr(element, "listen");

	return listen ? listen : child_attr(element, "listen", "address");
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
	int rc = only(in, element, attrs, children);

	if (!socket)
		socket = child_attr(element, "listen", "socket");
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
	int rc = only(in, element, attrs, children);

	if (rc == 0)
		rc = uvpi_xml_set(in, element, "spice", "1");
	if (rc == 0)
		rc = set_if(in, element, "spicehost", listen_address(element));
	if (rc == 0 && !is(uvpi_xml_attr(element, "port"), "-1"))
		rc = set_if(in, element, "spiceport", uvpi_xml_attr(element, "port"));
	if (rc == 0 && !is(uvpi_xml_attr(element, "tlsPort"), "-1"))
		rc = set_if(in, element, "spicetls_port", uvpi_xml_attr(element, "tlsPort"));
	if (rc == 0)
		rc = passwd ? uvpi_xml_set(in, element, "spicepasswd", passwd)
			    : uvpi_xml_set(in, element, "spicedisable_ticketing", "1");
	if (rc == 0)
		rc = set_if(in, element, "spice_image_compression",
			    child_attr(element, "image", "compression"));
	if (rc == 0)
		rc = set_if(in, element, "spice_streaming_video",
			    child_attr(element, "streaming", "mode"));
	if (rc == 0 && child_attr(element, "mouse", "mode"))
		rc = uvpi_xml_set(in, element, "spiceagent_mouse",
				  is(child_attr(element, "mouse", "mode"), "client") ? "1" : "0");
	if (rc == 0 && is(child_attr(element, "clipboard", "copypaste"), "yes"))
		rc = uvpi_xml_set(in, element, "spice_clipboard_sharing", "1");
	return rc;
}

static int read_graphics(struct uvpi_xml_in *in, const xmlNode *element,
			 const struct uvpi_xml_rule *rule)
{
	const char *type = uvpi_xml_attr(element, "type");

	if (is(type, "vnc"))
		return read_vnc(in, element);
	if (is(type, "spice"))
		return read_spice(in, element);
	if (is(type, "sdl"))
		return uvpi_xml_set(in, element, "sdl", "1");
	return uvpi_xml_fail(in, element, "type='%.40s' is none of: vnc, spice, sdl",
			     type ? type : "");
}

static int read_video(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { NULL };
	static const char *const children[] = { "model", "alias", "address", NULL };
	static const char *const models[] = { "cirrus", "vga", "qxl", "none" };
	static const char *const vga[] = { "cirrus", "stdvga", "qxl", "none" };
	const char *type = child_attr(element, "model", "type"),
		   *vram = child_attr(element, "model", "vram");
	uint32_t kib;
	char mib[16];
	int i = 0;
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (is(type, "xen")) /* what vfb= is anyway */
		return 0;
	while (i < 4 && !is(type, models[i]))
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

static int read_input(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "bus", NULL };
	static const char *const children[] = { "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type"), *bus = uvpi_xml_attr(element, "bus");
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!is(type, "tablet") && !is(type, "mouse") && !is(type, "keyboard"))
		return uvpi_xml_fail(in, element,
				     "type='%.40s' is none of: tablet, mouse, keyboard",
				     type ? type : "");
	if (!is(bus, "usb")) /* the ones that a screen brings along */
		return 0;
	if (!uvpi_reader_place(in->reader, "usb").line)
		rc = uvpi_xml_set(in, element, "usb", "1");
	return rc < 0 ? rc : uvpi_xml_append(in, element, "usbdevice", type);
}

/* ---- others ---- */

static int read_controller(struct uvpi_xml_in *in, const xmlNode *element,
			   const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = {
		"type", "index", "model", "maxGrantFrames", "maxEventChannels", NULL
	};
	static const char *const children[] = { "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (is(type, "ide") || is(type, "scsi") || is(type, "pci") || is(type, "fdc"))
		return 0; /* the emulated machine's own */
	if (!is(type, "xenbus"))
		return uvpi_xml_fail(
			in, element,
			"refused: controllers are not chosen one by one; USB has usbctrl in "
			"<uvp:key name='usbctrl'>");
	rc = set_if(in, element, "max_grant_frames", uvpi_xml_attr(element, "maxGrantFrames"));
	return rc < 0 ? rc
		      : set_if(in, element, "max_event_channels",
			       uvpi_xml_attr(element, "maxEventChannels"));
}

static int address_part(const xmlNode *address, const char *name, uint32_t max,
			uint32_t *ret_number)
{
	const char *text = uvpi_xml_attr(address, name);

	*ret_number = 0;
	return text ? uvpi_parse_u32(text, name, 0, max, ret_number, NULL) : 0;
}

static int read_hostdev(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "mode", "type", "managed", NULL };
	static const char *const children[] = { "source", "driver", "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	const xmlNode *source = uvpi_xml_child(element, "source");
	const xmlNode *address = source ? uvpi_xml_child(source, "address") : NULL;
	uint32_t domain, bus, slot, function;
	char text[64];
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!is(type, "pci"))
		return uvpi_xml_fail(in, element,
				     "type='%.40s': only type='pci' is understood; USB devices are "
				     "<uvp:key name='usbdev'>",
				     type ? type : "");
	if (!address || address_part(address, "domain", 0xffff, &domain) < 0 ||
	    address_part(address, "bus", 0xff, &bus) < 0 ||
	    address_part(address, "slot", 0x1f, &slot) < 0 ||
	    address_part(address, "function", 7, &function) < 0)
		return uvpi_xml_fail(
			in, element,
			"expected <source><address domain='0x0000' bus='0x03' slot='0x00' "
			"function='0x0'/></source>");
	snprintf(text, sizeof(text), "%04x:%02x:%02x.%x%s", domain, bus, slot, function,
		 is(uvpi_xml_attr(element, "managed"), "yes") ? ",seize=1" : "");
	return uvpi_xml_append(in, element, "pci", text);
}

static int read_filesystem(struct uvpi_xml_in *in, const xmlNode *element,
			   const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "accessmode", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	struct spec spec = { .len = 0 };
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	add(&spec, "tag", child_attr(element, "target", "dir"));
	add(&spec, "security_model", "none");
	add(&spec, "path", child_attr(element, "source", "dir"));
	return finish(in, element, "p9", &spec);
}

static int read_sound(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "model", NULL };
	static const char *const children[] = { "alias", "address", NULL };
	const char *model = uvpi_xml_attr(element, "model");
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	return uvpi_xml_set(in, element, "soundhw", is(model, "ich6") ? "hda" : model ? model : "");
}

static int read_memballoon(struct uvpi_xml_in *in, const xmlNode *element,
			   const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "model", NULL };
	static const char *const children[] = { "alias", "address", NULL };
	const char *model = uvpi_xml_attr(element, "model");
	int rc = only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (is(model, "xen") || is(model, "none"))
		return 0;
	return uvpi_xml_fail(in, element, "model='%.40s' is none of: xen, none",
			     model ? model : "");
}

#define NO_VIRTIO "no virtio devices are offered to Xen guests"

static const struct uvpi_xml_rule rules[] = {
	{ "devices", "emulator", .why = "the host's QEMU for Xen is taken; device_model_override= names another",
	  .ignore = true },
	{ "devices", "disk", read_disk },
	{ "devices", "interface", read_interface },
	{ "devices", "console", read_console },
	{ "devices", "serial", read_serial },
	{ "devices", "channel", read_channel },
	{ "devices", "graphics", read_graphics },
	{ "devices", "video", read_video },
	{ "devices", "input", read_input },
	{ "devices", "controller", read_controller },
	{ "devices", "hostdev", read_hostdev },
	{ "devices", "filesystem", read_filesystem },
	{ "devices", "sound", read_sound },
	{ "devices", "memballoon", read_memballoon },
	{ "devices", "parallel", .why = "Xen guests have no parallel port" },
	{ "devices", "tpm",
	  .why = "write <uvp:key name='vtpm'>, which names the domain that has it" },
	{ "devices", "rng", .why = NO_VIRTIO },
	{ "devices", "vsock", .why = NO_VIRTIO },
	{ "devices", "watchdog",
	  .why = "Xen's own watchdog is there for every guest; see uvp:on_watchdog" },
	{ "devices", "panic", .why = "a crash is told to Xen by the guest itself; see <on_crash>" },
	{ "devices", "memory", .why = "memory hot-plug does not exist for Xen guests" },
	{ "devices", "iommu", .why = "Xen 4.17 offers no virtual IOMMU" },
	{ "devices", "redirdev", .why = "write <uvp:key name='spiceusbredirection'>" },
	{ "devices", "smartcard", .why = "Xen guests have no such device" },
	{ "devices", "shmem", .why = "Xen guests have no such device" },
	{ "devices", "nvram", .why = "Xen guests have no such device" },
	{ NULL },
};

int uvpi_xml_read_devices(struct uvpi_xml_in *in, const xmlNode *devices)
{
	return uvpi_xml_children(in, devices, rules);
}
