#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The warm pool: domains prepared ahead are no guests, creates take them, each its own, and whoever is killed while one is made,
# taken or given back leaves none that is not found. UVP_LAB_LONG=1: at each step.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires xl xlx uvp-hostd

[ ! -e /etc/uvp/pool ] || skip "this host has a pool of its own"
# shellcheck disable=SC2034 # of what hostd.bash removes at the end
prefix=t-pool
forget() {
	xlx pool drain
	rm -rf /run/uvp/pool /etc/uvp/pool
	rmdir /etc/uvp
} >/dev/null 2>&1
on_exit forget
on_exit end_hostd
killed=137
ready() { xlx pool --json | grep -o '"domid"' | wc -l; } # of all shapes
has_ready() { [ "$(ready)" -eq "$1" ]; }
shells_in_xen() { xl list | grep -c '^uvp-pool-'; }

# what is wrong with a shape is said, and changes nothing
expect_fail 8 xlx pool add w type=hvm memory=64
err_has "QEMU"
expect_fail 8 xlx pool add w memory=64 vif=1
err_has "the guest's own configuration"
expect_fail 2 xlx pool add w
err_has "takes"
[ ! -e /etc/uvp/pool ] || fail "a wrong shape was written"

expect_ok xlx pool add tiny memory=4 min=2 max=3
expect_ok xlx pool add pv type=pv memory=8 min=1 max=1
start_hostd
wait_for 60 has_ready 3
shells_in_xen_were=$(shells_in_xen)
[ "$shells_in_xen_were" -eq 3 ] || fail "Xen has $shells_in_xen_were shells"
# no guests
expect_ok xlx list --no-header
! grep -vq '^Domain-0 ' "$tmp/out" || fail "shells are listed: $(cat "$tmp/out")"
expect_ok xlx shutdown --all
xl list | awk '/^uvp-pool-tiny/ { print $2 }' >"$tmp/tiny"
expect_fail 4 xlx pause "$(head -n 1 "$tmp/tiny")"
err_has "prepared"

# a create takes one, with its own UUID or not
cfg=$(tiny_cfg t-pool-1 'extra = "g"')
expect_ok xlx create -q -p "$cfg"
grep -qx "$(xlx domid t-pool-1)" "$tmp/tiny" || fail "the create took none: $(xl list)"
truncate -s 1M "$tmp/disk.img"
expect_ok env UVP_DEBUG=1 xlx create -q -p "$(tiny_cfg t-pool-2 "disk = [ '$tmp/disk.img,raw,xvda,w' ]" 'uuid = "3b6f2b3e-54a5-4a6c-9f5e-0c1d2e3f4a5b"')"
err_has "domain $(xlx domid t-pool-2) was prepared"
xlx block-list t-pool-2 | grep -q xvda || fail "it has no disk: $(xlx block-list t-pool-2)"
xl list -v | grep '^t-pool-2 ' | grep -q 3b6f2b3e-54a5-4a6c-9f5e-0c1d2e3f4a5b || fail "another UUID: $(xl list -v)"
expect_ok xlx create -q --no-pool "$(tiny_cfg t-pool-3 memory=8)"
# it runs as any other
expect_ok xlx unpause t-pool-1
greets() { grep -q tiny /var/log/xen/guest-t-pool-1.log; }
wait_for 60 greets
# more are made as more are taken, up to max, and a PV guest gets its own
wait_for 60 has_ready 4
expect_ok xlx create -q -p <(printf '%s\n' 'name = "t-pool-pv"' 'type = "pv"' 'kernel = "/guests/tiny-pv"' 'memory = 8')
wait_for 60 has_ready 4
expect_ok xlx destroy --yes t-pool-1 t-pool-2 t-pool-3 t-pool-pv

