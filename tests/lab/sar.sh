#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# uvp-hostd keeps samples, and xlx sar tells what was: also after the daemon was killed, and of a domain that is gone. The
# last sample can be had by HTTP.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires python3 tmux ip mke2fs mount
prefix=sar-

sar() { xlx sar --dir "$tmp/history" --since 1h --step 3600 "$@"; }
samples() { xlx sar --dir "$tmp/history" --step 1s --csv 2>/dev/null | awk -F, '$2 > 0 { n++ } END { print n + 0 }'; }
more_samples_than() { [ "$(samples)" -gt "$1" ]; }

start_hostd

# a guest that burns all it gets reboots: its counters begin anew with its next life, and nobody takes that for anything else
LC_ALL=C sed 's/\xfb\xf4\xeb/\xfb\x90\xeb/' /guests/tiny-pvh >"$tmp/burns"
sed -i "s,/guests/tiny-pvh,$tmp/burns," "$(tiny_cfg sar-anew)"
expect_ok xlx create "$tmp/sar-anew.cfg"
first=$(xlx domid sar-anew)
burnt() { xlx sar --dir "$tmp/history" --step 1s --csv sar-anew cpu 2>/dev/null | awk -F, -v n="$1" '$3 > 10 { rows++ } END { exit rows < n }'; }
has_lines() { [ "$(grep -c "^Domain $1, sar-anew" "$tmp/rounds")" -ge "$2" ]; }
# what the exporter tells; to start Python for it would take a second
scraped() {
	local connection
	exec {connection}<>/dev/tcp/127.0.0.1/9709 || return
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$connection"
	timeout 60 cat <&"$connection"
	exec {connection}>&-
}
of_exporter() { scraped | grep '^xlx_domain_cpu_seconds_total{name="sar-anew"'; }
wait_for 90 burnt 3
xlx top --plain -d 300ms --filter sar-anew >"$tmp/rounds" &
rounds=$!
on_exit eval 'kill $rounds 2>/dev/null'
wait_for 60 has_lines "$first" 3
of_exporter >"$tmp/first"
shut_down_now "$first" 1
wait_logged "'sar-anew' was restarted as domain"
second=$(xlx domid sar-anew)
wait_for 60 has_lines "$second" 4
kill "$rounds"
has_second() { of_exporter | grep "domid=\"$second\"} [0-9.]*[1-9]"; }
wait_for 60 has_second
of_exporter >"$tmp/second"
wait_for 90 burnt 6
xlx sar --dir "$tmp/history" --step 1s --json sar-anew cpu >"$tmp/anew.json"
python3 - "$tmp" "$first" "$second" <<'EOF' || fail "the two lives are not told apart: $(cat "$tmp/first" "$tmp/second" "$tmp/anew.json")"
import json, re, sys
folder, first, second = sys.argv[1:]
metric = re.compile(r'uuid="([^"]*)",domid="(\d+)"} ([0-9.]+)')
[(uuid, a, before)] = metric.findall(open(folder + "/first").read())
[(again, b, after)] = metric.findall(open(folder + "/second").read())
assert uuid == again and (a, b) == (first, second) and float(after) > 0
percents = [float(p) for p in re.findall(r"sar-anew: .*CPU ([0-9.]+) percent", open(folder + "/rounds").read())]
rows = [r["cpu"] for r in json.load(open(folder + "/anew.json")) if r["cpu"] is not None]  # it is not there for a moment
print("by the screen %.0f to %.0f %%, by the history %.0f to %.0f %%" % (min(percents), max(percents), min(rows), max(rows)))
# one vCPU: what emulated CPUs do when they stand still is the rest
assert max(percents) < 200 and max(rows) < 200 and min(rows) >= 0
EOF
# two that burn on one CPU: one of them always waits for it
sed "s/sar-anew/sar-twin/" "$tmp/sar-anew.cfg" >"$tmp/sar-twin.cfg"
on_exit destroy_guest sar-twin
expect_ok xlx create "$tmp/sar-twin.cfg"
for name in sar-anew sar-twin; do
	expect_ok xlx vcpu-pin "$name" 0 0
