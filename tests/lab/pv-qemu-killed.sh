#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 of create at the steps around the start of a QEMU for a PVH guest's devices: destroy removes all of it.
. "$(dirname "$0")/../lib.sh"
requires xlx pgrep

share=$(mktemp -d /var/tmp/uvp-share.XXXXXX)
on_exit rm -rf "$share"
cfg=$(tiny_cfg lab-qk "vfb = [ 'vnclisten=unix:$tmp/vnc' ]" "p9 = [ 'tag=t,security_model=none,path=$share' ]" \
	"channel = [ 'connection=socket,name=c,path=$tmp/c' ]")
on_exit destroy_guest lab-qk
killed=137
UVP_KILL_AT_STEP=1 xlx create -q "$cfg" >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"

with_qemu=0
for ((step = 8; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx create -q "$cfg" >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "step $step: status $rc: $(cat "$tmp/out")"
	! pgrep -f xen-qemu-system >/dev/null || with_qemu=$((with_qemu + 1))
	expect_ok xlx destroy -f lab-qk
	! pgrep -f xen-qemu-system >/dev/null || fail "step $step: a QEMU is left"
	[ -z "$(ls -A /run/uvp/qemu 2>/dev/null)" ] || fail "step $step: left in /run/uvp/qemu: $(ls -R /run/uvp/qemu)"
	[ ! -e "$tmp/vnc" ] && [ ! -e "$tmp/c" ] || fail "step $step: sockets are left"
done
[ "$with_qemu" -ge 2 ] || fail "at $with_qemu steps there was a QEMU"
echo "killed at $((step - 8)) steps, at $with_qemu of them with a QEMU"
expect_ok xlx destroy --yes lab-qk
exit 0
