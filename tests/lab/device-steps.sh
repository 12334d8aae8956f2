#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx is killed at each step of attaching and detaching: the next command, or the end of the domain, removes the rest.
. "$(dirname "$0")/../lib.sh"
requires xlx ip losetup

on_exit ip link del labbr0
ip link add labbr0 type bridge || fail "cannot make a bridge"
truncate -s 1M "$tmp/a.img"
on_exit destroy_guest lab-steps
expect_ok xlx create "$(tiny_cfg lab-steps)"
id=$(xlx domid lab-steps)
no_loop() { ! losetup -j "$tmp/a.img" | grep -q .; }
nothing_left() {
	no_loop && [ -z "$(ls /sys/class/net/labbr0/brif)" ] &&
		! xenstore-ls -f | grep -E "^/(libxl/$id/device|local/domain/$id/device|local/domain/0/backend)/(vbd|vif)(/$id|/[0-9]+ )" >"$tmp/nodes"
}

killed_at() { # STEP COMMAND...
	(exec 2>"$tmp/err"; UVP_KILL_AT_STEP=$1 xlx "${@:2}" >/dev/null)
}

# each_step DETACH WHICH ATTACH...: kill the attach command at each of its steps and clean up by detaching; then the
# other way round
each_step() {
	local detach=$1 which=$2 step status
	shift 2
	for ((step = 1; step < 60; step++)); do
		status=0
		killed_at "$step" "$@" || status=$?
		[ "$status" -eq 137 ] || break
		# what it left is a device that can be named, or nothing
		status=0
		xlx "$detach" lab-steps "$which" >/dev/null 2>"$tmp/err" || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 4 ] || fail "killed at step $step: $detach: $(cat "$tmp/err")"
		wait_for 30 nothing_left
	done
	[ "$status" -eq 0 ] || fail "$1 ended with status $status at step $step: $(cat "$tmp/err")"
	[ "$step" -gt 1 ] || skip "built without --enable-fault-points"
	echo "$1: $((step - 1)) steps"
	# now the way back, from a device that is there each time
	for ((step = 1; step < 60; step++)); do
		status=0
		killed_at "$step" "$detach" lab-steps "$which" || status=$?
		[ "$status" -eq 137 ] || break
		status=0
		xlx "$detach" lab-steps "$which" >/dev/null 2>"$tmp/err" || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 4 ] || fail "killed at step $step: again: $(cat "$tmp/err")"
		wait_for 30 nothing_left
		expect_ok xlx "$@"
	done
	[ "$status" -eq 0 ] || fail "$detach ended with status $status at step $step: $(cat "$tmp/err")"
	[ "$step" -gt 3 ] || fail "$detach had $((step - 1)) steps only"
	echo "$detach: $((step - 1)) steps"
	wait_for 30 nothing_left
	xenstore-ls "/uvp/domain/$id" | grep -E 'name=.(disk|vif)' && fail "the device is in the configuration still"
}

each_step block-detach xvda block-attach --no-wait lab-steps "$tmp/a.img,raw,xvda,w"
each_step network-detach 0 network-attach --no-wait lab-steps bridge=labbr0
# or the domain ends
killed_at 3 block-attach --no-wait lab-steps "$tmp/a.img,raw,xvda,w"
expect_ok xlx destroy --yes lab-steps
wait_for 30 no_loop
exit 0