done
waits() { xlx top --once --view cpus | awk '$1 == "0" { exit $4 < 1 }'; }
wait_for 30 waits
# a twin in earnest, with the other's UUID: each has its own figures, on the screen and for the exporter
set_uuid() { # DOMID UUID
	python3 - "$@" <<'EOF' || fail "Xen does not take another UUID"
import ctypes, sys, uuid
xc = ctypes.CDLL("libxenctrl.so.4.17", use_errno=True)
xc.xc_interface_open.restype = ctypes.c_void_p
sys.exit(xc.xc_domain_sethandle(ctypes.c_void_p(xc.xc_interface_open(None, None, 0)), int(sys.argv[1]), uuid.UUID(sys.argv[2]).bytes))
EOF
}
uuid_of() { xlx top --json -d 100ms | python3 -c 'import json, sys; print(next(d["uuid"] for d in json.load(sys.stdin)["domains"] if d["name"] == sys.argv[1]))' "$1"; }
twin=$(xlx domid sar-twin) own=$(uuid_of sar-twin) uuid=$(uuid_of sar-anew)
set_uuid "$twin" "$uuid"
expect_ok xlx top --json
python3 - "$tmp/out" "$second" "$twin" <<'EOF' || fail "twins are taken for one: $(cat "$tmp/out")"
import json, sys
domains = {d["domid"]: d for d in json.load(open(sys.argv[1]))["domains"]}
one, other = (domains[int(i)] for i in sys.argv[2:])
assert one["uuid"] == other["uuid"] and one["cpu_time_ns"] != other["cpu_time_ns"], (one, other)
# they share a CPU: what one of them has had in all would be more
assert all(1 < d["cpu_percent"] < 150 for d in (one, other)), (one, other)
EOF
both_told() { scraped >"$tmp/twins" && for name in sar-anew sar-twin; do grep "^xlx_domain_cpu_seconds_total{name=\"$name\",uuid=\"$uuid\"" "$tmp/twins" || return 1; done; }
wait_for 30 both_told
set_uuid "$twin" "$own"
expect_ok xlx destroy --yes sar-anew sar-twin

tiny_cfg sar-busy
expect_ok xlx create "$tmp/sar-busy.cfg"
has_samples() { xlx sar --dir "$tmp/history" --step 1s --csv sar-busy cpu 2>/dev/null | grep -q ',1\.000$'; }
wait_for 90 has_samples
end_hostd KILL
before=$(samples)
start_hostd
wait_for 90 more_samples_than "$((before + 2))"
expect_ok xlx destroy --yes sar-busy
gone_in_history() { xlx sar --dir "$tmp/history" --step 1s --json host | python3 -c '
import json, sys
rows = [r for r in json.load(sys.stdin) if r["domains"] is not None]
sys.exit(not (rows[-1]["domains"] < max(r["domains"] for r in rows)))'; }
wait_for 90 gone_in_history

xlx sar --dir "$tmp/history" --step 1s --json cpu >"$tmp/cpu.json" || fail "sar --json fails"
python3 - "$tmp/cpu.json" <<'EOF' || fail "the shares do not add up"
import json, sys
rows = [r for r in json.load(open(sys.argv[1])) if r["covered_seconds"]]
# what was Xen's is not known where a domain ended; all else is
assert any(r["xen"] is None for r in rows) and all(r["idle"] is not None for r in rows)
rows = [r for r in rows if r["xen"] is not None]
time = sum(r["covered_seconds"] for r in rows)
for r in rows:
    # the rest is Xen's, unless it is less than nothing
    assert -0.01 < sum(r[k] for k in ("guests", "dom0", "xen", "idle")) - 100 < (0.01 if r["xen"] else 20), r
    assert all(0 <= r[k] <= 300 for k in ("guests", "dom0", "idle")), r
mean = {k: sum(r[k] * r["covered_seconds"] for r in rows) / time for k in ("guests", "dom0", "xen", "idle")}
print("on the average", mean)
# two guests burnt for a while; what was left over is little, but emulated CPUs of a busy machine stand still at times
assert mean["guests"] > 2 and mean["dom0"] > 2 and mean["idle"] > 0.1 and -20 < mean["xen"] < 20, mean
EOF
expect_ok sar sar-busy
out_has 'MEMORY'
# what it has, is asked to have and may have; and the host's nodes, which are all of its memory
expect_ok xlx sar --dir "$tmp/history" --step 1s --json sar-busy mem
cp "$tmp/out" "$tmp/mem.json"
expect_ok xlx sar --dir "$tmp/history" --step 1s --json mem
python3 - "$tmp/mem.json" "$tmp/out" <<'EOF' || fail "the history does not tell of memory"
import json, sys
rows, host = ([r for r in json.load(open(f)) if r["covered_seconds"]] for f in sys.argv[1:])
assert any(r["memory"] and r["target"] == r["most"] == 4 << 20 for r in rows), rows[-3:]
last = host[-1]
nodes = sum(1 for k in last if k.startswith("node") and k.endswith("_free"))
assert nodes >= 1 and last["node0_used"] > 0, last
whole = sum(last[f"node{i}_{what}"] for i in range(nodes) for what in ("used", "free"))
assert whole >= last["used"] + last["free"] > whole / 2, last
EOF
expect_ok sar mem
out_has 'NODE0 FREE'
expect_ok sar disk
expect_ok sar --until 2300-01-01 host
expect_ok sar --svg "$tmp/plot.svg" host
grep -q '<path' "$tmp/plot.svg" || fail "the plot has no line"
python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$tmp/plot.svg" || fail "the plot is no XML"
expect_ok xlx top --once --ago 1s --dir "$tmp/history" --size 80x24
out_has 'NOT NOW'
on_exit screen kill-server
screen new-session -d -x 90 -y 26 "LC_ALL=C.UTF-8 xlx top --dir '$tmp/history'"
wait_for 60 shows read-only
screen send-keys '<'
wait_for 60 shows 'NOT NOW'
screen send-keys '!' P
wait_for 60 shows 'nothing was done: this is the past'
screen send-keys Escape
wait_for 60 shows UNLOCKED
screen send-keys q
expect_fail 4 sar no-such-domain
err_has "knows no domain 'no-such-domain'"

# the exporter: both formats, also while xenstored says nothing, and whoever holds connections does not keep others out
cat >"$tmp/scrape.py" <<'EOF'
import socket, sys
def scrape(path="/metrics", accept="*/*"):
    with socket.create_connection(("127.0.0.1", 9709), 60) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode())
        return s.makefile("rb").read().decode()
