#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# destroy: of xl's domains, of those with devices, several, all, twice.
. "$(dirname "$0")/../lib.sh"
requires xlx xl losetup

on_exit xlx destroy -f t-d1 t-d2 t-xl
gone() { ! xl list | grep -q " $1 "; }

# xl's, with a disk on a loop device and a network card, served by the kernel's back ends
truncate -s 1M "$tmp/disk.img"
expect_ok xl create "$(tiny_cfg t-xl "disk = [\"$tmp/disk.img,raw,xvda,w\"]")"
id=$(xl domid t-xl)
losetup -a | grep -q "$tmp/disk.img" || fail "xl made no loop device"
expect_ok xlx destroy t-xl
! xl list | grep -q t-xl || fail "t-xl is still there"
! xenstore-ls -f | grep -E "^/(local/domain|libxl)/$id(/| )|backend/[a-z]*/$id(/| )" || fail "nodes are left"
! losetup -a | grep -q "$tmp/disk.img" || fail "the loop device is left"
compgen -G "/var/lib/xen/userdata-*.$id.*" >/dev/null && fail "xl's files are left"

# several, by id and by name; one that is not there does not keep the others
expect_ok xlx create -q "$(tiny_cfg t-d1)" "$(tiny_cfg t-d2)"
expect_fail 4 xlx destroy t-none "$(xl domid t-d1)" t-d2
err_has "t-none"
! xl list | grep -q t-d || fail "t-d1 or t-d2 is still there"

# paused and shut down
expect_ok xlx create -qp "$(tiny_cfg t-d1)"
expect_ok xlx create -q "$(tiny_cfg t-d2 'cmdline = "p"')"
is_down() { xl list t-d2 | grep -q -- '---s--'; }
wait_for 60 is_down
expect_ok xlx destroy t-d1 t-d2

# all
expect_ok xlx create -q "$(tiny_cfg t-d1)" "$(tiny_cfg t-d2)"
expect_ok xlx destroy --all
expect_ok xl list
[ "$(wc -l <"$tmp/out")" = 2 ] || fail "not all are gone: $(cat "$tmp/out")"
