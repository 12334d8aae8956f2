/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "device/netlink.h"

int uvpi_tap_open(const char *name, const struct uvpi_link *bridge, uint32_t mtu, const struct uvpi_vif *vif,
		  struct uvp_error *err)
{
	/* As for the interfaces of the kernel's back end: never the bridge's own address. */
	static const uint8_t address[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct uvpi_link_change change = { .address = address, .mtu = mtu, .master = bridge->index };
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), link_fd = -1;
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	struct uvpi_link link;
	int r;

	if (fd < 0) {
		r = uvpi_fail_errno(err, errno, "cannot open '/dev/net/tun', which emulated network interfaces need");
		uvpi_hint(err, "load the driver: modprobe tun; or use type=vif, for guests with PV drivers");
		return r;
	}
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the tap device '%s'", name);
	r = uvpi_netlink_open(&link_fd, err);
	if (r == 0)
		r = uvpi_link_get(link_fd, name, &link, err);
	if (r == 0)
		r = uvpi_link_change(link_fd, link.index, &change, err);
	if (r == 0 && (vif->vlan || vif->n_trunk))
		r = uvpi_link_set_vlans(link_fd, link.index, bridge->default_pvid, vif->vlan, vif->trunk, vif->n_trunk, err);
	if (r < 0) {
		uvpi_prefix(err, "cannot put '%s' on its bridge", name);
		return r;
	}
	return uvpi_steal_fd(&fd);
}
