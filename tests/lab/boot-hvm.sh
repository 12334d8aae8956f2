#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a defined HVM guest boots from: single devices of several, and an order for one boot.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx
export UVP_STATE_DIR=$tmp/state

boots_from() {
	wait_for 200 hvm_said lab-boot 'ready from'
	hvm_said lab-boot "ready from $1" || fail "it says '$(tail -n 1 "$tmp/lab-boot.serial")' instead of $1"
	expect_ok xlx destroy --yes lab-boot
}
on_exit destroy_guest lab-boot
hvm_disk "$tmp/a.img" first
hvm_disk "$tmp/b.img" secnd
expect_ok xlx define "$(hvm_cfg lab-boot 'boot = "hdb,hda"' \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw', '/guests/tiny-cd.iso,raw,hdc,ro,cdrom' ]")"
expect_ok xlx boot-order --once lab-boot hdc,hdb
out_has "at its next start, and only then"
expect_ok xlx start lab-boot
expect_ok xlx boot-order --json lab-boot
out_has '"order":["hdb","hda"],"once":null'
boots_from cdrom
expect_ok xlx start lab-boot
boots_from secnd
expect_fail 4 xlx boot-order lab-boot xvdc
err_has "there is no disk 'xvdc'"
expect_fail 3 xlx boot-order lab-boot tape
exit 0