# nobody fills it; two at once never get the same
end_hostd
for i in 1 2 3 4; do tiny_cfg "t-pool-$i" >/dev/null; done
for i in 1 2 3 4; do xlx create -q -p "$tmp/t-pool-$i.cfg" >"$tmp/said-$i" 2>&1 & done
wait
for i in 1 2 3 4; do xlx domid "t-pool-$i"; done | sort -u >"$tmp/ids"
[ "$(wc -l <"$tmp/ids")" -eq 4 ] || fail "not four: $(cat "$tmp"/said-*)"
has_ready 1 || fail "all three should be taken: $(xlx pool)"
expect_ok xlx destroy --yes t-pool-{1,2,3,4}

# memory that a guest needs is given back, and the pool filled when it has gone; one that cannot be made takes none
start_hostd
wait_for 60 has_ready 3
left=$(xlx info free_memory)
expect_fail 9 xlx create -q -p "$(tiny_cfg t-pool-huge "memory = $((left + 1000))")"
err_has "most is held by"
has_ready 3 || fail "given back for nothing: $(xlx pool)"
expect_ok xlx create -q -p "$(tiny_cfg t-pool-big "memory = $((left - left / 256 - 1))")"
[ "$(ready)" -lt 3 ] || fail "no memory was given back: $(xlx pool; xlx info free_memory)"
expect_ok xlx destroy --yes t-pool-big
wait_for 60 has_ready 3
end_hostd

cfg=$(tiny_cfg t-pool-k)
UVP_KILL_AT_STEP=1 xlx create -q -p "$cfg" >/dev/null 2>&1
[ $? -eq $killed ] || {
	echo "this xlx has no fault points (configure --enable-fault-points): nothing is killed"
	exit 0
}
# killed when one is taken: the shell is free, or it is the guest's and goes with it
steps=('shell unnamed' 'shell taken')
[ -z "${UVP_LAB_LONG:-}" ] || mapfile -t steps < <(seq 1 24)
for step in "${steps[@]}"; do
	has_ready 0 && { start_hostd; wait_for 60 has_ready 3; end_hostd; }
	rc=0
	{ UVP_KILL_AT_STEP=$step xlx create -q -p "$cfg" >"$tmp/out"; } 2>"$tmp/err" || rc=$?
	[ $rc -eq $killed ] || break
	xlx list --no-header >"$tmp/list"
	! grep -v '^Domain-0 ' "$tmp/list" | grep -vq '^t-pool-k ' || fail "create, step $step: $(cat "$tmp/list")"
	! grep -q '^t-pool-k ' "$tmp/list" || xlx destroy -f t-pool-k >"$tmp/out" 2>&1 || fail "create, step $step: $(cat "$tmp/out")"
done
[ $rc -eq $killed ] || [ -n "${UVP_LAB_LONG:-}" ] || fail "step $step: status $rc: $(cat "$tmp/out" "$tmp/err")"
[ $rc -ne 0 ] || expect_ok xlx destroy --yes t-pool-k
# what another tool has destroyed is not ready
were=$(ready)
xl destroy "$(xl list | awk '/^uvp-pool-/ { print $2; exit }')"
has_ready $((were - 1)) || fail "it counts although it is gone: $(xl list; xlx pool)"
expect_ok xlx pool drain
[ "$(shells_in_xen)" -eq 0 ] || fail "left after drain: $(xl list)"
expect_ok xlx pool fill

# killed at each step of making: the next uvp-hostd removes what there is of it
steps=('shell filled')
[ -z "${UVP_LAB_LONG:-}" ] || steps+=('create domain' vcpus limits 'shell made' 'shell ready')
for step in "${steps[@]}"; do
	UVP_KILL_AT_STEP=$step start_hostd
	wait_logged "signal 9"
	end_hostd KILL
	: >"$tmp/hostd.log"
done
start_hostd
wait_for 60 has_ready 3
[ "$(shells_in_xen)" -eq 3 ] || fail "shells that nobody knows: $(xl list; xlx pool)"
# and of giving back
for step in 'give shell back' 'shell given back'; do
	UVP_KILL_AT_STEP=$step xlx pool drain >"$tmp/out" 2>&1
done
expect_ok xlx pool drain
[ "$(shells_in_xen)" -eq 0 ] || fail "left after drain: $(xl list)"
end_hostd
exit 0
