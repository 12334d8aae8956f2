#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 of start at the steps around the start of a device model: destroy ends a QEMU whose process id nobody noted, and a
# boot order for one boot is kept until the guest is about to run, and not beyond.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx xl pgrep
export UVP_STATE_DIR=$tmp/state

hvm_disk "$tmp/a.img" first
expect_ok xlx define "$(hvm_cfg lab-hvmk "disk = [ '$tmp/a.img,raw,hda,rw' ]")"
on_exit destroy_guest lab-hvmk
killed=137
UVP_KILL_AT_STEP=1 xlx start -q lab-hvmk >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"
expect_ok xlx boot-order --once lab-hvmk hda

with_qemu=0 used=0
for ((step = 12; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx start -q lab-hvmk >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "step $step: status $rc: $(cat "$tmp/out")"
	if pgrep -f xen-qemu-system >/dev/null; then
		with_qemu=$((with_qemu + 1))
		[ "$(xl list lab-hvmk 2>/dev/null | awk 'NR == 2 { print $5 }')" = --p--- ] || fail "step $step: it has run"
		if xlx boot-order --json lab-hvmk | grep -q '"once":null'; then
			used=$((used + 1))
			expect_ok xlx boot-order --once lab-hvmk hda
		fi
	fi
	expect_ok xlx destroy -f lab-hvmk
	! pgrep -f xen-qemu-system >/dev/null || fail "step $step: a QEMU is left"
	[ -z "$(ls -A /run/uvp/qemu 2>/dev/null)" ] || fail "step $step: left in /run/uvp/qemu: $(ls -R /run/uvp/qemu)"
done
[ "$with_qemu" -ge 2 ] || fail "at $with_qemu steps there was a QEMU"
[ "$used" -ge 1 ] && [ "$used" -lt "$with_qemu" ] || fail "the order for one boot was used $used times"
expect_ok xlx boot-order --json lab-hvmk
out_has '"once":null'
echo "killed at $((step - 12)) steps, at $with_qemu of them with a QEMU"
expect_ok xlx destroy --yes lab-hvmk
exit 0
