#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks in QEMU's formats: one server for all of them, who else may have the files, and the server's end.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
prefix=lab-qdisk
: >"$tmp/hostd.log"
requires qemu-io
. "$(dirname "$0")/qdisk.bash"

for format in qcow2 vhdx vmdk vpc; do qemu-img create -q -f "$format" "$work/$format.img" 4M; done
truncate -s 4M "$work/raw.img"

# formats that Debian's QEMU for Xen was built without
for format in vdi qed qcow; do
	expect_fail 8 xlx config-check "$(tiny_cfg lab-qdisk "disk = [ '$work/raw.img,$format,xvda,w' ]")"
	err_has "disk 'xvda': the QEMU for Xen of this host was built without the format $format"
done
UVP_STATE_DIR=$tmp/state expect_ok xlx define "$tmp/lab-qdisk.cfg"
err_has "cannot start 'lab-qdisk': disk 'xvda': the QEMU for Xen"
on_exit destroy_guest lab-qdisk
expect_ok xlx create "$(tiny_cfg lab-qdisk "disk = [ '$work/a.qcow2,qcow2,xvda,w' ]")"
# a second guest has the same server and the same backing file; the formats each serve a disk
on_exit destroy_guest lab-qdisk2
expect_ok xlx create "$(tiny_cfg lab-qdisk2 "disk = [ '$work/b.qcow2,qcow2,xvda,w', '$work/vhdx.img,vhdx,xvdd,w', '$work/vmdk.img,vmdk,xvde,w', '$work/vpc.img,vhd,xvdf,w', 'format=raw,vdev=xvdg,access=w,backendtype=qdisk,target=$work/raw.img', '$work/qcow2.img,qcow2,xvdh:cdrom,r' ]")"
[ "$(servers)" -eq 1 ] || fail "there are $(servers) disk servers"
[ "$(stat -c %u "/proc/$(pgrep -f -- '[-]name uvp-disks')")" -ne 0 ] || fail "the disk server runs as root"
[ -z "$(ls "/proc/$(pgrep -f -- '[-]name uvp-disks')/root/")" ] || fail "the disk server sees files"
# nobody writes to what somebody has, or has behind an image
expect_fail 6 xlx block-attach --no-wait lab-qdisk2 "$work/a.qcow2,qcow2,xvdi,w"
err_has "a.qcow2' is in use by domain 'lab-qdisk'"
expect_fail 6 xlx block-attach --no-wait lab-qdisk2 "$work/base.img,raw,xvdi,w"
err_has "base.img' is in use by domain 'lab-qdisk"
expect_ok xlx block-attach --no-wait lab-qdisk2 "$work/base.img,raw,xvdi,r"
qemu-io -f qcow2 -c 'write 0 512' "$work/a.qcow2" >/dev/null 2>&1 && fail "qemu-io may write to an image in use"
expect_fail 8 xlx block-resize lab-qdisk xvda 8M
err_has "cannot be made larger while it is in use"

# the server dies under two guests: the operator is told what to do, and a new disk gets a new server
lost_disks() { xlx block-list --json "$1" | grep -o '"lost":true' | wc -l; }
[ "$(lost_disks lab-qdisk2)" -eq 0 ] || fail "disks are lost before the server is"
start_hostd
kill -9 "$(pgrep -f -- '[-]name uvp-disks')"
wait_for 60 bash -c '! pgrep -f -- "[-]name uvp-disks"'
expect_ok xlx block-list lab-qdisk
out_has lost
err_has "'xvda' of 'lab-qdisk' gives errors: the QEMU that served it has ended"
expect_ok xlx device-list lab-qdisk
out_has lost
expect_ok xlx info lab-qdisk
out_has "xvda: the QEMU that served them has ended"
[ "$(lost_disks lab-qdisk2)" -eq 6 ] || fail "these are lost: $(xlx block-list lab-qdisk2 2>&1)"
wait_logged "the QEMU that served disks in its formats has ended; these get errors now:"
logged "domain $(xlx domid lab-qdisk) (xvda)" || fail "the log does not name the disk"
end_hostd
truncate -s 4M "$work/new.img"
expect_ok xlx block-attach --no-wait lab-qdisk "format=raw,vdev=xvdb,access=w,backendtype=qdisk,target=$work/new.img"
[ "$(servers)" -eq 1 ] || fail "there are $(servers) disk servers"
[ "$(lost_disks lab-qdisk)" -eq 1 ] || fail "these are lost: $(xlx block-list lab-qdisk 2>&1)"
expect_ok xlx destroy --yes lab-qdisk lab-qdisk2
nothing_left || fail "something is left: $(ls /run/uvp/qemu/0 2>&1; cat /sys/block/nbd*/backend 2>/dev/null)"
qemu-img check -q "$work/a.qcow2" || fail "the image is damaged"
exit 0