head, text = scrape().split("\r\n\r\n", 1)
assert head.startswith("HTTP/1.1 200 OK") and "version=0.0.4" in head, head
assert f"Content-Length: {len(text.encode())}" in head
assert 'xlx_domain_cpu_seconds_total{name="Domain-0"' in text, text
assert "\nxlx_xenstore_up 1\n" in text
assert scrape(accept="application/openmetrics-text; version=1.0.0").endswith("# EOF\n")
assert scrape("/etc/passwd").startswith("HTTP/1.1 404 ")
idle = [socket.create_connection(("127.0.0.1", 9709)) for _ in range(50)]
idle[-1].sendall(b"GET /metrics HTTP")
assert scrape("/").startswith("HTTP/1.1 200 ")
def is_open(s):
    s.setblocking(False)
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
assert not any(is_open(s) for s in idle[:32]), "those that asked for nothing did not make room"
assert all(is_open(s) for s in idle[40:]), "all had to go before one was served"
# who reads nothing keeps nobody waiting, either
slow = [socket.create_connection(("127.0.0.1", 9709)) for _ in range(50)]
for s in slow:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
assert scrape("/").startswith("HTTP/1.1 200 ")
EOF
python3 "$tmp/scrape.py" || fail "the exporter does not do its work"
# what a guest does with a disk and an interface is told as the kernel's back ends count it, also what found no room: a paused guest
# takes no packets, and the back end drops them after ten seconds
on_exit ip link del labbr0
ip link add labbr0 type bridge && ip addr add 10.99.0.1/24 dev labbr0 && ip link set labbr0 up || fail "cannot make a bridge"
truncate -s 16M "$tmp/disk.img"
guest_boots sar-linux xlx create "$(linux_cfg sar-linux "disk = [ '$tmp/disk.img,raw,xvda,w' ]" "vif = [ 'bridge=labbr0' ]")"
guest=$(xlx domid sar-linux)
# A disk's back end has as much room as its ring, and finds none for a request that comes between the answer to another and the end
# of that: when the guest is quicker than the thread that answers, and the one that takes requests comes before it.
preempt=/sys/kernel/debug/sched/preempt
was=$(sed 's/.*(\(.*\)).*/\1/' "$preempt")
on_exit eval 'echo "$was" >"$preempt"; xlx vcpu-pin Domain-0 0 all'
echo full >"$preempt" || fail "threads of the kernel cannot be interrupted"
for thread in $(pgrep "^$guest\.xvda-"); do
	chrt -f -p 50 "$thread" || fail "the back end's thread cannot be preferred"
