#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two creates of one name at the same instant: one wins. Many of different names: all do.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-race t-r1 t-r2 t-r3 t-r4 t-r5 t-r6
cfg=$(tiny_cfg t-race)
for round in 1 2 3; do
	won=0 taken=0 pids=()
	for i in 1 2 3 4; do
		xlx create -q "$cfg" >"$tmp/out$i" 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		rc=0
		wait "$pid" || rc=$?
		case $rc in
		0) won=$((won + 1)) ;;
		5) taken=$((taken + 1)) ;;
		*) fail "round $round: status $rc: $(cat "$tmp"/out?)" ;;
		esac
	done
	[ "$won $taken" = "1 3" ] || fail "round $round: $won won: $(cat "$tmp"/out?)"
	[ "$(xl list | grep -c t-race)" = 1 ] || fail "round $round: not one t-race"
	expect_ok xlx destroy t-race
done

pids=()
for i in 1 2 3 4 5 6; do
	tiny_cfg "t-r$i" >/dev/null
	xlx create -q "$tmp/t-r$i.cfg" 2>"$tmp/out$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || fail "$(cat "$tmp"/out?)"
done
expect_ok xl list
for i in 1 2 3 4 5 6; do out_has "t-r$i"; done
expect_ok xlx destroy t-r1 t-r2 t-r3 t-r4 t-r5 t-r6
