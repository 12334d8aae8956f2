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

# the same by one command: what is wrong with some keeps none of the others back
files=()
for i in 1 2 3 4 5 6; do files+=("$tmp/t-r$i.cfg"); done
echo 'memmory = 4' >"$tmp/t-wrong.cfg"
expect_fail 1 xlx create -j 4 "${files[@]}" "$tmp/t-wrong.cfg" "$tmp/t-r3.cfg"
[ "$(grep -c "^'t-r[1-6]' is domain [0-9]*$" "$tmp/out")" = 6 ] || fail "not six were made: $(cat "$tmp/out" "$tmp/err")"
err_has "t-wrong.cfg:1: there is no key 'memmory'"
err_has "cannot create 't-r3': the name 't-r3' is taken"
expect_fail 5 xlx create "${files[@]}"
[ "$(grep -c '^xlx: cannot create' "$tmp/err")" = 6 ] || fail "not six refusals: $(cat "$tmp/err")"
expect_ok xlx destroy t-r1 t-r2 t-r3 t-r4 t-r5 t-r6
# with devices, and as JSON; xenstored sees no conflicts between them
on_exit ip link del labbr0
ip link add labbr0 type bridge && ip link set labbr0 up || fail "cannot make a bridge"
expect_ok xlx create -j 6 --json "${files[@]}" "vif=['bridge=labbr0']"
[ "$(grep -o '"domid"' "$tmp/out" | wc -l)" = 6 ] || fail "not six in: $(cat "$tmp/out")"
[ "$(ls /sys/class/net/labbr0/brif | wc -l)" = 6 ] || fail "not six interfaces on the bridge"
expect_ok xlx destroy t-r1 t-r2 t-r3 t-r4 t-r5 t-r6
# those that do the work are killed on the way
if grep -q UVP_KILL_AT_STEP "$(command -v xlx)"; then
	UVP_KILL_AT_STEP=9 expect_fail 16 xlx create -j 2 "${files[@]}"
	err_has "the process that was to do it ended by signal 9"
	expect_ok xlx list
	[ "$(grep -c '^t-r.*left over' "$tmp/out")" = 2 ] || fail "not two left over: $(cat "$tmp/out")"
	# shellcheck disable=SC2046 # names without blanks
	expect_ok xlx destroy $(sed -n 's/^\(t-r[1-6]\) .*/\1/p' "$tmp/out")
	expect_ok xlx create -j 3 "${files[@]}"
	expect_ok xlx destroy t-r1 t-r2 t-r3 t-r4 t-r5 t-r6
fi
