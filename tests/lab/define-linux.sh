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
# the guest cannot have less than it needs: it says where it stopped, and the definition has it all the same
expect_fail 3 xlx modify dl-linux memory=224 vcpus=3 maxvcpus=2
expect_ok xlx dumpxml --xl --defined dl-linux
out_has 'memory = 224'
