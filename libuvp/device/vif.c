/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces that the kernel's netback serves, as ports of a bridge, of Open vSwitch, or of what a script makes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/blake2.h"
#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/store.h"
#include "device/antispoof.h"
#include "device/netlink.h"
#include "device/script.h"
#include "device/tap.h"
#include "device/xenbus.h"

#define USUAL_MTU 1500

struct vif {
	struct uvpi_device dev;
	const struct uvpi_vif *vif;
	enum uvpi_vif_port port;
	const char *bridge, *vifname, *ip, *gatewaydev;
	uint8_t address[6];
	char mac[UVPI_MAC_TEXT];
	char rate[24]; /* "BYTES,MICROSECONDS" */
	uint32_t handle, mtu;
	bool trusted;
	struct uvpi_link bridge_link;
};

#define IN(where_, key_, value_, ...) { .key = key_, .where = where_, .value = value_, __VA_ARGS__ }
#define CONST(where, key, content) IN(where, key, UVPI_VALUE_CONST, .text = content)
#define FIELD(where, key, kind, field) IN(where, key, kind, .offset = offsetof(struct vif, field))

/* netback refuses a device without `script`, even where nothing runs it. */
static const struct uvpi_devkey keys[] = {
	FIELD(UVPI_IN_BACK, "script", UVPI_VALUE_STRING, dev.script),
	FIELD(UVPI_IN_BACK, "handle", UVPI_VALUE_U32, handle),
	FIELD(UVPI_IN_BACK, "mac", UVPI_VALUE_CHARS, mac),
	FIELD(UVPI_IN_BACK, "bridge", UVPI_VALUE_STRING, bridge),
	FIELD(UVPI_IN_BACK, "vifname", UVPI_VALUE_STRING, vifname),
	FIELD(UVPI_IN_BACK, "ip", UVPI_VALUE_STRING, ip),
	FIELD(UVPI_IN_BACK, "gatewaydev", UVPI_VALUE_STRING, gatewaydev),
	FIELD(UVPI_IN_BACK, "rate", UVPI_VALUE_CHARS, rate),
	FIELD(UVPI_IN_BACK, "mtu", UVPI_VALUE_U32_SET, mtu),
	CONST(UVPI_IN_BACK, "type", "vif"),
	CONST(UVPI_IN_BACK, "hotplug-status", ""),
	FIELD(UVPI_IN_FRONT, "handle", UVPI_VALUE_U32, handle),
	FIELD(UVPI_IN_FRONT, "mac", UVPI_VALUE_CHARS, mac),
	FIELD(UVPI_IN_FRONT, "trusted", UVPI_VALUE_BOOL, trusted),
	FIELD(UVPI_IN_FRONT, "mtu", UVPI_VALUE_U32_SET, mtu),
	{ .key = NULL },
};

/* Without mac= the address follows from the domain's UUID and the interface's number, in Xen's range, so that a domain
 * keeps it when it is restarted or moved. */
static void make_mac(const struct uvpi_devset *set, uint32_t devid, uint8_t mac[6])
{
	uint8_t text[20], hash[UVPI_HASH_SIZE];

	memcpy(text, set->uuid, 16);
	for (int i = 0; i < 4; i++)
		text[16 + i] = (uint8_t)(devid >> (8 * i));
	uvpi_blake2b(text, sizeof(text), hash);
	mac[0] = 0x00;
	mac[1] = 0x16;
	mac[2] = 0x3e;
	mac[3] = hash[0] & 0x7f;
	mac[4] = hash[1];
	mac[5] = hash[2];
}

/* The script that is named there: whoever removes the device finds by it what to do. */
static char *script_path(const struct vif *vif)
{
	return uvpi_script_path(vif->port == UVPI_PORT_BRIDGE ? UVPI_SCRIPT_BRIDGE :
				vif->port == UVPI_PORT_OVS    ? UVPI_SCRIPT_OVS :
								vif->vif->script);
}

