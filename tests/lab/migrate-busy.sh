#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that changes its memory faster than it can be sent: moving is given up, or slows it down, or stops it, or is content with a
# longer pause, as asked; never faster than --bandwidth, never longer than --timeout. One that gives pages back while it moves, and
# would get others in their places, loses nothing. A cap that a killed xlx migrate has left is
# found and taken away. At last one is moved from the screen of xlx top, which shows how far it is, and comes back: its figures begin
# anew with each of its lives, and neither screen nor exporter nor history takes that for anything else.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires xlx ssh python3 tmux
prefix=t-
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
	        try:
	            data = os.read(0, 16384)
	        except ConnectionResetError: # xlx was killed before it had read all that was said to it
	            data = b""
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
# the other host has seen that one was killed
all_quiet() { ! pgrep -f "$tmp/[s]low" >/dev/null && ! on_b pgrep -x xlx >/dev/null; }

create_guest "$tmp/$name.cfg"
wait_for 60 grep -q '^uvp-busy: ready' "/var/log/xen/guest-$name.log"

expect_fail 11 slowly --json "$name"
out_has '"can":null,"moved":false,"refusals":[],"error":{"code":"timeout"'
err_has "its memory changes as fast as it can be sent"
err_has "--auto-converge"
goes_on env
expect_fail 11 xlx migrate --bandwidth 20k --timeout 5s "$name" b
err_has "it was not there after 5 s"
err_has "goes when that host sees the end of the connection; 'xlx destroy $name' there removes it"
goes_on env
# one that answers nothing: the deadline counts from the first word on
printf '#!/bin/sh\nexec sleep 60\n' >"$tmp/mute"
chmod +x "$tmp/mute"
expect_fail 11 xlx migrate --timeout 2s --ssh '' --json "$name" "$tmp/mute"
err_has "it was not there after 2 s: the time was over before host '$tmp/mute' had answered"
goes_on env

# ---- it gets no memory while it moves ----
limit() { xlx info --json "$name" | grep -o '"limit_kib":[0-9]*'; }
had=$(limit)
xlx migrate --ssh '' --stop --progress=json "$name" "$tmp/slow" >"$tmp/moving" 2>&1 &
move=$!
wait_for 60 grep -q '"phase":"round 1' "$tmp/moving"
expect_fail 6 xlx mem-max "$name" 8m
err_has "it is being moved to another host by process $move"
# a tool that does not know of that
set_limit='import ctypes, sys
xc = ctypes.CDLL("libxenctrl.so.4.17")
xc.xc_interface_open.restype = ctypes.c_void_p
xch = ctypes.c_void_p(xc.xc_interface_open(None, None, 0))
sys.exit(xc.xc_domain_setmaxmem(xch, ctypes.c_uint32(int(sys.argv[1])), ctypes.c_uint64(9216)) != 0)'
expect_ok python3 -c "$set_limit" "$(xlx domid "$name")"
! wait $move || fail "it moved, and may have got pages that were not sent"
grep -q "another tool has changed its limit of memory while it moved" "$tmp/moving" || fail "something else failed: $(tail -n 3 "$tmp/moving")"
goes_on env
[ "$(limit)" = '"limit_kib":9216' ] || fail "another tool's limit is gone: $(limit)"
expect_ok xlx mem-max "$name" 4m
[ "$(limit)" = "$had" ] || fail "it had $had, and has $(limit)"

