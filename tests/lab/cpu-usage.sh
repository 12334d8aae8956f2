#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx cpu usage: the tree adds up, threads that live a moment are in it, and of a process whose CPU Xen takes away half of the
# time it tells what it really had, where the kernel's accounting tells twice as much.
. "$(dirname "$0")/../lib.sh"
requires xlx python3

expect_ok xlx cpu usage
out_has 'seconds on'
! grep -q 'estimated' "$tmp/out" "$tmp/err" || fail "domain 0's kernel does not take the program: $(cat "$tmp/err")"
expect_fail 2 xlx cpu usage --core 0 --pid 1
expect_fail 2 xlx cpu usage -d 10ms
expect_fail 4 xlx cpu usage --domain no-such-domain
expect_ok xlx cpu usage --estimate --csv
out_has ',process,'
awk -F, '$3 == "process" || $3 == "thread" { n += $9 == 1; all++ } END { exit !all || n != all }' "$tmp/out" || fail "what is estimated is not marked"
expect_ok xlx cpu usage --estimate -d 200ms
out_has 'the processes are estimated'
expect_ok xlx cpu usage --core 0 --json -d 200ms
out_has '"kind":"core","id":0'
expect_ok xlx cpu usage --domain Domain-0 --interval 200ms --count 2 --json
[ "$(grep -c '"interval_ns"' "$tmp/out")" -eq 2 ] || fail "there are not two rounds"
out_has '"kind":"vcpu"'
# one that works
while :; do :; done &
busy=$!
on_exit kill "$busy"
expect_ok xlx cpu usage --pid "$busy" -d 1s --csv
out_has ",process,$busy,"
kill "$busy"

# xenstored stands still: the figures are there all the same
xenstored=$(pgrep -x xenstored || pgrep -x oxenstored)
on_exit kill -CONT "$xenstored"
kill -STOP "$xenstored"
expect_ok timeout 60 xlx cpu usage --json
kill -CONT "$xenstored"
out_has '"kind":"domain","id":0'
out_has '"kind":"process"'

cat >"$tmp/check.py" <<'EOF'
import json, subprocess, sys
pid = int(sys.argv[1])
run = subprocess.Popen(["xlx", "cpu", "usage", "--json", "-d", "3s"], stdout=subprocess.PIPE)
started = 0
while not pid and run.poll() is None:
    subprocess.run(["/bin/true"])
    started += 1
usage = json.loads(run.communicate()[0])
rows = usage["rows"]
total = lambda kind, **more: sum(r["run_ns"] for r in rows if r["kind"] == kind and all(r[k] == v for k, v in more.items()))
whole, dom0 = total("host"), total("domain", id=0)
assert whole == usage["interval_ns"] * usage["cpus"]
assert whole == total("idle") + total("xen") + total("domain")
assert dom0 == total("vcpu", parent=0) == total("process") + total("kernel") + total("lost") + total("rest")
assert total("process") == total("thread") and total("lost") == 0
# a busy machine holds the emulated one up between two readings: on real ones this is some microseconds
assert abs(total("rest")) < usage["interval_ns"] / 10, rows
if pid:
    burner = next(r for r in rows if r["kind"] == "process" and r["id"] == pid)
    print("burner had %d ns, %d were stolen from it; domain 0 had %d" % (burner["run_ns"], burner["stolen_ns"], dom0))
    assert burner["stolen_ns"] > burner["run_ns"] / 3, burner
    assert 0 < burner["run_ns"] < 0.6 * usage["interval_ns"], burner
else:
    ended = sum(r["kind"] == "process" and r["ended"] and r["name"] == "true" for r in rows)
    print("%d of %d short processes are in the interval" % (ended, started))
    assert ended > started / 4, rows
EOF
python3 "$tmp/check.py" 0 || fail "the figures are not right"

# half of a CPU is stolen from domain 0, where a process burns what it gets
xlx sched-credit2 -d 0 -c 50 >"$tmp/out" 2>&1 || skip "this scheduler has no caps: $(cat "$tmp/out")"
on_exit xlx sched-credit2 -d 0 -c 0
python3 -c '
while True:
    pass' &
burner=$!
on_exit kill "$burner"
python3 "$tmp/check.py" "$burner" || fail "the figures of a domain 0 that has half a CPU are not right"
