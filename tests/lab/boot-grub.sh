#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PV and PVH guests boot by GRUB from the disk that the order says; an order for one boot, with a reboot by the guest.
. "$(dirname "$0")/../lib.sh"
prefix=lab-grub
export UVP_STATE_DIR=$tmp/state
. "$(dirname "$0")/hostd.bash"
requires xlx mke2fs
[ -f /usr/lib/grub-xen/grub-x86_64-xen.bin ] || skip "there is no pvgrub"

# grub_disk FILE COMMAND...: what its GRUB does
grub_disk() {
	local file=$1
	shift
	truncate -s 2M "$file"
	mke2fs -F "$file" >"$tmp/mke2fs" 2>&1 || fail "cannot make a disk: $(cat "$tmp/mke2fs")"
	mkdir -p "$tmp/mnt"
	mount -o loop "$file" "$tmp/mnt" || fail "cannot mount a disk"
	mkdir -p "$tmp/mnt/boot/grub"
	printf '%s\n' "$@" >"$tmp/mnt/boot/grub/grub.cfg"
	umount "$tmp/mnt"
}
grub_disk "$tmp/a.img" 'echo xvda' 'sleep 10000'
grub_disk "$tmp/b.img" 'echo xvdb' 'reboot'

said() { [ "$(grep -ao "Reading (xen/xvd$1)" /var/log/xen/guest-lab-grub.log | wc -l)" = "$2" ]; }

start_hostd
for type in pv pvh; do
	rm -f /var/log/xen/guest-lab-grub.log
	printf '%s\n' 'name = "lab-grub"' "type = \"$type\"" 'bootloader = "pvgrub"' 'memory = 64' \
		'boot = "xvda,xvdb"' 'boot_once = "xvdb"' \
		"disk = [ '$tmp/a.img,raw,xvda,rw', '$tmp/b.img,raw,xvdb,rw' ]" >"$tmp/lab-grub.cfg"
	expect_ok xlx create "$tmp/lab-grub.cfg"
	# xvdb once, which reboots at once; then xvda
	wait_for 120 said b 1
	wait_for 120 said a 1
	said b 1 || fail "the order for one boot was used twice"
	expect_ok xlx boot-order --json lab-grub
	out_has '"by":"pvgrub","given":true,"order":["xvda","xvdb"],"once":null'
	expect_fail 8 xlx boot-order lab-grub network
	err_has "cannot boot from the network"
	expect_fail 4 xlx boot-order lab-grub xvdc
	expect_ok xlx boot-order --once lab-grub xvdb
	out_has 'at its next boot, and only then'
	expect_ok xlx destroy --yes lab-grub
done

# a kernel from the host is nobody's choice of a device
expect_ok xlx define "$(tiny_cfg lab-grub)"
expect_fail 8 xlx boot-order lab-grub disk
err_has 'is started by that kernel'
expect_ok xlx boot-order lab-grub
out_has 'from no device'
exit 0
