/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <devices>: each becomes an entry of the list that xl.cfg has for its kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/xml_parse.h"
#include "config/xml_spec.h"
#include "core/error.h"
#include "core/num.h"

/* Attributes of devices and their parts that libvirt writes and that mean nothing here are let
 * pass; those that change what the device is are read below. */

/* Where a disk is follows from its name. */
static void warn_of_bus(struct uvpi_xml_in *in, const xmlNode *target)
{
	static const char *const pairs[][2] = { { "xen", "xvd" }, { "ide", "hd" }, { "scsi", "sd" } };
	const char *bus = uvpi_xml_attr(target, "bus"), *dev = uvpi_xml_attr(target, "dev");

	for (size_t i = 0; bus && i < UVPI_ARRAY_SIZE(pairs); i++)
		if (!strcmp(bus, pairs[i][0]) && !strncmp(dev, pairs[i][1], strlen(pairs[i][1])))
			return;
	if (bus)
		uvpi_xml_warn(in, target, "bus='%.40s' is ignored: 'xvda' is PV, 'hda' IDE or AHCI as hdtype= says, 'sda' SCSI", bus);
}

/* A flag, where others have values. */
static bool add_discard(struct uvpi_xml_spec *spec, const char *discard)
{
	bool off = uvpi_xml_is(discard, "ignore");

	if (discard && !off && strcmp(discard, "unmap") != 0)
		return false;
	if (!spec->bad && discard)
		spec->len += (size_t)snprintf(spec->text + spec->len, sizeof(spec->text) - spec->len, off ? ",no-discard" : ",discard");
	spec->bad |= spec->len >= sizeof(spec->text);
	return true;
}

static int read_disk(struct uvpi_xml_in *in, const xmlNode *element,
		     const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "device", "model", "snapshot", NULL };
	static const char *const children[] = { "driver",    "source",	      "target",	 "readonly",
						"shareable", "backenddomain", "address", "alias",
						"boot",	     "script",	      NULL };
	const char *source = uvpi_xml_child_attr(element, "source", "file");
	const char *driver = uvpi_xml_child_attr(element, "driver", "name");
	const char *format = uvpi_xml_child_attr(element, "driver", "type");
	const char *device = uvpi_xml_attr(element, "device"), *type = uvpi_xml_attr(element, "type");
	bool cdrom = uvpi_xml_is(device, "cdrom");
	struct uvpi_xml_spec spec = { .len = 0 };
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!source)
		source = uvpi_xml_child_attr(element, "source", "dev");
	if (type && strcmp(type, "file") != 0 && strcmp(type, "block") != 0)
		return uvpi_xml_fail(in, element, "type='%.40s' is none of: file, block", type);
	if (!source && !cdrom)
		return uvpi_xml_fail(in, element,
				     "<source file='PATH'/> or <source dev='PATH'/> is missing");
	if (device && !cdrom && strcmp(device, "disk") != 0)
		return uvpi_xml_fail(in, element, "device='%.40s' is none of: disk, cdrom", device);
	if (!uvpi_xml_child_attr(element, "target", "dev"))
		return uvpi_xml_fail(in, element, "<target dev='xvda'/> is missing");
	uvpi_xml_spec_add(&spec, "format",
	    uvpi_xml_is(format, "vpc")		   ? "vhd"
	    : uvpi_xml_is(format, "aio") || !format ? "raw"
					   : format);
	uvpi_xml_spec_add(&spec, "vdev", uvpi_xml_child_attr(element, "target", "dev"));
	uvpi_xml_spec_add(&spec, "access",
	    cdrom || uvpi_xml_child(element, "readonly") ? "ro"
	    : uvpi_xml_child(element, "shareable")	 ? "w!"
							 : "rw");
	uvpi_xml_spec_add(&spec, "devtype", cdrom ? "cdrom" : NULL);
	uvpi_xml_spec_add(&spec, "backendtype", uvpi_xml_is(driver, "phy") ? "phy" : uvpi_xml_is(driver, "qemu") ? "qdisk" : NULL);
	uvpi_xml_spec_add(&spec, "backend", uvpi_xml_child_attr(element, "backenddomain", "name"));
	uvpi_xml_spec_add(&spec, "script", uvpi_xml_child_attr(element, "script", "path"));
	if (!add_discard(&spec, uvpi_xml_child_attr(element, "driver", "discard")))
		return uvpi_xml_fail(in, element, "discard='%.40s' is none of: unmap, ignore",
				     uvpi_xml_child_attr(element, "driver", "discard"));
	warn_of_bus(in, uvpi_xml_child(element, "target"));
	if (source && !spec.bad) /* takes the rest of the specification, commas too */
		spec.len += (size_t)snprintf(spec.text + spec.len, sizeof(spec.text) - spec.len,
					     ",target=%s", source);
	spec.bad |= spec.len >= sizeof(spec.text);
	rc = uvpi_xml_read_boot_order(in, element, uvpi_xml_child_attr(element, "target", "dev"));
	return rc < 0 ? rc : uvpi_xml_spec_finish(in, element, "disk", &spec);
}

