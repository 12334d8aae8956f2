#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a defined HVM guest with two disks, a CD-ROM and a PXE server boots from: each of them, by names and by classes, and an
# order for one boot.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx dnsmasq
export UVP_STATE_DIR=$tmp/state

on_exit ip link del labbr1
ip link add labbr1 type bridge && ip addr add 10.99.1.1/24 dev labbr1 && ip link set labbr1 up || fail "cannot make a bridge"
pxe_server labbr1 10.99.1 netwk

boots_from() {
	wait_for 300 grep -qaE 'ready from [a-z]{5}' "$tmp/lab-boot.serial"
	hvm_said lab-boot "ready from $1" || fail "it says '$(tail -n 1 "$tmp/lab-boot.serial")' instead of $1"
	expect_ok xlx destroy --yes lab-boot
}
on_exit destroy_guest lab-boot
hvm_disk "$tmp/a.img" first
hvm_disk "$tmp/b.img" secnd
expect_ok xlx define "$(hvm_cfg lab-boot 'memory = 64' 'boot = "hdb,hda"' "vif = [ 'bridge=labbr1,model=e1000' ]" \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw', '/guests/tiny-cd.iso,raw,hdc,ro,cdrom' ]")"
expect_ok xlx boot-order --once lab-boot hdc,hdb
out_has "at its next start, and only then"
expect_ok xlx start lab-boot
expect_ok xlx boot-order --json lab-boot
out_has '"order":["hdb","hda"],"once":null'
boots_from cdrom
expect_ok xlx start lab-boot
boots_from secnd
expect_ok xlx boot-order lab-boot network,cdrom,disk
expect_ok xlx start lab-boot
boots_from netwk
# with a server that would answer, and a CD-ROM
expect_ok xlx boot-order lab-boot disk,network,cdrom
expect_ok xlx start lab-boot
boots_from first
expect_fail 4 xlx boot-order lab-boot xvdc
err_has "there is no disk 'xvdc'"
expect_fail 3 xlx boot-order lab-boot tape
exit 0
