#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What an HVM guest boots from: two disks, a CD and the network, by classes and by devices; an order for one boot; reboots.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
prefix=lab-boot
export UVP_STATE_DIR=$tmp/state
. "$(dirname "$0")/hostd.bash"
requires xlx dnsmasq ip

clean_net() {
	[ -z "${dnsmasq:-}" ] || kill "$dnsmasq"
	xlx undefine --yes lab-boot
	ip link del labpxe
} 2>/dev/null
on_exit clean_net
ip link add labpxe type bridge
ip addr add 10.99.0.1/24 dev labpxe
ip link set labpxe up
cp /guests/tiny-hvm.img "$tmp/pxe.0"
dnsmasq --conf-file=/dev/null --keep-in-foreground --port=0 --user=root --leasefile-ro --pid-file= --interface=labpxe \
	--bind-interfaces --dhcp-range=10.99.0.10,10.99.0.20 --enable-tftp --tftp-root="$tmp" --dhcp-boot=pxe.0 \
	--log-facility="$tmp/dnsmasq.log" &
dnsmasq=$!

hvm_disk "$tmp/a.img" first
hvm_disk "$tmp/b.img" secnd
start_hostd
expect_ok xlx define "$(hvm_cfg lab-boot 'memory = 32' 'boot = "hdb,hda"' 'vif = [ "bridge=labpxe" ]' \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw', '/guests/tiny-cd.iso,raw,hdc,ro,cdrom' ]")"

# reset: as the guest does it; the next life has a new QEMU, and so a new log of its port
reset() {
	: >"$tmp/lab-boot.serial"
	expect_ok xlx qmp lab-boot system_reset
}
boots_from() {
	wait_for 200 hvm_said lab-boot 'ready from'
	hvm_said lab-boot "ready from $1" || fail "it says '$(tail -n 1 "$tmp/lab-boot.serial")' instead of $1"
}

# of a domain that is defined and not running
expect_ok xlx boot-order --once lab-boot network
out_has "at its next start, and only then"
expect_ok xlx boot-order --json lab-boot
out_has '"by":"firmware","given":true,"order":["hdb","hda"],"once":["network"],"devices":[{"device":"vif0","class":"network"}]'
expect_ok xlx start lab-boot
expect_ok xlx boot-order lab-boot
out_has 'order: hdb,hda'
! grep -q 'next boot' "$tmp/out" || fail "the order for one boot is still there"
# its network card's ROM has asked; what it loads then would say so much later: under emulation, iPXE takes minutes
wait_for 300 grep -q 'DHCPDISCOVER\|DHCPACK' "$tmp/dnsmasq.log"
expect_fail 4 xlx boot-order lab-boot xvdc
err_has "there is no disk 'xvdc'"
expect_fail 3 xlx boot-order lab-boot tape

reset
boots_from secnd

# of one that runs; a reboot is a boot
expect_ok xlx boot-order lab-boot disk
out_has "from its next boot on; a reboot is one"
expect_ok xlx boot-order --once lab-boot cdrom,disk
reset
boots_from cdrom
reset
boots_from first
expect_ok xlx dumpxml lab-boot
out_has "<boot dev='hd'/>"
expect_ok xlx destroy --yes lab-boot
