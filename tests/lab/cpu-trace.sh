#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx cpu trace: of a guest that burns and sleeps, its run time is what Xen's counters say, it is woken, and it moves between CPUs
# when it is told to; a guest with a cap is held back. The trace buffers are left as they were found, whoever used them.
. "$(dirname "$0")/../lib.sh"
requires xlx python3 xentrace

expect_fail 2 xlx cpu trace
expect_fail 2 xlx cpu trace --for 10ms 0
expect_fail 4 xlx cpu trace no-such-domain

# what Xen keeps for itself: nobody traces, and none of ours is noted
off() {
	expect_ok xlx cpu trace --for 100ms --json 0
	[ ! -s "$tmp/err" ] || fail "tracing was not off: $(cat "$tmp/err")"
	[ ! -e /run/uvp/cpu-trace ] || fail "the note of a trace is left"
}
off

guest_boots lab-trace xlx create "$(linux_cfg lab-trace)"
on_exit destroy_guest lab-trace
guest_run lab-trace 'while :; do i=0; while [ $i -lt 500 ]; do i=$((i+1)); done; usleep 20000; done >/dev/null 2>&1 & echo burns'
guest_has burns

cat >"$tmp/check.py" <<'EOF'
import json, sys
trace = json.load(open(sys.argv[1]))
whole = trace["interval_ns"]
assert trace["lost_records"] == trace["full_buffers"] == trace["broken_buffers"] == 0 and trace["untraced_cpus"] == [], trace
wakeups = moves = ready = run = off = 0
for v in trace["vcpus"]:
    states = v["run_ns"] + v["ready_ns"] + v["blocked_ns"] + v["offline_ns"]
    assert abs(states + v["unknown_ns"] - whole) < 1000 and v["unknown_ns"] < 1000, v
    print("vCPU %d ran %d ns of %d by the trace, %d by Xen's counters" % (v["vcpu"], v["run_ns"], whole, v["counted_run_ns"]))
    assert abs(v["run_ns"] - v["counted_run_ns"]) < whole / 20, v
    for kind, limit in ("ready", v["turns"]), ("wakeup", v["wakeups"]):
        h = v[kind]
        assert h["count"] == sum(s["count"] for s in h["histogram"]) <= limit, v
        assert h["p50_ns"] <= h["p99_ns"] <= h["max_ns"] and h["sum_ns"] <= v["ready_ns"] + 1000 * h["count"], v
    wakeups += v["wakeup"]["count"]
    moves += v["migrations"]
    ready += v["ready_ns"]
    off += v["offline_ns"]
    run += v["run_ns"]
assert moves == sum(m["count"] for m in trace["migrations"])
print("%d ns run, %d ns ready, %d ns off, woken %d times, moved %d times" % (run, ready, off, wakeups, moves))
if sys.argv[2] == "sleeper":
    # both of its vCPUs are on one CPU
    assert wakeups > 5 and moves >= 2 and run > 0 and ready > 0, trace
else:
    assert off > run > 0 and wakeups == 0, trace
EOF
expect_ok xlx vcpu-pin lab-trace all 0
xlx cpu trace --for 4s --json lab-trace >"$tmp/sleeper" 2>"$tmp/sleeper.err" &
trace=$!
for cpu in 1 0 1 0; do
	sleep 0.7
	expect_ok xlx vcpu-pin lab-trace all "$cpu"
done
wait "$trace" || fail "cpu trace failed: $(cat "$tmp/sleeper.err")"
python3 "$tmp/check.py" "$tmp/sleeper" sleeper || fail "the figures of a guest that burns and sleeps are not right"
expect_ok xlx destroy --yes lab-trace

# it never sleeps, and Xen lets it have a quarter of a CPU; when it ends, so does the trace
LC_ALL=C sed 's/\xfb\xf4\xeb/\xfb\x90\xeb/' /guests/tiny-pvh >"$tmp/burns"
sed -i "s,/guests/tiny-pvh,$tmp/burns," "$(tiny_cfg lab-burns 'cap = 25')"
create_guest "$tmp/lab-burns.cfg"
expect_ok xlx cpu trace --for 2s --json lab-burns
cp "$tmp/out" "$tmp/burner"
python3 "$tmp/check.py" "$tmp/burner" burner || fail "the figures of a guest with a cap are not right"
xlx cpu trace --for 1h lab-burns >"$tmp/ended" 2>&1 &
trace=$!
wait_for 60 grep -q ' o[nf]' /run/uvp/cpu-trace
# while one reads, nobody else does
expect_fail 6 xlx cpu trace --take-over 0
err_has 'another program reads'
expect_ok xlx destroy --yes lab-burns
wait "$trace" || fail "the trace of a domain that ends failed: $(cat "$tmp/ended")"
grep -q 'has ended' "$tmp/ended" || fail "it is not said that the domain has ended: $(cat "$tmp/ended")"
off

# told to end, or its terminal gone: it cleans up itself
for signal in TERM HUP; do
	xlx cpu trace --for 1h 0 >"$tmp/ended" 2>&1 &
	trace=$!
	wait_for 60 grep -q ' o[nf]' /run/uvp/cpu-trace
	kill -s "$signal" "$trace"
	wait "$trace" 2>/dev/null
	[ ! -e /run/uvp/cpu-trace ] || fail "after SIG$signal the note of a trace is left: $(cat "$tmp/ended")"
	off
done

# killed: the next one finds it
xlx cpu trace --for 1h 0 >/dev/null 2>&1 &
trace=$!
wait_for 60 grep -q ' o[nf]' /run/uvp/cpu-trace
kill -9 "$trace"
wait "$trace" 2>/dev/null
expect_ok xlx cpu trace --for 100ms 0
err_has 'was killed and left tracing on'
off

# killed in the midst of looking whether tracing is on, while other events are traced: the next one puts those back that were
noted() {
	UVP_KILL_AT_STEP='trace found' xlx cpu trace --for 100ms 0 >/dev/null 2>&1
	cat /run/uvp/cpu-trace
}
events=$(noted)
[[ $events == *' unsure' ]] || fail "what was traced is not noted: $events"
[ "$(noted)" = "$events" ] || fail "$events became $(cat /run/uvp/cpu-trace)"
off
[ "$(noted)" = "$events" ] || fail "what was traced is not put back: $events became $(cat /run/uvp/cpu-trace)"
off

# somebody else's: not while it reads, nor when it was killed, unless that is wanted, and then it stays on
xentrace -D -e 0x0002f000 "$tmp/xentrace" >/dev/null 2>&1 &
other=$!
end_other() { kill -9 "$other" 2>/dev/null; }
on_exit end_other
wait_for 60 test -s "$tmp/xentrace"
expect_fail 6 xlx cpu trace 0
err_has 'another program reads'
kill -9 "$other"
wait "$other" 2>/dev/null
for _ in 1 2; do
	expect_fail 6 xlx cpu trace 0
	err_has 'nobody reads'
	err_has '--take-over'
	expect_ok xlx cpu trace --take-over --for 100ms 0
done
# it switches off when it ends by itself
xentrace -D -T 1 "$tmp/xentrace" >/dev/null 2>&1
off
