#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 at every step of create and of destroy: what is left can be listed by name and removed without a trace.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-killed
cfg=$(tiny_cfg t-killed)
killed=137

UVP_KILL_AT_STEP=1 xlx create -q "$cfg" >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"

others() { xlx list >"$tmp/list" && grep -vE '^NAME |^Domain-0 ' "$tmp/list" >"$tmp/others"; }
no_trace() { ! xenstore-ls -f | grep -q t-killed; }

for ((step = 2; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx create -q "$cfg" >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "create, step $step: status $rc: $(cat "$tmp/out")"
	if others; then
		grep -q '^t-killed ' "$tmp/others" || fail "create, step $step: not listed by name: $(cat "$tmp/list"; xl list)"
		xlx destroy -f t-killed 2>"$tmp/out" || fail "create, step $step: $(cat "$tmp/out")"
	fi
done
((step > 5 && step < 100)) || fail "create has $step steps?"
echo "create: killed at $((step - 1)) steps"

# t-killed runs now
for ((step = 1; step < 100; step++)); do
	rc=0
	UVP_KILL_AT_STEP=$step xlx destroy -f t-killed >"$tmp/out" 2>&1 || rc=$?
	[ $rc -ne 0 ] || break
	[ $rc -eq $killed ] || fail "destroy, step $step: status $rc: $(cat "$tmp/out")"
	if others; then
		xlx destroy -f t-killed 2>"$tmp/out" || fail "destroy, step $step: $(cat "$tmp/out" "$tmp/list")"
	fi
	expect_ok xlx create -q "$cfg"
done
((step > 4 && step < 100)) || fail "destroy has $step steps?"
echo "destroy: killed at $((step - 1)) steps"
no_trace || fail "left in xenstore: $(xenstore-ls -f | grep t-killed)"
[ ! -L /run/uvp/names/t-killed ] || fail "the name is left"
