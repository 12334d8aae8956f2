#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx vcpu-list, vcpu-pin, vcpu-set: real vCPUs, and what cannot be.
. "$(dirname "$0")/../lib.sh"
requires xl xlx

create_guest "$(tiny_cfg lab-vcpu 'vcpus = 2')"

expect_ok xlx vcpu-list
out_has Domain-0
out_has lab-vcpu
expect_ok xlx vcpu-list lab-vcpu
[ "$(wc -l <"$tmp/out")" -eq 3 ] || fail "two vCPUs are two lines: $(cat "$tmp/out")"
out_has offline
expect_ok xlx vcpu-list --json lab-vcpu
out_has '"vcpu":1'
out_has '"hard_affinity":[0,1],"soft_affinity":[0,1]'
expect_fail 4 xlx vcpu-list no-such-domain

# pinned VCPU HARD SOFT: what Xen says about one vCPU
pinned() {
	xl vcpu-list lab-vcpu | awk -v v="$1" '$3 == v { print $(NF - 2), $NF }' | grep -qxF "$2 $3" ||
		fail "vCPU $1 is not pinned to $2 / $3: $(xl vcpu-list lab-vcpu)"
}
expect_ok xlx vcpu-pin lab-vcpu all 1
pinned 0 1 all
pinned 1 1 all
expect_ok xlx vcpu-pin lab-vcpu 0 - 0
pinned 0 1 0
expect_ok xlx vcpu-pin lab-vcpu 1 all 1
pinned 1 all 1
expect_ok xlx vcpu-pin --hard 0-1,^1 --soft all lab-vcpu 0
pinned 0 0 all
expect_ok xlx vcpu-pin -f lab-vcpu all nodes:0 all
pinned 0 all all

expect_fail 4 xlx vcpu-pin lab-vcpu 2 1
err_has 'has no vCPU 2'
expect_fail 4 xlx vcpu-pin lab-vcpu all 99
err_has 'this host has no CPU 99'
expect_fail 4 xlx vcpu-pin lab-vcpu all node:9
err_has 'this host has no node 9'
expect_fail 3 xlx vcpu-pin lab-vcpu all 1-0
expect_fail 3 xlx vcpu-pin lab-vcpu all ^1
err_has 'leaves no CPU'
expect_fail 2 xlx vcpu-pin lab-vcpu first 1
expect_fail 2 xlx vcpu-pin lab-vcpu all -
expect_fail 2 xlx vcpu-pin --hard 1 lab-vcpu all 1
expect_fail 4 xlx vcpu-pin no-such-domain all 1
pinned 0 all all

# the tiny guest has nothing that would follow
expect_fail 11 xlx vcpu-set --timeout 1s lab-vcpu 2
err_has 'runs 1 vCPU and not 2'
expect_ok xenstore-read "/local/domain/$(xlx domid lab-vcpu)/cpu/1/availability"
out_has online
expect_ok xlx vcpu-set --no-wait lab-vcpu 1
expect_ok xlx vcpu-set lab-vcpu 1
expect_fail 3 xlx vcpu-set lab-vcpu 3
err_has 'it was made with 2'
expect_fail 3 xlx vcpu-set lab-vcpu 0
expect_fail 2 xlx vcpu-set lab-vcpu two
expect_fail 2 xlx vcpu-set --timeout soon lab-vcpu 1
expect_ok xlx pause lab-vcpu
expect_fail 6 xlx vcpu-set lab-vcpu 2
err_has 'while it is paused'
expect_ok xlx destroy --yes lab-vcpu
expect_fail 4 xlx vcpu-set lab-vcpu 1

# a Linux guest does
create_guest "$(linux_cfg lab-linux)"
wait_for 120 grep -q 'uvp-guest: ready, 2 CPU' /var/log/xen/guest-lab-linux.log
expect_ok xlx vcpu-set --timeout 60s lab-linux 1
expect_ok xlx info lab-linux
out_has 'vcpus          : 1 online of 2'
