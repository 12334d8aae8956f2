#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks in QEMU's formats: data behind a backing file, and what is wrong with images.
. "$(dirname "$0")/../lib.sh"
requires cmp
. "$(dirname "$0")/qdisk.bash"

sum=$(md5sum <"$work/base.img" | cut -d' ' -f1)

# what is wrong with images is said before anything is changed
on_exit destroy_guest lab-qdisk
refuses() { # STATUS TEXT DISK
	expect_fail "$1" xlx create --dry-run "$(tiny_cfg lab-qdisk "disk = [ '$3' ]")"
	err_has "$2"
}
qemu-img create -q -f qcow2 -o encrypt.format=luks,encrypt.key-secret=k --object secret,id=k,data=abc "$work/locked.qcow2" 4M 2>/dev/null &&
	refuses 8 "it is encrypted" "$work/locked.qcow2,qcow2,xvda,w"
refuses 3 "it is no qcow2 image" "$work/base.img,qcow2,xvda,w"
qemu-img create -q -f qcow2 -u -b "$work/gone.img" -F raw "$work/c.qcow2" 4M
refuses 4 "gone.img' does not exist" "$work/c.qcow2,qcow2,xvda,w"
qemu-img create -q -f qcow2 -u -b "nbd://localhost/x" -F raw "$work/c.qcow2" 4M
refuses 8 "is no file of this host" "$work/c.qcow2,qcow2,xvda,w"
qemu-img create -q -f qcow2 -u -b c.qcow2 -F qcow2 "$work/c.qcow2" 4M
refuses 3 "is its own backing file" "$work/c.qcow2,qcow2,xvda,w"
refuses 6 "of the same domain already" "$work/a.qcow2,qcow2,xvda,w', '$work/base.img,raw,xvdb,w"
nothing_left || fail "a check has left something"

# a guest writes above a backing file, and reads what is in that
guest_boots lab-qdisk xlx create "$(linux_cfg lab-qdisk "disk = [ '$work/a.qcow2,qcow2,xvda,w' ]")"
expect_ok xlx block-list lab-qdisk
out_has qcow2
guest_run lab-qdisk 'dd if=/dev/xvda bs=64k count=32 2>/dev/null | md5sum; dd if=/dev/xvda of=/dev/xvda bs=64k count=16 seek=40 conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/xvda bs=64k count=16 skip=40 2>/dev/null | md5sum'
guest_has "$sum"
guest_has "$(head -c 1M "$work/base.img" | md5sum | cut -d' ' -f1)"

# plugged into the running guest, written to, and taken away again
expect_ok xlx block-attach --timeout 120 lab-qdisk "$work/b.qcow2,qcow2,xvdb,w"
[ "$(servers)" -eq 1 ] || fail "there are $(servers) disk servers"
guest_run lab-qdisk 'dd if=/dev/xvdb bs=64k count=32 2>/dev/null | md5sum; dd if=/dev/xvda of=/dev/xvdb bs=64k count=4 seek=48 conv=fsync 2>/dev/null; echo done'
guest_has "$sum"
expect_ok xlx block-detach --timeout 120 lab-qdisk xvdb
guest_run lab-qdisk 'ls /dev/xvd*'
grep -q xvdb "$tmp/guest" && fail "the guest still has the disk"
qemu-img convert -O raw "$work/b.qcow2" "$work/b.raw" || fail "the image cannot be read: somebody has it"
cmp -n 262144 "$work/base.img" "$work/b.raw" 0 3145728 || fail "what the guest wrote is not in the image"

expect_ok xlx destroy --yes lab-qdisk
nothing_left || fail "something is left: $(ls /run/uvp/qemu/0 2>&1; cat /sys/block/nbd*/backend 2>/dev/null)"
qemu-img check -q "$work/a.qcow2" || fail "the image is damaged"
exit 0