done
expect_ok xlx vcpu-pin Domain-0 0 0
expect_ok xlx vcpu-pin sar-linux all 0
expect_ok xlx sched-credit2 -d sar-linux -w 65535
waited() { [ "$(<"/sys/bus/xen-backend/devices/vbd-$guest-51712/statistics/oo_req")" -gt 0 ]; }
guest_run sar-linux 'ifconfig eth0 10.99.0.2 up; ping -c 2 10.99.0.1; cd /sys/block/xvda/queue; echo none >scheduler; echo 2 >nomerges; echo 4 >max_sectors_kb; echo 4096 >read_ahead_kb; while [ ! -e /enough ]; do dd if=/dev/xvda of=/dev/null bs=1M count=4; echo 3 >/proc/sys/vm/drop_caches; done 2>/dev/null & true'
wait_for 120 waited
guest_run sar-linux ': >/enough; wait; dd if=/dev/zero of=/dev/xvda bs=64k count=10 conv=fsync 2>/dev/null; echo written'
guest_has written
expect_ok xlx vcpu-pin Domain-0 0 all
expect_ok xlx pause sar-linux
cat >"$tmp/counters.py" <<'EOF'
import json, re, socket, subprocess, sys, time
guest, vif = sys.argv[1], f"vif{sys.argv[1]}.0"
send = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
send.bind((vif, 0x88b5))
def said(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
def kernel():
    disk = f"/sys/bus/xen-backend/devices/vbd-{guest}-51712/statistics/"
    rd, wr, oo, rd_sect, wr_sect = (int(open(disk + f).read()) for f in ("rd_req", "wr_req", "oo_req", "rd_sect", "wr_sect"))
    [link] = json.loads(said("ip", "-j", "-s", "link", "show", "dev", vif))
    rx, tx = link["stats64"]["rx"], link["stats64"]["tx"]  # of domain 0: the guest's are the other way round
    return {"disk_reads": rd, "disk_writes": wr, "disk_waits": oo, "disk_read_bytes": rd_sect * 512, "disk_written_bytes": wr_sect * 512,
            "network_receive_packets": tx["packets"], "network_receive_bytes": tx["bytes"],
            "network_transmit_packets": rx["packets"], "network_transmit_bytes": rx["bytes"],
            "network_errors": rx["errors"] + tx["errors"], "network_drops": rx["dropped"] + tx["dropped"]}
def scrape():
    with socket.create_connection(("127.0.0.1", 9709), 60) as s:
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = s.makefile("rb").read().decode()
    told = dict(re.findall(r'^xlx_domain_(\w+)_total\{[^}]*domid="%s",device=[^}]*\} (\d+)' % guest, text, re.M))
    return {k: int(v) for k, v in told.items()}, float(re.search(r"^xlx_sample_timestamp_seconds (\S+)", text, re.M)[1])
def screen():
    [domain] = [d for d in json.loads(said("xlx", "top", "--json", "-d", "100ms"))["domains"] if d["domid"] == int(guest)]
    disk, nic = (next(d for d in domain["devices"] if d["kind"] == kind) for kind in ("vbd", "vif"))
    assert domain["disk_waits"] == disk["waits"] and domain["net_lost_packets"] == nic["errors"] + nic["drops"], domain
    told = {"disk_" + k: disk[k] for k in ("reads", "writes", "waits", "read_bytes")} | {"disk_written_bytes": disk["write_bytes"]}
    told |= {"network_receive_packets": nic["reads"], "network_receive_bytes": nic["read_bytes"], "network_transmit_packets": nic["writes"],
             "network_transmit_bytes": nic["write_bytes"], "network_errors": nic["errors"], "network_drops": nic["drops"]}
    return told
for _ in range(120):
    # no protocol that anybody knows
    for _ in range(300):
        send.send(b"\xff" * 6 + b"\xfe" * 6 + b"\x88\xb5" + bytes(1000))
    if kernel()["network_drops"]:
        break
    time.sleep(0.5)
# a sample in whose time nothing was counted
for _ in range(120):
    at, before = time.time(), kernel()
    shown = screen()
    views = [said("xlx", "top", "--once", "-d", "100ms", "--view", v, "--size", "132x43") for v in ("disks", "networks")]
    for _ in range(60):
        told, when = scrape()
        if when > at:
            break
        time.sleep(0.2)
    if when > at and kernel() == before:
        break
else:
    raise SystemExit("the counters do not stand still")
print("told:", told)
assert told == before, (told, before)
assert shown == before, (shown, before)
lost = before["network_errors"] + before["network_drops"]
for view, device, count in (views[0], "xvda", before["disk_waits"]), (views[1], vif, lost):
    assert re.search(rf"(?m)^ sar-linux +{re.escape(device)} .* {count}$", view), (count, view)
wrong = [k for k, v in told.items() if not v and k != "network_errors"]
assert not wrong, wrong
EOF
python3 "$tmp/counters.py" "$guest" || fail "what the kernel counts is not what is told"
# the dashboard that is installed beside the daemon asks for what it tells
dashboard=$(dirname "$(command -v uvp-hostd)")/../share/libuvp/grafana-xen-hosts.json
scraped >"$tmp/told"
python3 - "$dashboard" "$tmp/told" <<'EOF' || fail "the dashboard '$dashboard' does not go with the exporter"
import json, re, sys
told = set(re.findall(r"^(\w+)[ {]", open(sys.argv[2]).read(), re.M))
text = open(sys.argv[1]).read()
asked = set(re.findall(r"xlx_\w+", text))
assert json.loads(text)["panels"] and len(asked) > 10, asked
assert asked <= told, asked - told
assert {f"xlx_domain_{w}_total" for w in ("disk_waits", "network_errors", "network_drops")} <= asked, asked
EOF
expect_ok xlx destroy --yes sar-linux
xenstored=$(pgrep -x xenstored || pgrep -x oxenstored)
kill -STOP "$xenstored"
on_exit kill -CONT "$xenstored"
timeout 60 python3 "$tmp/scrape.py" || fail "the exporter does not answer while xenstored stands still"
# nor has it place for one more caller
end_hostd
python3 - <<'EOF' || fail "xenstored's queue of callers cannot be filled"
import socket
for i in range(10000):
    with socket.socket(socket.AF_UNIX) as s:
        s.setblocking(False)
        try:
            s.connect("/run/xenstored/socket")
        except BlockingIOError:
            raise SystemExit(0)
raise SystemExit(1)
EOF
start_hostd
cat >"$tmp/samples.py" <<'EOF'
import re, socket, time
def scrape():
    with socket.create_connection(("127.0.0.1", 9709), 15) as s:
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = s.makefile("rb").read().decode()
    return [int(re.search(rf"^{name} (\d+)", text, re.M)[1]) for name in ("xlx_samples_total", "xlx_xenstore_up")]
first, up = scrape()
assert not up
for _ in range(120):
    time.sleep(0.5)
    if scrape()[0] >= first + 2:
        raise SystemExit(0)
raise SystemExit("no more samples are taken")
EOF
python3 "$tmp/samples.py" || fail "the exporter does not do its work while xenstored takes no callers"
kill -CONT "$xenstored"
has_store() { scraped | grep '^xlx_xenstore_up 1'; }
wait_for 90 has_store

# samples that lie too far apart for each other tell nothing
for wrong in 500ms 61s; do
	expect_fail 1 uvp-hostd --config /dev/null -s "history_interval=$wrong"
	err_has "history_interval is $wrong"
done

# a guest that comes and goes between two samples is in neither, and what it had is not taken for Xen's
tiny_cfg sar-between
came_and_went() { # INTERVAL
	local before
	end_hostd
	start_hostd -s "history_interval=$1"
	before=$(samples)
	wait_for 120 more_samples_than "$before"
	expect_ok xlx create "$tmp/sar-between.cfg"
	expect_ok xlx destroy --yes sar-between
	wait_for 120 more_samples_than "$((before + 2))"
	xlx sar --dir "$tmp/history" --step 1s --json host >"$tmp/between.json"
	python3 - "$tmp/between.json" <<-'EOF'
	import json, sys
	rows = [r for r in json.load(open(sys.argv[1])) if r["covered_seconds"]][-4:]
	sys.exit(not any(a["domains"] == b["domains"] == c["domains"] and a["xen"] is not None and b["xen"] is None and b["dom0"] > 0 and
	                 c["xen"] is not None for a, b, c in zip(rows, rows[1:], rows[2:])))
	EOF
}
# on a slow machine a sample may find it
came_and_went 3s || came_and_went 8s || came_and_went 8s || came_and_went 20s || fail "of a guest that came and went: $(tail -c 2000 "$tmp/between.json")"

# a disk that hangs holds up the history, and nothing else: samples wait for it, the exporter answers, guests restart
end_hostd
truncate -s 8M "$tmp/fs.img"
mkdir "$tmp/fs"
# as mke2fs -t ext4 makes one, which dom0 does not have: blocks can be taken in advance
mke2fs -F "$tmp/fs.img" >"$tmp/mke2fs" 2>&1 || fail "cannot make a file system: $(cat "$tmp/mke2fs")"
python3 - "$tmp/fs.img" <<'EOF'
import struct, sys
with open(sys.argv[1], "r+b") as image:
    image.seek(1024 + 96)  # s_feature_incompat
    features, = struct.unpack("<I", image.read(4))
    image.seek(1024 + 96)
    image.write(struct.pack("<I", features | 0x40))  # extents
EOF
mount -t ext4 -o loop "$tmp/fs.img" "$tmp/fs" || fail "cannot mount the file system"
on_exit eval 'umount -l "$tmp/fs" 2>/dev/null'
freeze() { # 0x7: freeze, 0x8: thaw
	python3 -c 'import fcntl, os, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0xc0045870 + int(sys.argv[2], 0), 0)' "$tmp/fs" "$1"
}
told() { scraped | awk '$1 == "xlx_samples_total" { print $2 }'; }
told_more_than() { [ "$(told)" -gt "$1" ]; }
kept() { xlx sar --dir "$tmp/fs/history" --step 1s --csv 2>/dev/null | awk -F, '$2 > 0 { n++ } END { print n + 0 }'; }
kept_more_than() { [ "$(kept)" -gt "$1" ]; }
# nor does one that is too small; what the history has of it is its own, also when it is full
start_hostd -s "history_dir=$tmp/fs/history" -s history_size=32M
wait_logged "the history waits in memory: cannot make '$tmp/fs/history/seconds' of 33554432 bytes: No space left on device"
end_hostd
start_hostd -s "history_dir=$tmp/fs/history" -s history_size=2M
tiny_cfg sar-hang
expect_ok xlx create "$tmp/sar-hang.cfg"
wait_for 60 kept_more_than 1
! dd if=/dev/zero of="$tmp/fs/full" bs=64k 2>/dev/null || fail "the file system cannot be filled"
wait_for 60 kept_more_than "$(($(kept) + 2))"
freeze 0x7 || fail "the file system cannot be frozen"
on_exit eval 'freeze 0x8 2>/dev/null'
before=$(told)
wait_logged "the history waits in memory: '$tmp/fs/history' has taken nothing for"
shut_down_now "$(xlx domid sar-hang)" 1
wait_logged "'sar-hang' was restarted as domain"
wait_for 60 told_more_than "$((before + 8))"
frozen=$(($(told) - before))
freeze 0x8
wait_logged 'the history goes on'
# two may be of one second
[ "$(kept)" -ge $((frozen / 2)) ] || fail "of $frozen samples that waited $(kept) are kept"
expect_ok xlx destroy --yes sar-hang
end_hostd
umount "$tmp/fs" || fail "somebody still has the history"

# what is on its place is left alone, and the daemon does the rest of its work
end_hostd
echo precious >"$tmp/history/seconds"
start_hostd -s "metrics_listen=$tmp/metrics"
wait_logged 'no history is kept'
python3 - "$tmp/metrics" <<'EOF' || fail "the exporter's Unix socket does not answer"
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert s.makefile("rb").read().startswith(b"HTTP/1.1 ")
EOF
[ "$(cat "$tmp/history/seconds")" = precious ] || fail "a foreign file was overwritten"
end_hostd
[ ! -e "$tmp/metrics" ] || fail "the exporter's socket is left"
