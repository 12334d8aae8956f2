# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of disks in QEMU's formats: a folder for images, two of them above one raw file, and what a server leaves.
requires xlx qemu-img modinfo
modinfo nbd >/dev/null 2>&1 || skip "the kernel has no module nbd"
work=/var/tmp/lab-qdisk.$$
mkdir "$work"
on_exit rm -rf "$work"

servers() { pgrep -fc -- '[-]name uvp-disks'; }
nothing_left() { [ ! -e /run/uvp/qemu/0 ] && [ "$(servers)" -eq 0 ] && ! cat /sys/block/nbd*/backend 2>/dev/null | grep -q uvp-qdisk; }

dd if=/dev/urandom of="$work/base.img" bs=64k count=32 2>/dev/null
qemu-img create -q -f qcow2 -F raw -b base.img "$work/a.qcow2" 4M || fail "cannot make an image"
qemu-img create -q -f qcow2 -F raw -b base.img "$work/b.qcow2" 4M
