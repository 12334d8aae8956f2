#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What an operator reads when a guest cannot be created, and that nothing is left of it.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-err
cfg=$(tiny_cfg t-err)

# refuses STATUS TEXT OVERRIDE...
refuses() {
	local status=$1 text=$2
	shift 2
	expect_fail "$status" xlx create -n "$cfg" "$@"
	err_has "$text"
	expect_fail "$status" xlx create "$cfg" "$@"
	err_has "$text"
}

# kernels
: >"$tmp/empty"
head -c 100000 /guests/vmlinuz >"$tmp/cut"
head -c 300000 /guests/vmlinux >"$tmp/cut-elf"
cp /guests/vmlinuz-xz "$tmp/damaged"
head -c 4096 /dev/zero | dd of="$tmp/damaged" bs=1 seek=3000000 conv=notrunc status=none
refuses 4 "cannot open kernel '/nowhere'" 'kernel="/nowhere"'
refuses 3 'is empty' "kernel=\"$tmp/empty\""
refuses 3 'is a folder' "kernel=\"$tmp\""
refuses 3 'cut off' "kernel=\"$tmp/cut\"" memory=128
refuses 3 'cut off' "kernel=\"$tmp/cut-elf\"" memory=128
refuses 3 'cannot be unpacked' "kernel=\"$tmp/damaged\"" memory=128
refuses 3 'neither a bzImage nor an ELF' 'kernel="/etc/passwd"'
refuses 3 'no PVH entry' 'kernel="/bin/ls"'
refuses 3 'PV kernel without a PVH entry' 'kernel="/guests/tiny-pv"'
refuses 3 'not a PV kernel' 'type="pv"'
[ ! -f /guests/pvgrub/grub-i386-xen.bin ] ||
	refuses 3 '32-bit PV kernel' 'type="pv"' 'kernel="/guests/pvgrub/grub-i386-xen.bin"' memory=64
refuses 4 "cannot open ramdisk '/nowhere'" 'ramdisk="/nowhere"'

# memory
refuses 3 'needs at least' 'kernel="/guests/vmlinux"'
err_has 'set memory='
refuses 3 'with its ramdisk needs at least' 'kernel="/guests/vmlinux"' 'ramdisk="/guests/initrd.img"' 'type="pv"'
refuses 9 'are free; most is held by' memory=1000000
err_has "'Domain-0'"

# this host
refuses 4 'no CPU 99' 'cpus="99"'
refuses 4 "no CPU pool 'nope'" 'pool="nope"'
refuses 8 'no security policy' 'seclabel="system_u:system_r:domU_t"'
refuses 8 "'xvda' cannot be used" 'disk=["/dev/null,raw,xvda,r,backendtype=tap"]'
refuses 3 "neither a file nor a block device" 'disk=["/dev/null,raw,xvda,r"]'

# names and UUIDs
expect_ok xlx create "$cfg"
refuses 5 "name 't-err' is taken by domain"
uuid=$(xl list -v t-err | awk 'NR == 2 { print $7 }')
expect_fail 5 xlx create "$(tiny_cfg t-err2)" "uuid=\"$uuid\""
err_has 'has the UUID'
expect_fail 5 xlx create -n "$(tiny_cfg t-err2)" "uuid=\"$uuid\""
err_has 'has the UUID'
# the one that was there is unharmed
expect_ok xl list t-err
expect_ok xlx destroy t-err
expect_fail 4 xlx destroy t-err
expect_fail 7 xlx destroy 0

# usage
expect_fail 2 xlx create
expect_fail 2 xlx create -c "$cfg" "$cfg"
expect_fail 2 xlx destroy
