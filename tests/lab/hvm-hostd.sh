#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# uvp-hostd and the device models of HVM guests: one that ends is told of, with the guest's name; what xl leaves of a guest
# that it destroys is cleared away.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
prefix=lab-hvh
. "$(dirname "$0")/hostd.bash"

hvm_disk "$tmp/a.img" first
create_guest "$(hvm_cfg lab-hvh1 "disk = [ '$tmp/a.img,raw,hda,rw' ]")" # before uvp-hostd starts
start_hostd
create_guest "$(hvm_cfg lab-hvh2)"
for name in lab-hvh1 lab-hvh2; do
	kill -9 "$(hvm_pid $name)"
	wait_logged "'$name' has ended while the guest runs"
done
expect_ok xlx list --json
[ "$(grep -oE '"device_model": ?"ended"' "$tmp/out" | wc -l)" -eq 2 ] || fail "list does not tell"
expect_ok xlx destroy --yes lab-hvh1

create_guest "$(hvm_cfg lab-hvh3 "disk = [ '$tmp/a.img,raw,hda,rw' ]")"
id=$(xlx domid lab-hvh3)
pid=$(hvm_pid lab-hvh3)
expect_ok xl destroy lab-hvh3
wait_for 60 eval "[ ! -e /run/uvp/qemu/$id ]"
[ ! -e "/proc/$pid" ] || fail "QEMU is left"
wait_for 60 eval "! xenstore-read /uvp/domain/$id/uuid"
[ -z "$(losetup -j "$tmp/a.img")" ] || fail "a loop device is left"
! logged "'lab-hvh3' has ended while" || fail "a destroyed guest is told of as if it lived"
expect_ok xlx destroy --yes lab-hvh2
end_hostd
exit 0
