#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that changes its memory faster than it can be sent: moving is given up, or slows it down, or stops it, or is content with a
# longer pause, as asked; never faster than --bandwidth, never longer than --timeout. A cap that a killed xlx migrate has left is
# found and taken away.
. "$(dirname "$0")/../lib.sh"
requires xlx ssh python3
requires_host_b

name=t-busy
# 192 pages of noise, all of them written anew many times a second as long as it has the CPU for itself
printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s192 r3000 b w"' 'memory = 4' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/$name.cfg"
on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"
ticks() { "$@" cat "/var/log/xen/guest-$name.log" | grep -c '^tick'; }
more_ticks() { [ "$(ticks "${@:2}")" -gt "$1" ]; }
# goes_on [on_b]: it counts on that host
goes_on() { wait_for 60 more_ticks "$(ticks "$@")" "$@"; }
cap() { xlx sched --json "$name" | grep -o '"cap":[0-9]*'; }
has_no_cap() { cap | grep -q '"cap":0' && ! xenstore-list /uvp/slowed 2>/dev/null | grep -q .; }
# report EXPRESSION: true of what the last xlx migrate --json said
report() { python3 -c "import json, sys; r = json.load(open('$tmp/out')); sys.exit(not ($1))" || fail "not so: $1: $(cat "$tmp/out")"; }

# a connection that carries 1 MiB a second, and holds little back
cat >"$tmp/slow" <<-'END'
	#!/usr/bin/python3
	import os, select, subprocess, sys, threading, time
	peer = open(os.path.dirname(os.path.abspath(__file__)) + "/peer").read().strip()
	p = subprocess.Popen(["ssh", peer, "xlx migrate-receive"], stdin=subprocess.PIPE, stdout=1)
	def carry():
	    due = time.monotonic()
	    while True:
	        select.select([0], [], []) # ssh has made the socket, which it has for its output, one that does not block
	        data = os.read(0, 16384)
	        if not data:
	            break
	        due = max(due, time.monotonic() - 0.1) + len(data) / 2**20
	        os.write(p.stdin.fileno(), data)
	        time.sleep(max(0, due - time.monotonic()))
	    p.stdin.close()
	threading.Thread(target=carry, daemon=True).start()
	sys.exit(p.wait())
END
chmod +x "$tmp/slow"
echo b >"$tmp/peer"
on_b mkdir -p "$tmp"
on_exit on_b rm -rf "$tmp"
ssh b "cat >$tmp/slow && chmod +x $tmp/slow && echo a >$tmp/peer" <"$tmp/slow"
slowly() { xlx migrate --ssh '' "$@" "$tmp/slow"; }

create_guest "$tmp/$name.cfg"
wait_for 60 grep -q '^uvp-busy: ready' "/var/log/xen/guest-$name.log"

expect_fail 11 slowly --json "$name"
out_has '"can":null,"moved":false,"refusals":[],"error":{"code":"timeout"'
err_has "its memory changes as fast as it can be sent"
err_has "--auto-converge"
goes_on env
expect_fail 11 xlx migrate --bandwidth 20k --timeout 5s "$name" b
err_has "it was not there after 5 s"
goes_on env
# one that answers nothing: the deadline counts from the first word on
printf '#!/bin/sh\nexec sleep 60\n' >"$tmp/mute"
chmod +x "$tmp/mute"
expect_fail 11 xlx migrate --timeout 2s --ssh '' --json "$name" "$tmp/mute"
err_has "it was not there after 2 s"
goes_on env

# ---- killed while it is slowed down ----
expect_fail 137 env UVP_KILL_AT_STEP='cap set' xlx migrate --ssh '' --auto-converge "$name" "$tmp/slow"
cap | grep -q '"cap":75' || fail "it has not been slowed down: $(cap)"
expect_ok xlx info "$name"
err_has "had a cap of 75, which a killed 'xlx migrate --auto-converge' left; it has its own again, 0"
has_no_cap || fail "it is slowed down still"
# UVP_LAB_LONG: uvp-hostd does it, too; what was set by hand since then stays
if [ -n "${UVP_LAB_LONG:-}" ]; then
	expect_fail 137 env UVP_KILL_AT_STEP='cap set' xlx migrate --ssh '' --auto-converge "$name" "$tmp/slow"
	cap | grep -q '"cap":75' || fail "it has not been slowed down: $(cap)"
	uvp-hostd --config /dev/null >"$tmp/hostd.log" 2>&1 &
	hostd=$!
	on_exit bash -c "kill $hostd 2>/dev/null || true"
	wait_for 60 has_no_cap
	grep -q "was being moved by somebody who was killed, and had a cap of 75" "$tmp/hostd.log" || fail "uvp-hostd does not say so"
	kill $hostd
	wait $hostd
	expect_ok xlx sched "$name" --cap 90
	expect_fail 137 env UVP_KILL_AT_STEP='cap set' xlx migrate --ssh '' --auto-converge "$name" "$tmp/slow"
	cap | grep -q '"cap":67' || fail "it has not been slowed down: $(cap)"
	expect_ok xlx sched "$name" --cap 80
	expect_fail 11 xlx migrate --bandwidth 20k --timeout 2s "$name" b
	cap | grep -q '"cap":80' || fail "what was set by hand is gone: $(cap)"
	expect_ok xlx sched "$name" --cap 0
fi

# ---- as asked ----
expect_ok slowly --auto-converge --max-downtime 500ms --json "$name"
report 'r["moved"] and 0 < r["cap"] < 80'
goes_on on_b
expect_ok on_b xlx sched --json "$name"
out_has '"cap":0'
expect_ok on_b xlx migrate --ssh '' --stop --json "$name" "$tmp/slow"
report 'r["moved"] and not r["cap"] and r["forecast_ms"] > 300 and r["rounds"] > 5'
# all but the last round went at that rate
report 'r["wire_bytes"] * (r["rounds"] - 1) / r["rounds"] / 2**20 <= r["total_ms"] / 1000'
goes_on env
# what is left at the end is not held back, and so that is no part of the forecast: 12 s of it
expect_ok xlx migrate --bandwidth 64k --max-downtime 4s --json "$name" b
report 'r["moved"] and r["rounds"] == 3 and r["forecast_ms"] <= 4000'
goes_on on_b
exit 0
