/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot-plug scripts: what sets up the host's side of a device in the way the operator wants it, called as xl calls them.
 * Our own ways to do it stand under the names of the scripts whose work they do. */
#ifndef UVPI_DEVICE_SCRIPT_H
#define UVPI_DEVICE_SCRIPT_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/progress.h>

struct uvpi_devset;
struct uvpi_device;
struct uvpi_store;

#define UVPI_SCRIPT_DIR "/etc/xen/scripts"
#define UVPI_SCRIPT_BLOCK UVPI_SCRIPT_DIR "/block"
#define UVPI_SCRIPT_BRIDGE UVPI_SCRIPT_DIR "/vif-bridge"
#define UVPI_SCRIPT_OVS UVPI_SCRIPT_DIR "/vif-openvswitch"
#define UVPI_SCRIPT_MS 40000 /* how long one may take, as in xl */

/* The path of script=NAME, which is in xl's folder unless it is one itself. The caller frees it; NULL: no memory. */
char *uvpi_script_path(const char *name);
/* NOT_FOUND or DENIED when it cannot be run. */
int uvpi_script_check(const char *path, struct uvp_error *err);

/* One device's script: path, the device's kind ("vbd", "vif"), number and interface ("" for disks). */
struct uvpi_script {
	const char *path, *kind;
	uint32_t domid, devid;
	const char *ifname;
};
/* Run it to set the device up. Fails with what it wrote to hotplug-error, or said. */
int uvpi_script_add(struct uvpi_store *store, const struct uvpi_script *script, const struct uvp_op *op,
		    struct uvp_error *err);

/* Is there anything that uvpi_hotplug_remove() would do? script: as the node has it; "": it has none. */
bool uvpi_hotplug_is_needed(const char *script);
/* Undo the host's part of a device after its back end has closed, by what its node says that was: nothing to do for
 * bridges and for what the kernel frees. script may be NULL; vifname is "" for disks. What does not work is a warning. */
void uvpi_hotplug_remove(const char *kind, uint32_t domid, uint32_t devid, const char *script, const char *vifname,
			 const struct uvp_op *op);

/* Open vSwitch: put the interface on a bridge of its own, as the port of a VLAN (0: none) or of several (NULL, or
 * "10,20"). */
struct uvpi_ovs_port {
	const char *ifname, *bridge, *mac, *uuid;
	uint32_t vlan;
	const char *trunk;
};
int uvpi_ovs_check(struct uvp_error *err);
int uvpi_ovs_add(const struct uvpi_ovs_port *port, const struct uvp_op *op, struct uvp_error *err);

#endif
