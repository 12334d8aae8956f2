/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interfaces that the kernel's netback serves, as ports of a bridge. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/blake2.h"
#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/store.h"
#include "device/netlink.h"
#include "device/xenbus.h"

#define DEFAULT_BRIDGE "xenbr0"

struct vif {
	struct uvpi_device dev;
	const struct uvpi_vif *vif;
	const char *bridge;
	const char *vifname;
	char mac[18];
	char rate[24]; /* "BYTES,MICROSECONDS" */
	uint32_t handle, mtu;
	bool trusted;
	struct uvpi_link bridge_link;
};

#define IN(where_, key_, value_, ...) { .key = key_, .where = where_, .value = value_, __VA_ARGS__ }
#define CONST(where, key, content) IN(where, key, UVPI_VALUE_CONST, .text = content)
#define FIELD(where, key, kind, field) IN(where, key, kind, .offset = offsetof(struct vif, field))

/* netback refuses a device without `script`, although nothing runs it. */
static const struct uvpi_devkey keys[] = {
	CONST(UVPI_IN_BACK, "script", "/etc/xen/scripts/vif-bridge"),
	FIELD(UVPI_IN_BACK, "handle", UVPI_VALUE_U32, handle),
	FIELD(UVPI_IN_BACK, "mac", UVPI_VALUE_CHARS, mac),
	FIELD(UVPI_IN_BACK, "bridge", UVPI_VALUE_STRING, bridge),
	FIELD(UVPI_IN_BACK, "vifname", UVPI_VALUE_STRING, vifname),
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

int uvpi_devset_add_vif(struct uvpi_devset *set, const struct uvpi_vif *spec, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_vif_class, spec->devid);
	struct vif *vif = (struct vif *)dev;
	uint8_t mac[6];

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "network interface %" PRIu32, spec->devid);
	vif->vif = spec;
	vif->bridge = spec->bridge ? spec->bridge : DEFAULT_BRIDGE;
	vif->vifname = spec->vifname;
	vif->handle = spec->devid;
	vif->mtu = spec->mtu;
	vif->trusted = !spec->untrusted;
	if (spec->has_mac)
		memcpy(mac, spec->mac, sizeof(mac));
	else
		make_mac(set, spec->devid, mac);
	snprintf(vif->mac, sizeof(vif->mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	if (spec->rate_us)
		snprintf(vif->rate, sizeof(vif->rate), "%" PRIu32 ",%" PRIu32, spec->rate_bytes, spec->rate_us);
	return 0;
}

static int check_bridge(struct vif *vif, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct uvpi_link other;
	int r = uvpi_netlink_open(&fd, err);

	if (r == 0)
		r = uvpi_link_get(fd, vif->bridge, &vif->bridge_link, err);
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
	if (vif->vifname && uvpi_link_get(fd, vif->vifname, &other, NULL) == 0)
		return uvpi_fail(err, UVP_E_EXISTS, 0, "vifname: there is a network interface '%s' on this host already",
				 vif->vifname);
	return 0;
}

static int prepare(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err)
{
	struct vif *vif = (struct vif *)dev;
	int r = uvpi_vif_unsupported(vif->vif, err);

	if (r < 0)
		return r;
	r = check_bridge(vif, err);
	if (r < 0) {
		uvpi_prefix(err, "%s", dev->label);
		return r;
	}
	/* A guest that believes in 1500 on a bridge of jumbo frames, or of fewer, would lose packets. */
	if (!vif->mtu && vif->bridge_link.mtu != 1500)
		vif->mtu = vif->bridge_link.mtu;
	return 0;
}

/* The address is the highest there is, so that the bridge never takes it for its own. */
static int connect_host(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch,
			struct uvp_error *err)
{
	static const uint8_t address[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct vif *vif = (struct vif *)dev;
	struct uvpi_link_change change = {
		.name = vif->vifname, .address = address, .mtu = vif->mtu, .master = vif->bridge_link.index
	};
	_cleanup_close_ int fd = -1;
	struct uvpi_link link;
	char name[32], path[160];
	int r = uvpi_netlink_open(&fd, err);

	snprintf(name, sizeof(name), "vif%" PRIu32 ".%" PRIu32, set->domid, dev->devid);
	if (r == 0)
		r = uvpi_link_get(fd, name, &link, err);
	if (r == 0)
		r = uvpi_link_change(fd, link.index, &change, err);
	if (r < 0) {
		uvpi_prefix(err, "%s: cannot put '%s' on bridge '%s'", dev->label, name, vif->bridge);
		return r;
	}
	snprintf(path, sizeof(path), "%s/hotplug-status", dev->backend);
	uvpi_batch_write(batch, path, "connected");
	return 0;
}

/* The interface, and with it the bridge's port, is netback's: it goes when the back end does. */
static void nothing(struct uvpi_device *dev)
{
}

const struct uvpi_device_class uvpi_vif_class = {
	.kind = "vif",
	.size = sizeof(struct vif),
	.keys = keys,
	.prepare = prepare,
	.connect = connect_host,
	.release = nothing,
	.done = nothing,
};
