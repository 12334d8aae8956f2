#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A process that executes an exact number of instructions, in a machine whose clock counts them: first alone, which calibrates it
# (the instructions, and the interrupts on the way), then while a guest takes half of the CPU. xlx cpu usage tells within 0.5 % what
# it had, where pidstat, and the kernel's accounting from which it has its figures, are off by what was stolen. And in every interval
# all adds up within 0.1 %.
. "$(dirname "$0")/../lib.sh"
requires xlx python3 pidstat
[ "$(xl info | awk '$1 == "nr_cpus" { print $3 }')" = 1 ] ||
	skip "what a process really has is known only where the clock counts instructions: lab/run.sh --icount=wait bash tests/lab/cpu-proof.sh"

LC_ALL=C sed 's/\xfb\xf4\xeb/\xfb\x90\xeb/' /guests/tiny-pvh >"$tmp/burns"
sed -i "s,/guests/tiny-pvh,$tmp/burns," "$(tiny_cfg lab-burns)"

cat >"$tmp/burn.py" <<'EOF'
import ctypes, json, mmap, os, subprocess, sys, time
ROUNDS = 150_000_000
INSTRUCTIONS_NS = ROUNDS * 2 * 2    # two of them, 2 ns each
alone = sys.argv[2] == "alone"
# mov rcx, rdi; again: dec rcx; jnz again; ret
code = b"\x48\x89\xf9" + b"\x48\xff\xc9" + b"\x75\xfb" + b"\xc3"
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
burn = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
usage = subprocess.Popen(["xlx", "cpu", "usage", "--json", "-d", sys.argv[1], "-n", "2"], stdout=subprocess.PIPE)
begin, burnt, end = os.pipe(), os.pipe(), os.pipe()
child = os.fork()
if not child:
    os.read(begin[0], 1)
    burn(ROUNDS)
    os.write(burnt[1], b"x")
    os.read(end[0], 1)
    os._exit(0)
SECONDS = 5
pidstat = subprocess.Popen(["pidstat", "-u", "-h", "-p", str(child), str(SECONDS), "1"], stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
pidstat.stdout.readline()    # its banner, before the first reading
time.sleep(0.4)
scheduled = lambda: int(open(f"/proc/{child}/schedstat").read().split()[0])
before = scheduled()
os.write(begin[1], b"x")
os.read(burnt[0], 1)
lines = [line.split() for line in pidstat.communicate()[0].decode().splitlines() if line]
[names], [values] = [l[1:] for l in lines if l[0] == "#"], [l for l in lines if l[0] != "#"]
pidstat = float(dict(zip(names[::-1], values[::-1]))["%CPU"]) / 100 * SECONDS * 1e9
kernel = scheduled() - before
os.write(end[1], b"x")
assert os.waitpid(child, 0)[1] == 0
rounds = [json.loads(line) for line in usage.communicate()[0].decode().splitlines()]
rows = [r for one in rounds for r in one["rows"] if r["kind"] == "process" and r["id"] == child]
assert rows and rows[-1] in rounds[-1]["rows"], "it is not in the last round, by whose end all it had is told"
had, stolen = sum(r["run_ns"] for r in rows), sum(r["stolen_ns"] for r in rows)
if alone:
    json.dump(had, open(sys.argv[3], "w"))
true = json.load(open(sys.argv[3]))
off = lambda ns: (ns - true) / true * 100
print("the burner's instructions take %d ns, alone it needs %d; cpu usage tells %d (%+.3f %%), pidstat %d (%+.1f %%), "
      "schedstat %d (%+.1f %%), stolen were %d" % (INSTRUCTIONS_NS, true, had, off(had), pidstat, off(pidstat), kernel, off(kernel), stolen))
for one in rounds:
    whole = one["interval_ns"] * one["cpus"]
    ns = lambda kind, **more: sum(r["run_ns"] for r in one["rows"] if r["kind"] == kind and all(r[k] == v for k, v in more.items()))
    assert whole == ns("idle") + ns("xen") + ns("domain")
    print("of %d ns: idle %d, domains %d, Xen %d; of domain 0's %d, %d lie between the readings" %
          (whole, ns("idle"), ns("domain"), ns("xen"), ns("domain", id=0), ns("rest")))
    assert abs(ns("xen")) < whole / 1000 and abs(ns("rest")) < whole / 1000, one
assert abs(off(had)) < 0.5
if alone:
    assert INSTRUCTIONS_NS <= had < INSTRUCTIONS_NS * 1.05 and abs(off(kernel)) < 0.5
    assert abs(pidstat - true) < 25e6    # it counts in hundredths of a second, at both ends
else:
    assert off(pidstat) > 50 and off(kernel) > 50 and abs(pidstat - had - stolen) < 25e6 + true / 100 and abs(kernel - had - stolen) < true / 100
EOF
python3 "$tmp/burn.py" 600ms alone "$tmp/true" || fail "the figures of a burner that is alone are not right"
create_guest "$tmp/lab-burns.cfg"
python3 "$tmp/burn.py" 1s stolen "$tmp/true" || fail "the figures of a burner that a guest takes the CPU from are not right"
