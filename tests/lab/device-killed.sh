#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx is killed at each step of create and of destroy of a guest with a disk and an interface: destroy removes the rest.
. "$(dirname "$0")/../lib.sh"
requires xlx ip losetup

on_exit ip link del labbr0
ip link add labbr0 type bridge || fail "cannot make a bridge"
truncate -s 1M "$tmp/a.img"
cfg=$(tiny_cfg lab-kill "disk = [ '$tmp/a.img,raw,xvda,w' ]" "vif = [ 'bridge=labbr0' ]")
on_exit xlx destroy --yes lab-kill


status=0
UVP_KILL_AT_STEP=1 xlx create "$cfg" >/dev/null 2>&1 || status=$?
[ "$status" -eq 137 ] || {
	xlx destroy --yes lab-kill 2>/dev/null
	skip "built without --enable-fault-points"
}
before=$(xenstore-ls -f | grep -cE '^/(libxl|vm|uvp/domain)/')
for ((step = 2; step < 200; step++)); do
	status=0
	UVP_KILL_AT_STEP=$step xlx create "$cfg" >/dev/null 2>"$tmp/err" || status=$?
	[ "$status" -ne 0 ] || break
	[ "$status" -eq 137 ] || fail "step $step: create ended with status $status: $(cat "$tmp/err")"
	xlx destroy --yes lab-kill >/dev/null 2>"$tmp/err" || true
	losetup -j "$tmp/a.img" | grep -q . && wait_for 20 bash -c "! losetup -j '$tmp/a.img' | grep -q ."
	[ -z "$(ls /sys/class/net/labbr0/brif)" ] || fail "killed at step $step: the bridge has a port"
	[ "$(xenstore-ls -f | grep -cE '^/(libxl|vm|uvp/domain)/')" -eq "$before" ] || fail "killed at step $step: nodes are left"
done
[ "$step" -lt 200 ] || fail "create did not come to its end"
echo "create: $((step - 1)) steps"

for ((step = 1; step < 100; step++)); do
	status=0
	UVP_KILL_AT_STEP=$step xlx destroy --yes lab-kill >/dev/null 2>"$tmp/err" || status=$?
	[ "$status" -eq 137 ] || break
	xlx destroy --yes lab-kill >/dev/null 2>&1 || true
	expect_ok xlx create "$cfg"
done
[ "$status" -eq 0 ] || fail "step $step: destroy ended with status $status: $(cat "$tmp/err")"
echo "destroy: $((step - 1)) steps"
exit 0
