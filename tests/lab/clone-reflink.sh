#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A clone's disks on a file system that can share blocks between files take no room; what is written to one stays there. And a
# disk that does not fit elsewhere: the error says so, and nothing is left of the clone.
. "$(dirname "$0")/../lib.sh"
requires xlx mkfs.xfs mount cmp
export UVP_STATE_DIR=$tmp/state

mkdir "$tmp/xfs" "$tmp/small"
on_exit umount "$tmp/xfs" "$tmp/small"
truncate -s 300M "$tmp/xfs.img"
mkfs.xfs -q "$tmp/xfs.img" >/dev/null && mount -o loop "$tmp/xfs.img" "$tmp/xfs" || fail "cannot make a file system"
mount -t tmpfs -o size=2m none "$tmp/small" || fail "cannot mount"
used() { df -k --output=used "$tmp/xfs" | tail -n 1; }

dd if=/dev/urandom of="$tmp/xfs/cr-one.img" bs=1M count=16 2>/dev/null
sync -f "$tmp/xfs"
before=$(used)
expect_ok xlx define "$(tiny_cfg cr-one "disk = [ '$tmp/xfs/cr-one.img,raw,xvda,w' ]")"
expect_ok xlx clone cr-one cr-two
sync -f "$tmp/xfs"
[ $(($(used) - before)) -lt 4096 ] || fail "the copy of 16 MiB took $(($(used) - before)) KiB"
cmp "$tmp/xfs/cr-one.img" "$tmp/xfs/cr-two.img" || fail "the copy differs"
printf changed | dd of="$tmp/xfs/cr-two.img" conv=notrunc 2>/dev/null
[ "$(head -c 7 "$tmp/xfs/cr-one.img" | tr -d '\0')" != changed ] || fail "both have one disk"

expect_fail 10 xlx clone cr-one cr-three --disk "xvda=$tmp/small/cr-three.img"
err_has "$tmp/small/cr-three.img"
[ ! -e "$tmp/small/cr-three.img" ] || fail "half a disk is left"
expect_fail 4 xlx dumpxml cr-three
exit 0
