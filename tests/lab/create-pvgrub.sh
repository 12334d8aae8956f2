#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pvgrub images as kernels: GRUB's own, for PV and for PVH.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-grub
for type in pv pvh; do
	image=/guests/pvgrub/grub-x86_64-xen.bin
	[ $type = pv ] || image=/guests/pvgrub/grub-i386-xen_pvh.bin
	[ -f "$image" ] || skip "there is no $image"
	rm -f /var/log/xen/guest-t-grub.log
	printf '%s\n' 'name = "t-grub"' "type = \"$type\"" "kernel = \"$image\"" 'memory = 64' >"$tmp/t-grub.cfg"
	expect_ok xlx create "$tmp/t-grub.cfg"
	wait_for 100 grep -qi 'grub' /var/log/xen/guest-t-grub.log
	expect_ok xlx destroy t-grub
done
