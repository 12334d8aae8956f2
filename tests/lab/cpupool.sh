#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx cpupool-*: pools made and ended, and everything that is refused. The lab has two CPUs: pool 0 keeps CPU 0. Only
# credit2 here: taking the last CPU from a pool with the credit scheduler can lock Xen 4.17 up.
. "$(dirname "$0")/../lib.sh"
requires xl xlx python3

back() {
	xl cpupool-migrate lab-pool Pool-0
	xlx cpupool-rename 0 Pool-0
	for pool in quiet other; do xl cpupool-destroy "$pool"; done
	xlx cpupool-cpu-add Pool-0 1
} >/dev/null 2>&1
create_guest "$(tiny_cfg lab-pool)"
on_exit back

expect_ok xlx cpupool-list
out_has 'Pool-0   0     2  credit2'
expect_fail 6 xlx cpupool-create name=quiet
err_has 'every CPU of this host is in a pool'
expect_fail 6 xlx cpupool-cpu-remove Pool-0 all
err_has 'cannot take the last CPU'
expect_fail 4 xlx cpupool-cpu-remove Pool-0 7
expect_fail 5 xlx cpupool-cpu-add Pool-0 1
err_has 'already'
expect_fail 6 xlx cpupool-create name=quiet cpus=1
err_has "CPU 1 belongs to CPU pool 'Pool-0'"
expect_fail 8 xlx cpupool-numa-split
err_has 'nothing to split'

expect_fail 6 xlx -N cpupool-create name=quiet cpus=1
expect_ok xlx cpupool-cpu-remove 0 1
expect_ok xlx info free_cpus
out_has 1
expect_ok xlx -N cpupool-create name=quiet cpus=1
out_has 'cpus = "1"'
expect_fail 4 xlx cpupool-list quiet
expect_fail 3 xlx cpupool-create name=7
expect_fail 3 xlx cpupool-create 'name=two words'
expect_fail 5 xlx cpupool-create name=Pool-0
expect_fail 3 xlx cpupool-create name=quiet sched=fair
expect_fail 3 xlx cpupool-create name=quiet cpu=1
err_has "did you mean 'cpus'"
expect_fail 3 xlx cpupool-create name=quiet cpus=1 nodes=0
expect_fail 3 xlx cpupool-create cpus=1
expect_fail 4 xlx cpupool-create "$tmp/no-such-file"
echo 'sched = [ "a" ' >"$tmp/broken"
expect_fail 3 xlx cpupool-create "$tmp/broken"
err_has "$tmp/broken:"
# Debian's Xen is built without this one; no half of a pool may stay
expect_fail 8 xlx cpupool-create name=quiet sched=rtds
expect_fail 4 xlx cpupool-list quiet

printf '%s\n' 'name = "wrong"' 'sched = "credit2"' 'cpus = [ "1" ]' >"$tmp/pool.cfg"
expect_ok xlx cpupool-create "$tmp/pool.cfg" name=quiet
expect_ok xl cpupool-list -c quiet
out_has quiet
expect_ok xlx cpupool-list --json quiet
out_has '"name":"quiet","scheduler":"credit2","domains":0,"cpus":[1]'
id=$(sed 's/.*"id":\([0-9]*\).*/\1/' "$tmp/out")

expect_ok xlx cpupool-migrate lab-pool quiet
expect_ok xlx cpupool-list "$id"
out_has '1  1'
expect_ok xlx info lab-pool
out_has 'cpu pool       : quiet'
expect_fail 3 xlx vcpu-pin lab-pool all 0
err_has 'has CPU 1'
# two that want the one CPU of their pool: both have it half of the time, and wait for it meanwhile
LC_ALL=C sed 's/\xfb\xf4\xeb/\xfb\x90\xeb/' /guests/tiny-pvh >"$tmp/burns"
for name in lab-hot-1 lab-hot-2; do
	sed -i "s,/guests/tiny-pvh,$tmp/burns," "$(tiny_cfg "$name" 'pool = "quiet"')"
	create_guest "$tmp/$name.cfg"
done
cat >"$tmp/ready.py" <<'EOF'
import json, sys
top = json.load(sys.stdin)
assert top["cpus"][1]["ready"] > 0, top["cpus"]
assert sorted(p["name"] for p in top["pools"]) == ["Pool-0", "quiet"], top["pools"]
EOF
waits() { xlx top --json | python3 "$tmp/ready.py" 2>"$tmp/why"; }
wait_for 60 waits
expect_ok xlx top --once --tree
out_has 'pool Pool-0, '
out_has 'pool quiet, '
[ "$(grep -nE 'pool quiet|lab-hot-1|lab-pool' "$tmp/out" | head -1)" = "$(grep -n 'pool quiet' "$tmp/out")" ] || fail "guests are not under their pool: $(cat "$tmp/out")"
expect_ok xlx destroy --yes lab-hot-1 lab-hot-2
expect_fail 6 xlx cpupool-destroy quiet
err_has 'it has 1 domain'
expect_fail 6 xlx cpupool-cpu-remove quiet 1
expect_fail 8 xlx cpupool-migrate 0 quiet
err_has 'domain 0 cannot leave'
expect_fail 4 xlx cpupool-migrate lab-pool nowhere
expect_fail 3 xlx cpupool-destroy Pool-0
expect_fail 5 xlx cpupool-rename quiet Pool-0
expect_ok xlx cpupool-rename quiet other
expect_ok xlx cpupool-list other
expect_ok xlx cpupool-migrate lab-pool 0
expect_ok xlx cpupool-cpu-remove other 1
expect_fail 6 xlx cpupool-migrate lab-pool other
err_has 'it has no CPU'
expect_ok xlx cpupool-cpu-add other node:0,^0
expect_ok xlx cpupool-destroy other
expect_fail 4 xlx cpupool-list other
expect_ok xlx cpupool-cpu-add Pool-0 1
expect_ok xlx cpupool-list Pool-0
out_has '2  credit2'
