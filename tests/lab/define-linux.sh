#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Memory and vCPUs of a defined Linux guest that runs change at once, and stay when it boots next.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
requires xlx
[ -e /guests/vmlinux ] || skip "there is no Linux guest in this lab"
export UVP_STATE_DIR=$tmp/state

on_exit destroy_guest dl-linux
expect_ok xlx define "$(linux_cfg dl-linux 'maxmem = 256')"
guest_boots dl-linux xlx start dl-linux
expect_ok xlx modify dl-linux memory=224 vcpus=1
out_has 'memory: 192 -> 224: done'
out_has 'vcpus: 2 -> 1: done'
guest_run dl-linux 'cat /sys/devices/system/cpu/online'
guest_has '^0$'
expect_ok xlx dumpxml dl-linux
out_has "<currentMemory unit='KiB'>229376</currentMemory>"
# devices come and go with the lists; one that stays cannot become another
on_exit ip link del labbr1
ip link add labbr1 type bridge && ip link set labbr1 up || fail "cannot make a bridge"
truncate -s 4M "$tmp/one.img"
truncate -s 8M "$tmp/two.img"
expect_ok xlx modify dl-linux "disk=['$tmp/one.img,raw,xvda,w','$tmp/two.img,raw,xvdb,r']" \
	"vif=['bridge=labbr1,mac=00:16:3e:99:00:07']"
[ "$(grep -c ': done$' "$tmp/out")" = 2 ] || fail "not done: $(cat "$tmp/out")"
guest_run dl-linux 'cat /proc/partitions /sys/class/net/eth0/address'
guest_has xvda
guest_has 00:16:3e:99:00:07
expect_ok xlx modify dl-linux "disk=['$tmp/one.img,raw,xvda,r']"
out_has 'at the next boot; not now: '
out_has "'xvda' is in use as it was"
expect_ok xlx modify --next-boot dl-linux "disk=['$tmp/one.img,raw,xvda,w','$tmp/two.img,raw,xvdb,r']"
expect_ok xlx modify dl-linux "disk=['$tmp/one.img,raw,xvda,w']" vif=
[ "$(grep -c ': done$' "$tmp/out")" = 2 ] || fail "not done: $(cat "$tmp/out")"
expect_ok xlx device-list --json dl-linux
out_has '"xvda"'
! grep -qE 'xvdb|00:16:3e:99:00:07' "$tmp/out" || fail "still there: $(cat "$tmp/out")"
expect_ok xlx dumpxml dl-linux
out_has "$tmp/one.img"
! grep -q two.img "$tmp/out" || fail "its next life has it: $(cat "$tmp/out")"
# the guest cannot have less than it needs: it says where it stopped, and the definition has it all the same
expect_fail 3 xlx modify dl-linux memory=224 vcpus=3 maxvcpus=2
expect_ok xlx dumpxml --xl --defined dl-linux
out_has 'memory = 224'