int uvpi_devset_add_vif(struct uvpi_devset *set, const struct uvpi_vif *spec, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_vif_class, spec->devid);
	struct vif *vif = (struct vif *)dev;

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "network interface %" PRIu32, spec->devid);
	dev->backend_name = uvpi_backend_is_here(spec->backend) ? NULL : spec->backend;
	vif->vif = spec;
	vif->port = uvpi_vif_port(spec);
	dev->script = script_path(vif);
	if (!dev->script)
		return uvpi_no_memory(err);
	vif->bridge = spec->bridge ? spec->bridge : UVPI_DEFAULT_BRIDGE;
	vif->vifname = spec->vifname;
	vif->ip = spec->ip;
	vif->gatewaydev = spec->gatewaydev;
	vif->handle = spec->devid;
	vif->mtu = spec->mtu;
	vif->trusted = !spec->untrusted;
	if (spec->has_mac)
		memcpy(vif->address, spec->mac, sizeof(vif->address));
	else
		make_mac(set, spec->devid, vif->address);
	uvpi_mac_text(vif->address, vif->mac);
	if (spec->rate_us)
		snprintf(vif->rate, sizeof(vif->rate), "%" PRIu32 ",%" PRIu32, spec->rate_bytes, spec->rate_us);
	return 0;
}

static int check_bridge(struct vif *vif, int fd, struct uvp_error *err)
{
	int r = uvpi_link_get(fd, vif->bridge, &vif->bridge_link, err);

	if (r == -UVP_E_NOT_FOUND) {
		uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no bridge '%s' on this host", vif->bridge);
		uvpi_hint(err, "make it: ip link add %s type bridge; ip link set %s up", vif->bridge, vif->bridge);
	}
	if (r < 0)
		return r;
	if (strcmp(vif->bridge_link.kind, "bridge") != 0) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "'%s' is no bridge of Linux but %s%s", vif->bridge,
			      *vif->bridge_link.kind ? "of kind " : "an interface",
			      *vif->bridge_link.kind ? vif->bridge_link.kind : "");
		uvpi_hint(err, "'ip -br link show type bridge' lists those that there are");
		return r;
	}
	if ((vif->vif->vlan || vif->vif->n_trunk) && !vif->bridge_link.vlan_filtering) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "vlan= and trunk=: bridge '%s' does not tell VLANs apart", vif->bridge);
		uvpi_hint(err, "make it: ip link set %s type bridge vlan_filtering 1", vif->bridge);
		return -UVP_E_UNSUPPORTED;
	}
	/* A guest that believes in 1500 on a bridge of jumbo frames, or of fewer, would lose packets. */
	if (!vif->mtu && vif->bridge_link.mtu != 1500)
		vif->mtu = vif->bridge_link.mtu;
	return 0;
}

static int check_port(struct vif *vif, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct uvpi_link other;
	int r = uvpi_netlink_open(&fd, err);

	if (r == 0 && vif->port == UVPI_PORT_BRIDGE)
		r = check_bridge(vif, fd, err);
	else if (r == 0)
		r = vif->port == UVPI_PORT_OVS ? uvpi_ovs_check(err) : uvpi_script_check(vif->dev.script, err);
	if (r == 0 && vif->vifname && uvpi_link_get(fd, vif->vifname, &other, NULL) == 0)
		r = uvpi_fail(err, UVP_E_EXISTS, 0, "vifname: there is a network interface '%s' on this host already",
			      vif->vifname);
	return r == 0 && vif->vif->n_nets ? uvpi_antispoof_check(err) : r;
}

static int prepare(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err)
{
	struct vif *vif = (struct vif *)dev;
	int r = uvpi_vif_unsupported(vif->vif, err);

	if (r < 0)
		return r;
	/* The bridge is the other domain's, too. */
	r = dev->server ? 0 : check_port(vif, err);
	if (r < 0)
		uvpi_prefix(err, "%s", dev->label);
	return r;
}

/* ---- afterwards ---- */

/* "10/20-30" as Open vSwitch wants it: every VLAN by itself. The caller frees it. */
static char *trunk_list(const struct uvpi_vif *vif)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (int i = 0; out && i < vif->n_trunk; i++)
		for (uint32_t vlan = vif->trunk[i].first; vlan <= vif->trunk[i].last; vlan++)
			fprintf(out, "%s%" PRIu32, ftell(out) ? "," : "", vlan);
	return out && fclose(out) == 0 ? uvpi_steal(&text) : NULL;
}

static int connect_ovs(const struct uvpi_devset *set, const struct vif *vif, struct uvp_error *err)
{
	_cleanup_free_ char *trunk = vif->vif->n_trunk ? trunk_list(vif->vif) : NULL;
	char uuid[UVPI_UUID_TEXT];
	struct uvpi_ovs_port port = { .ifname = vif->dev.ifname, .bridge = vif->bridge, .mac = vif->mac,
				      .uuid = uuid, .vlan = vif->vif->vlan, .trunk = trunk };

	if (vif->vif->n_trunk && !trunk)
		return uvpi_no_memory(err);
	uvpi_format_uuid(set->uuid, uuid);
	return uvpi_ovs_add(&port, set->op, err);
}

