#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx is killed at the steps of creating and destroying a guest whose disk QEMU serves: what is left can be removed, and in
# the end there is no server, no export and no block device.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/qdisk.bash"
cfg=$(tiny_cfg lab-qkill "disk = [ '$work/a.qcow2,qcow2,xvda,w' ]")
on_exit destroy_guest lab-qkill
killed=137
UVP_KILL_AT_STEP=1 xlx create -q "$cfg" >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"

# where the server is started and gets the disk; device-killed.sh has what comes after that
with_server=0
for ((step = 4; step < 15; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx create -q "$cfg" >"$tmp/out" 2>&1 || rc=$?
	[ $rc -eq $killed ] || fail "create, step $step: status $rc: $(cat "$tmp/out")"
	[ "$(servers)" -eq 0 ] || with_server=$((with_server + 1))
	xlx destroy --yes lab-qkill >"$tmp/out" 2>&1 || true
done
[ "$with_server" -ge 5 ] || fail "at $with_server steps there was a server"
expect_ok xlx create -q "$cfg"
for ((step = 5; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx destroy --yes lab-qkill >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "destroy, step $step: status $rc: $(cat "$tmp/out")"
	xlx destroy --yes lab-qkill >"$tmp/out" 2>&1 || true
	expect_ok xlx create -q "$cfg"
done
[ "$step" -ge 8 ] || fail "destroy has $step steps?"
wait_for 30 nothing_left
qemu-img check -q "$work/a.qcow2" || fail "the image is damaged"
exit 0