/* <vlan trunk='yes'><tag id='42' nativeMode='untagged'/></vlan>: a single tag, and the native one of a trunk, are
 * those of frames without one. */
static void add_vlans(struct uvpi_xml_spec *spec, const xmlNode *vlan)
{
	const char *trunk = vlan ? uvpi_xml_attr(vlan, "trunk") : NULL;
	bool several = uvpi_xml_is(trunk, "yes");
	char list[256] = "";
	size_t len = 0;

	for (const xmlNode *tag = vlan ? vlan->children : NULL; tag; tag = tag->next) {
		const char *id = tag->type == XML_ELEMENT_NODE ? uvpi_xml_attr(tag, "id") : NULL;

		if (!id)
			continue;
		uvpi_xml_mark(tag, false);
		if (!several || uvpi_xml_is(uvpi_xml_attr(tag, "nativeMode"), "untagged"))
			uvpi_xml_spec_add(spec, "vlan", id);
		else
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? "/" : "", id);
		if (len >= sizeof(list)) {
			spec->bad = true;
			return;
		}
	}
	uvpi_xml_spec_add(spec, "trunk", list);
}

static void add_rate(struct uvpi_xml_spec *spec, const xmlNode *bandwidth)
{
	const char *average = bandwidth ? uvpi_xml_child_attr(bandwidth, "outbound", "average") : NULL;
	char text[40];

	if (!average)
		return;
	snprintf(text, sizeof(text), "%.30sKB/s", average);
	uvpi_xml_spec_add(spec, "rate", text);
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
	struct uvpi_xml_spec spec = { .len = 0 };
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (!uvpi_xml_is(type, "bridge") && !uvpi_xml_is(type, "ethernet"))
		return uvpi_xml_fail(
			in, element,
			"type='%.40s' is none of: bridge, ethernet; there are no managed networks",
			type ? type : "");
	uvpi_xml_spec_add(&spec, "mac", uvpi_xml_child_attr(element, "mac", "address"));
	uvpi_xml_spec_add(&spec, "bridge", uvpi_xml_child_attr(element, "source", "bridge"));
	uvpi_xml_spec_add(&spec, "script", uvpi_xml_child_attr(element, "script", "path"));
	uvpi_xml_spec_add(&spec, "vifname", uvpi_xml_child_attr(element, "target", "dev"));
	uvpi_xml_spec_add(&spec, "type", uvpi_xml_is(uvpi_xml_child_attr(element, "model", "type"), "netfront") ? "vif" : NULL);
	if (!uvpi_xml_is(uvpi_xml_child_attr(element, "model", "type"), "netfront"))
		uvpi_xml_spec_add(&spec, "model", uvpi_xml_child_attr(element, "model", "type"));
	uvpi_xml_spec_add(&spec, "ip", uvpi_xml_child_attr(element, "ip", "address"));
	uvpi_xml_spec_add(&spec, "mtu", uvpi_xml_child_attr(element, "mtu", "size"));
	uvpi_xml_spec_add(&spec, "backend", uvpi_xml_child_attr(element, "backenddomain", "name"));
	add_vlans(&spec, uvpi_xml_child(element, "vlan"));
	add_rate(&spec, uvpi_xml_child(element, "bandwidth"));
	snprintf(name, sizeof(name), "vif%d", in->n_interfaces++); /* they are numbered so */
	rc = uvpi_xml_read_boot_order(in, element, name);
	return rc < 0 ? rc : uvpi_xml_spec_finish(in, element, "vif", &spec);
}

/* Consoles besides the first are channels; a name is what those must have. */
static int read_further_console(struct uvpi_xml_in *in, const xmlNode *element, const char *port)
{
	struct uvpi_xml_spec spec = { .len = 0 };
	char name[40];
	uint32_t number;

	if (uvpi_parse_u32(port, "port", 1, 9, &number, NULL) < 0)
		return uvpi_xml_fail(in, element, "port='%.40s': consoles have ports from 0 to 9", port);
	snprintf(name, sizeof(name), "console%u", number);
	uvpi_xml_spec_add(&spec, "connection", "pty");
	uvpi_xml_spec_add(&spec, "name", name);
	return uvpi_xml_spec_finish(in, element, "channel", &spec);
}

/* Where a terminal is that libvirt has found, and what it is for. */
static void mark_ends(const xmlNode *element)
{
	uvpi_xml_child(element, "source");
	uvpi_xml_child(element, "target");
}