# ---- killed while it is slowed down ----
expect_fail 137 env UVP_KILL_AT_STEP='cap set' xlx migrate --ssh '' --auto-converge "$name" "$tmp/slow"
cap | grep -q '"cap":75' || fail "it has not been slowed down: $(cap)"
expect_ok xlx info --json "$name"
out_has "$had,"
err_has "had a cap of 75, which a killed 'xlx migrate --auto-converge' left; it has its own again, 0"
has_no_cap || fail "it is slowed down still"
wait_for 60 all_quiet
# uvp-hostd sees it, too, of a move that began after it did
uvp-hostd --config /dev/null -s history=no --log-level debug >"$tmp/hostd.log" 2>&1 &
hostd=$!
on_exit bash -c "kill $hostd 2>/dev/null || true"
wait_for 60 grep -q started "$tmp/hostd.log"
xlx migrate --bandwidth 20k "$name" b >"$tmp/moving" 2>&1 &
move=$!
wait_for 60 grep -q "domain $(xlx domid "$name") is being moved" "$tmp/hostd.log"
listed() { xlx list --json "$name" | grep -q "\"max_memory_bytes\":$1[,}]"; }
listed 0 || fail "it gets memory while it moves: $(xlx list --json "$name")"
kill -9 $move
wait $move
wait_for 60 listed $((${had#*:} * 1024))
grep -q "was being moved by somebody who was killed, and had a limit of memory of 0; it has its own again, ${had#*:} KiB" "$tmp/hostd.log" ||
	fail "uvp-hostd does not say so"
has_no_cap || fail "there is a note still"
kill $hostd
wait $hostd
wait_for 60 all_quiet
# UVP_LAB_LONG: and a cap of one that was killed before; what was set by hand since then stays
if [ -n "${UVP_LAB_LONG:-}" ]; then
	expect_fail 137 env UVP_KILL_AT_STEP='cap set' xlx migrate --ssh '' --auto-converge "$name" "$tmp/slow"
	cap | grep -q '"cap":75' || fail "it has not been slowed down: $(cap)"
	uvp-hostd --config /dev/null -s history=no >"$tmp/hostd.log" 2>&1 &
	hostd=$!
	on_exit bash -c "kill $hostd 2>/dev/null || true"
	wait_for 60 has_no_cap
	grep -q "was being moved by somebody who was killed, and had a cap of 75" "$tmp/hostd.log" || fail "uvp-hostd does not say so"
	kill $hostd
	wait $hostd
	wait_for 60 all_quiet
	expect_ok xlx sched "$name" --cap 90
	expect_fail 137 env UVP_KILL_AT_STEP='cap set' xlx migrate --ssh '' --auto-converge "$name" "$tmp/slow"
	cap | grep -q '"cap":67' || fail "it has not been slowed down: $(cap)"
	wait_for 60 all_quiet
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
# 192 pages take 6 s at that rate, and that is what is foretold; what is left at the end is not held back, and so takes no longer
expect_ok xlx migrate --bandwidth 128k --max-downtime 20s --json "$name" b
report 'r["moved"] and r["rounds"] == 3 and 4000 < r["forecast_ms"] <= 20000'
report '0 < r["pause_ms"] <= r["forecast_ms"]'
goes_on on_b
expect_ok on_b xlx destroy --yes "$name"

# ---- one that gives its pages back, and would have them again ----
name=t-gives
printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s128 r60 n450 g"' 'memory = 5' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/$name.cfg"
on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"
# what one said that was here before is not of interest
rm -f "/var/log/xen/guest-$name.log"
on_b rm -f "/var/log/xen/guest-$name.log"
# so many pages it has had again by now
again() { "$@" grep '^again' "/var/log/xen/guest-$name.log" | tail -n 1 | cut -d ' ' -f 2; }
has_more_again() { [ "$(again "${@:2}")" -gt "$1" ]; }
create_guest "$tmp/$name.cfg"
wait_for 60 has_more_again 128 env
expect_ok xlx migrate --bandwidth 512k --max-downtime 5s "$name" b
wait_for 60 on_b grep -q '^again [0-9]* refused [1-9]' "/var/log/xen/guest-$name.log"
! on_b grep lost "/var/log/xen/guest-$name.log" || fail "a page is not what it was"
wait_for 60 has_more_again "$(again on_b)" on_b
expect_ok on_b xlx destroy --yes "$name"

# ---- from the screen, and back ----
name=t-seen
# it burns what it gets, and has 3 MiB of noise
printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s16 r50 b n800"' 'memory = 8' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/$name.cfg"
on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"
expect_ok on_b mkdir -p "$tmp"
on_exit on_b rm -rf "$tmp"
start_hostd
expect_ok on_b bash -c "uvp-hostd --config /dev/null -s dump_dir=$tmp/dumps -s failed_dir=$tmp/failed -s history_dir=$tmp/history \
	-s history_size=1M </dev/null >$tmp/hostd.log 2>&1 & echo \$! >$tmp/hostd.pid"
on_exit on_b bash -c "! kill \$(cat $tmp/hostd.pid) || while kill -0 \$(cat $tmp/hostd.pid); do sleep 0.1; done 2>/dev/null"
wait_for 60 on_b grep -q ': started' "$tmp/hostd.log"

create_guest "$tmp/$name.cfg"
wait_for 90 grep -q '^uvp-busy: ready' "/var/log/xen/guest-$name.log"
first=$(xlx domid "$name")
# has_rows N WHERE...: so many samples have it there
rows() { "${@:2}" xlx sar --dir "$tmp/history" --step 1s --json "$name" "$1"; }
has_rows() { rows cpu "${@:2}" 2>/dev/null | grep -o '"vcpus":1' | wc -l | awk -v n="$1" '{ exit $1 < n }'; }
wait_for 180 has_rows 3 env

on_exit screen kill-server
screen new-session -d -x 132 -y 30 "LC_ALL=C.UTF-8 XDG_CONFIG_HOME=$tmp exec xlx top -d 200ms --filter $name"
wait_for 60 shows " $name "
screen send-keys G
wait_for 60 shows 'read-only'
screen send-keys '!' G b
wait_for 60 shows "xlx migrate $name b_"
shows 'moves it to another host while it runs' || fail "what it does is not said: $(screen capture-pane -p)"
screen send-keys Enter j
# what is at work, by the line of the jobs
far() { screen capture-pane -p | sed -n "s/.*xlx migrate .*$name b .* \\([0-9.]* [KM]iB\\) of .*/\\1/p"; }
is_further() { [ -n "$(far)" ] && [ "$(far)" != "$1" ]; }
wait_for 90 is_further ''
at=$(far)
wait_for 90 is_further "$at"
wait_for 240 shows_like "done: xlx migrate $name b: .*moved in"
wait_for 60 shows 'no command of xlx is at work'
expect_fail 4 xlx domid "$name"
goes_on on_b
wait_for 180 has_rows 3 on_b

# there
scrape='import urllib.request as u; print(u.urlopen("http://localhost:9709/metrics", timeout=60).read().decode())'
cat >"$tmp/life.py" <<'EOF'
import json, re, sys
top, metrics, cpu, mem = (open(f"{sys.argv[1]}/{f}").read() for f in ("top", "metrics", "cpu", "mem"))
[domain] = [d for d in json.loads(top)["domains"] if d["name"] == "t-seen"]
[(uuid, domid, seconds)] = re.findall(r'^xlx_domain_cpu_seconds_total{name="t-seen",uuid="([^"]*)",domid="(\d+)"} ([0-9.]+)', metrics, re.M)
cpu = [r["cpu"] for r in json.loads(cpu) if r["covered_seconds"]]
print("life %s: %d ns; the history has %s" % (domid, domain["cpu_time_ns"], cpu))
assert uuid == domain["uuid"] and int(domid) == domain["domid"]
# one vCPU: what emulated CPUs do when they stand still is the rest
known = [c for c in cpu if c is not None]
assert 0 <= min(known) and 10 < max(known) < 200
assert 0 < float(seconds) * 1e9 < domain["cpu_time_ns"] + 60e9
assert all(0 <= r["memory"] <= 16 << 20 for r in json.loads(mem) if r["memory"] is not None)
EOF
told() { # WHERE...
	"$@" xlx top --json >"$tmp/top" && "$@" python3 -c "$scrape" >"$tmp/metrics" && rows cpu "$@" >"$tmp/cpu" && rows mem "$@" >"$tmp/mem" ||
		fail "what is told cannot be had"
	python3 "$tmp/life.py" "$tmp" || fail "its figures are not those of this life: $(cat "$tmp/cpu")"
}
told on_b
grep -q 'null' "$tmp/cpu" || fail "it was there before it came: $(cat "$tmp/cpu")"
# and back, where it was known before
samples=$(rows cpu env | grep -o '"vcpus":1' | wc -l)
expect_ok on_b xlx migrate "$name" a
[ "$(xlx domid "$name")" -gt "$first" ] || fail "it has the number that it had"
goes_on env
wait_for 180 has_rows $((samples + 3)) env
told env
grep -q 'null' "$tmp/cpu" || fail "it was here all the time: $(cat "$tmp/cpu")"
expect_ok xlx destroy --yes "$name"
exit 0
