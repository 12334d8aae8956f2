#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx mem-set, mem-max, claims: a guest that follows, one that cannot, and limits.
. "$(dirname "$0")/../lib.sh"
requires xl xlx

create_guest "$(linux_cfg lab-mem 'vcpus = 1')"
create_guest "$(tiny_cfg lab-tiny)"

# nothing listens in the tiny guest
expect_fail 11 xlx mem-set --timeout 1s lab-tiny 2m
err_has 'stays at 4 MiB'
expect_ok xlx mem-set --no-wait lab-tiny 4m
# a bare number is in MiB, as it is for xl
expect_ok xlx mem-set lab-tiny 4
expect_ok xlx mem-set lab-tiny 4096k
expect_fail 3 xlx mem-set lab-tiny 5m
err_has "domain 'lab-tiny' was made for at most 4 MiB, not for 5 MiB"
expect_fail 3 xlx mem-set lab-tiny 0
expect_fail 2 xlx mem-set lab-tiny lots
expect_fail 4 xlx mem-set no-such-domain 4m
expect_fail 3 xlx mem-set 0 64m
err_has 'needs 128 MiB at least'
expect_ok xlx pause lab-tiny
expect_fail 6 xlx mem-set lab-tiny 2m
err_has "domain 'lab-tiny' cannot change its memory while it is paused"
expect_ok xlx mem-set --no-wait lab-tiny 4m
expect_ok xlx unpause lab-tiny

# limit NAME: what Xen allows, in KiB
limit() { xlx info --json "$1" | sed 's/.*"limit_kib":\([0-9]*\).*/\1/'; }
expect_ok xlx mem-max lab-tiny 64
[ "$(limit lab-tiny)" -eq $((65 * 1024)) ] || fail "the limit is $(limit lab-tiny)"
expect_ok xenstore-read "/local/domain/$(xlx domid lab-tiny)/memory/static-max"
out_has 65536
expect_fail 3 xlx mem-max lab-tiny 2m
err_has "domain 'lab-tiny' cannot be held to 2 MiB: it was asked to have 4 MiB"
expect_ok xlx mem-max lab-tiny 4m
expect_fail 4 xlx mem-max no-such-domain 4m

expect_ok xlx claims
out_has lab-mem
expect_ok xlx claims --json
out_has '"name":"lab-tiny","memory_kib":'
out_has '"claimed_kib":0'

wait_for 120 grep -q 'uvp-guest: ready' /var/log/xen/guest-lab-mem.log
current() { xlx info --json lab-mem | sed 's/.*"current_kib":\([0-9]*\).*/\1/'; }
expect_ok xlx mem-set lab-mem 144m
now=$(current)
[ "$now" -ge $((143 * 1024)) ] && [ "$now" -le $((145 * 1024)) ] || fail "it has $now KiB, not 144 MiB"
[ "$(limit lab-mem)" -eq $((145 * 1024)) ] || fail "Xen allows $(limit lab-mem)"
expect_ok xlx mem-set --progress=json lab-mem 192m
err_has '"phase":"waiting for the guest"'
now=$(current)
[ "$now" -ge $((191 * 1024)) ] || fail "it has $now KiB, not 192 MiB"
# less than the guest's kernel can give back
expect_fail 11 xlx mem-set --timeout 4s lab-mem 16m
err_has 'stopped at'
err_has 'the guest needs what it has kept'
