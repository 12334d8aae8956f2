#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 of create at the steps around the start of a device model: destroy ends a QEMU whose process id nobody noted.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx pgrep

cfg=$(hvm_cfg lab-hvmk)
on_exit destroy_guest lab-hvmk
killed=137
UVP_KILL_AT_STEP=1 xlx create -q "$cfg" >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"

with_qemu=0
for ((step = 10; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx create -q "$cfg" >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "step $step: status $rc: $(cat "$tmp/out")"
	! pgrep -f xen-qemu-system >/dev/null || with_qemu=$((with_qemu + 1))
	expect_ok xlx destroy -f lab-hvmk
	! pgrep -f xen-qemu-system >/dev/null || fail "step $step: a QEMU is left"
	[ -z "$(ls -A /run/uvp/qemu 2>/dev/null)" ] || fail "step $step: left in /run/uvp/qemu: $(ls -R /run/uvp/qemu)"
done
[ "$with_qemu" -ge 2 ] || fail "at $with_qemu steps there was a QEMU"
echo "killed at $((step - 10)) steps, at $with_qemu of them with a QEMU"
expect_ok xlx destroy --yes lab-hvmk
exit 0
