#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 at every step of renaming a defined domain that runs, and of starting it: domain and definition are found by one
# of the two names each, and the same command goes through afterwards.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
requires xlx xl
export UVP_STATE_DIR=$tmp/state
killed=137

on_exit destroy_guest dk-old
on_exit destroy_guest dk-new
expect_ok xlx define "$(tiny_cfg dk-old)"
expect_ok xlx define "$(tiny_cfg dk-other)"
uuid=$(xlx dumpxml dk-old | sed -n 's,.*<uuid>\(.*\)</uuid>.*,\1,p')

UVP_KILL_AT_STEP=1 xlx start -q dk-old >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"
for ((step = 2; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx start -q dk-old >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "start, step $step: status $rc: $(cat "$tmp/out")"
	! xlx domid dk-old >/dev/null 2>&1 || expect_ok xlx destroy -f dk-old
	expect_ok xlx dumpxml --defined dk-old
done
((step > 5 && step < 100)) || fail "start has $step steps?"

id=$(xlx domid dk-old)
for ((step = 1; step < 60; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx modify dk-old name=dk-new >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "modify, step $step: status $rc: $(cat "$tmp/out")"
	name=$(xl domname "$id")
	[ "$name" = dk-old ] || [ "$name" = dk-new ] || fail "step $step: the domain is '$name'"
	name=$(xlx dumpxml --defined "$uuid" | sed -n 's,.*<name>\(.*\)</name>.*,\1,p')
	[ "$name" = dk-old ] || [ "$name" = dk-new ] || fail "step $step: the definition is '$name'"
	expect_ok xlx modify dk-other memory=$((4 + step % 2))
	expect_ok xlx rename "$id" dk-new
	expect_ok xlx dumpxml --defined dk-new
	[ "$(xl domid dk-new)" = "$id" ] || fail "step $step: the domain was not renamed"
	expect_fail 4 xlx dumpxml dk-old
	expect_ok xlx rename dk-new dk-old
done
((step > 5 && step < 60)) || fail "modify has $step steps?"
echo "modify: killed at $((step - 1)) steps"
expect_ok xlx destroy -f dk-new