/* The first is the console that every Xen guest has. */
static int read_console(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "tty", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type"), *port = uvpi_xml_child_attr(element, "target", "port");
	const char *target = uvpi_xml_child_attr(element, "target", "type");
	int rc = uvpi_xml_only(in, element, attrs, children);

	mark_ends(element);
	if (rc < 0)
		return rc;
	if (type && strcmp(type, "pty") != 0)
		return uvpi_xml_fail(in, element, "type='%.40s': a console is always a pty", type);
	if (target && strcmp(target, "xen") != 0 && strcmp(target, "serial") != 0)
		return uvpi_xml_fail(in, element, "<target type='%.40s'>: it is none of: xen, serial", target);
	if (port && strcmp(port, "0") != 0 && !uvpi_xml_is(target, "serial"))
		return read_further_console(in, element, port);
	return 0;
}

static int read_serial(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	int rc = uvpi_xml_only(in, element, attrs, children);

	mark_ends(element);
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
	struct uvpi_xml_spec spec = { .len = 0 };
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (uvpi_xml_is(type, "unix") && uvpi_xml_is(uvpi_xml_child_attr(element, "source", "mode"), "connect"))
		return uvpi_xml_fail(in, element, "mode='connect': the guest's QEMU listens at the socket, which is mode='bind'");
	if (!uvpi_xml_is(uvpi_xml_child_attr(element, "target", "type"), "xen"))
		return uvpi_xml_fail(in, element, "expected <target type='xen' name='NAME'/>");
	if (!uvpi_xml_is(type, "pty") && !uvpi_xml_is(type, "unix"))
		return uvpi_xml_fail(in, element, "type='%.40s' is none of: pty, unix",
				     type ? type : "");
	uvpi_xml_spec_add(&spec, "connection", uvpi_xml_is(type, "pty") ? "pty" : "socket");
	uvpi_xml_spec_add(&spec, "name", uvpi_xml_child_attr(element, "target", "name"));
	uvpi_xml_spec_add(&spec, "path", uvpi_xml_child_attr(element, "source", "path"));
	return uvpi_xml_spec_finish(in, element, "channel", &spec);
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
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (uvpi_xml_is(type, "ide") || uvpi_xml_is(type, "scsi") || uvpi_xml_is(type, "pci") || uvpi_xml_is(type, "fdc"))
		return 0; /* the emulated machine's own */
	if (!uvpi_xml_is(type, "xenbus"))
		return uvpi_xml_fail(
			in, element,
			"refused: controllers are not chosen one by one; USB has usbctrl in "
			"<uvp:key name='usbctrl'>");
	rc = uvpi_xml_set_if(in, element, "max_grant_frames", uvpi_xml_attr(element, "maxGrantFrames"));
	return rc < 0 ? rc
		      : uvpi_xml_set_if(in, element, "max_event_channels",
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
	const char *type = uvpi_xml_attr(element, "type"), *mode = uvpi_xml_attr(element, "mode");
	const xmlNode *source = uvpi_xml_child(element, "source");
	const xmlNode *address = source ? uvpi_xml_child(source, "address") : NULL;
	uint32_t domain, bus, slot, function;
	char text[64];
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	uvpi_xml_child(element, "driver");
	if (mode && strcmp(mode, "subsystem") != 0)
		return uvpi_xml_fail(in, element, "mode='%.40s': only mode='subsystem' is understood", mode);
	if (!uvpi_xml_is(type, "pci"))
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
		 uvpi_xml_is(uvpi_xml_attr(element, "managed"), "yes") ? ",seize=1" : "");
	return uvpi_xml_append(in, element, "pci", text);
}

static int read_filesystem(struct uvpi_xml_in *in, const xmlNode *element,
			   const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "type", "accessmode", NULL };
	static const char *const children[] = { "source", "target", "alias", "address", NULL };
	struct uvpi_xml_spec spec = { .len = 0 };
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	uvpi_xml_spec_add(&spec, "tag", uvpi_xml_child_attr(element, "target", "dir"));
	uvpi_xml_spec_add(&spec, "security_model", "none");
	uvpi_xml_spec_add(&spec, "path", uvpi_xml_child_attr(element, "source", "dir"));
	return uvpi_xml_spec_finish(in, element, "p9", &spec);
}

static int read_sound(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "model", NULL };
	static const char *const children[] = { "alias", "address", NULL };
	const char *model = uvpi_xml_attr(element, "model");
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	return uvpi_xml_set(in, element, "soundhw", uvpi_xml_is(model, "ich6") ? "hda" : model ? model : "");
}

static int read_memballoon(struct uvpi_xml_in *in, const xmlNode *element,
			   const struct uvpi_xml_rule *rule)
{
	static const char *const attrs[] = { "model", NULL };
	static const char *const children[] = { "alias", "address", NULL };
	const char *model = uvpi_xml_attr(element, "model");
	int rc = uvpi_xml_only(in, element, attrs, children);

	if (rc < 0)
		return rc;
	if (uvpi_xml_is(model, "xen") || uvpi_xml_is(model, "none"))
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
	{ "devices", "graphics", uvpi_xml_read_graphics },
	{ "devices", "video", uvpi_xml_read_video },
	{ "devices", "input", uvpi_xml_read_input },
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