/* The address is the highest there is, so that the bridge never takes it for its own. */
static int connect_link(const struct uvpi_devset *set, const struct vif *vif, const char *name, struct uvp_error *err)
{
	static const uint8_t address[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct uvpi_vif *spec = vif->vif;
	struct uvpi_link_change change = { .name = vif->vifname, .address = address, .mtu = vif->mtu };
	_cleanup_close_ int fd = -1;
	struct uvpi_link link;
	int r = uvpi_netlink_open(&fd, err);

	if (vif->port == UVPI_PORT_BRIDGE)
		change.master = vif->bridge_link.index;
	if (r == 0)
		r = uvpi_link_get(fd, name, &link, err);
	/* Before the interface is up: nothing passes by the filter. */
	if (r == 0 && spec->n_nets)
		r = uvpi_antispoof_set(name, vif->address, spec->nets, spec->n_nets, err);
	if (r == 0)
		r = uvpi_link_change(fd, link.index, &change, err);
	if (r == 0 && vif->port == UVPI_PORT_BRIDGE && (spec->vlan || spec->n_trunk))
		r = uvpi_link_set_vlans(fd, link.index, vif->bridge_link.default_pvid, spec->vlan, spec->trunk,
					spec->n_trunk, err);
	if (r == 0 && vif->port == UVPI_PORT_OVS)
		r = connect_ovs(set, vif, err);
	if (r < 0)
		uvpi_prefix(err, "%s: cannot put '%s' on bridge '%s'", vif->dev.label, name, vif->bridge);
	return r;
}

static int connect_host(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch,
			struct uvp_error *err)
{
	const struct vif *vif = (struct vif *)dev;
	struct uvpi_script script = { dev->script, "vif", set->domid, dev->devid, NULL };
	char name[32], path[160];
	int r;

	snprintf(name, sizeof(name), "vif%" PRIu32 ".%" PRIu32, set->domid, dev->devid);
	snprintf(dev->ifname, sizeof(dev->ifname), "%s", vif->vifname ? vif->vifname : name);
	script.ifname = name;
	if (vif->port == UVPI_PORT_SCRIPT) {
		r = uvpi_script_add(set->store, &script, set->op, err);
		if (r < 0)
			uvpi_prefix(err, "%s", dev->label);
	} else {
		r = connect_link(set, vif, name, err);
	}
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/hotplug-status", dev->backend);
	uvpi_batch_write(batch, path, "connected");
	return 0;
}

/* In a driver domain it is the script that knows the bridge, and tells the guest of its MTU. */
static void write_nodes(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch)
{
	const struct uvpi_perm perms[] = { { dev->server, UVPI_ACCESS_NONE }, { set->domid, UVPI_ACCESS_READ } };
	const struct vif *vif = (const struct vif *)dev;
	char path[160];

	if (!dev->server)
		return;
	snprintf(path, sizeof(path), "%s/mtu", dev->frontend);
	uvpi_batch_writef(batch, path, "%" PRIu32, vif->mtu ? vif->mtu : USUAL_MTU);
	uvpi_batch_perms(batch, path, perms, 2);
}

/* The interface, and with it the bridge's port, is netback's: it goes when the back end does. */
const struct uvpi_device_class uvpi_vif_class = {
	.kind = "vif",
	.module = "xen-netback",
	.size = sizeof(struct vif),
	.keys = keys,
	.prepare = prepare,
	.write = write_nodes,
	.connect = connect_host,
};

int uvpi_devset_open_tap(struct uvpi_devset *set, uint32_t devid, char ret_mac[18], struct uvp_error *err)
{
	for (int i = 0; i < set->n; i++) {
		const struct vif *vif = (const struct vif *)set->list[i];
		char name[32];
		int fd;

		if (set->list[i]->class != &uvpi_vif_class || set->list[i]->devid != devid)
			continue;
		if (vif->dev.server)
			return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its bridge is in %.200s", vif->dev.server_label);
		snprintf(name, sizeof(name), "vif%" PRIu32 ".%" PRIu32 "-emu", set->domid, devid);
		fd = uvpi_tap_open(name, &vif->bridge_link, vif->mtu, vif->vif, err);
		if (fd < 0)
			uvpi_prefix(err, "%s", vif->dev.label);
		else
			memcpy(ret_mac, vif->mac, sizeof(vif->mac));
		return fd;
	}
	return uvpi_fail(err, UVP_E_INTERNAL, 0, "network interface %" PRIu32 " is not attached", devid);
}
