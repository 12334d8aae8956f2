#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx top: figures that add up, the picture, and the screen with keys typed into it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires xlx python3 tmux
prefix=watched
xenstored=$(pgrep -x xenstored || pgrep -x oxenstored)
on_exit kill -CONT "$xenstored"
export XDG_CONFIG_HOME=$tmp/config
mkdir "$tmp/config"

truncate -s 1M "$tmp/disk.img"
tiny_cfg watched 'maxvcpus = 2' 'cmdline = "g"' "disk = [ '$tmp/disk.img,raw,xvda,w' ]"
expect_ok xlx create "$tmp/watched.cfg"
on_exit xlx destroy --yes watched

expect_ok xlx top --json
python3 - "$tmp/out" <<'EOF' || fail "figures do not add up"
import json, sys
top = json.load(open(sys.argv[1]))
names = {d["name"]: d for d in top["domains"]}
assert set(names) >= {"Domain-0", "watched"}, names.keys()
assert top["names_are_current"] and top["interval_ns"] > 5e8
assert 0 < top["free_memory_bytes"] < top["total_memory_bytes"]
usage, whole = top["usage"], top["interval_ns"] * len(top["cpus"])
assert usage["xen"] is not None, "no domain has ended"
# what is left over is Xen's, to the nanosecond, unless it is less than nothing
assert abs(usage["guests"] + usage["dom0"] + usage["idle"] + top["xen_ns"] / whole - 1) < 1e-6, (usage, top["xen_ns"])
assert usage["xen"] == max(0, top["xen_ns"] / whole), (usage, top["xen_ns"])
# emulated CPUs of a busy machine stand still at times
assert abs(top["xen_ns"]) < 0.3 * whole, (usage, top["xen_ns"])
assert abs(sum(d["cpu_percent"] for d in top["domains"]) / 100 / len(top["cpus"]) - usage["guests"] - usage["dom0"]) < 1e-6, top
assert (names["Domain-0"]["type"], names["watched"]["type"]) == ("pv", "pvh"), names
for domain in top["domains"]:
    assert domain["vcpus"], domain
    # they are read one after the other
    assert abs(sum(v["run_ns"] for v in domain["vcpus"]) - domain["cpu_time_ns"]) < len(domain["vcpus"]) * top["spread_ns"] + 5e7, (top["spread_ns"], domain)
EOF

# one that has no vCPUs yet, as every domain has none for a moment while it is made
cat >"$tmp/bare.py" <<'EOF'
import ctypes, sys
xc = ctypes.CDLL("libxenctrl.so.4.17", use_errno=True)
xc.xc_interface_open.restype = ctypes.c_void_p
host, domid = ctypes.c_void_p(xc.xc_interface_open(None, None, 0)), ctypes.c_uint32(0)
# struct xen_domctl_createdomain: ssidref, handle, flags, iommu_opts, max_vcpus, max_evtchn_port, max_grant_frames,
# max_maptrack_frames, grant_opts, vmtrace_size, cpupool_id, arch
config = (ctypes.c_uint32 * 16)(0, 1, 2, 3, 4, 0, 0, 1, 127, 4, 4, 1, 0, 0, 0, 0)
if sys.argv[1:]:
    sys.exit(xc.xc_domain_destroy(host, ctypes.c_uint32(int(sys.argv[1]))))
if xc.xc_domain_create(host, ctypes.byref(domid), config):
    sys.exit("errno %d" % ctypes.get_errno())
print(domid.value)
EOF
bare=$(python3 "$tmp/bare.py") || fail "a domain without vCPUs cannot be made"
on_exit python3 "$tmp/bare.py" "$bare"
for words in 'top --once --view cpus' 'top --plain --count 1 -d 100ms' 'cpu usage -d 100ms' 'top --json -d 100ms'; do
	# shellcheck disable=SC2086 # words
	expect_ok xlx $words
done
python3 - "$tmp/out" "$bare" <<'EOF' || fail "a domain without vCPUs is not told of: $(cat "$tmp/out")"
import json, sys
[bare] = [d for d in json.load(open(sys.argv[1]))["domains"] if d["domid"] == int(sys.argv[2])]
assert bare["max_vcpus"] == 0 and bare["vcpus"] == [], bare
EOF
python3 "$tmp/bare.py" "$bare"

expect_ok xlx top --json watched
python3 - "$tmp/out" <<'EOF' || fail "JSON does not tell what the screen shows: $(cat "$tmp/out")"
import json, sys
top = json.load(open(sys.argv[1]))
assert top["host"] and top["xen"].startswith("4.") and top["uptime_seconds"] > 0 and top["reclaimable_memory_bytes"] > 0
assert any("uvp-hostd does not run" in a["text"] for a in top["alerts"]), top["alerts"]
assert [p["name"] for p in top["pools"]] == ["Pool-0"] and top["jobs"] == [] and "events" in top
assert sum(n["free_memory_bytes"] for n in top["nodes"]) >= top["free_memory_bytes"] > 0, top["nodes"]
watched = next(d for d in top["domains"] if d["name"] == "watched")
assert watched["memory_target_bytes"] == watched["memory_max_bytes"] == 4 << 20, watched
assert watched["vcpus_online"] == 1 and 0 < watched["memory_percent"] < 100, watched
assert watched["disks"] == sum(d["kind"] == "vbd" for d in watched["devices"]), watched
assert top["names_age_seconds"] == 0, top["names_age_seconds"]
ids = {d["domid"] for d in top["domains"]}
assert all(c["ready"] >= 0 and (c["runs"] is None or c["runs"]["domid"] in ids) for c in top["cpus"]), top["cpus"]
# what domain 0 reads of its own disks nobody counts
dom0 = next(d for d in top["domains"] if not d["domid"])
assert dom0["disks"] == 0 and dom0["disk_reads"] is None and dom0["disk_read_bytes_per_second"] is None, dom0
ends = {d["name"]: d for d in top["domain"]["devices"]}
assert ends["xvda"]["backend_state"] == "InitWait", ends
EOF
expect_ok xlx top --once --size 80x24
out_has 'watched'
out_has 'read-only'
[ "$(wc -l <"$tmp/out")" -eq 24 ] || fail "a picture of 24 lines has $(wc -l <"$tmp/out")"
expect_ok xlx top --once watched
out_has ' VCPU  ON CPU  STATE'
out_has 'xvda '
out_has 'InitWait, Initialising'
expect_ok xlx top --plain --count 2 -d 200ms --filter watched
out_has 'Note: uvp-hostd does not run.'
[ "$(grep -c '^Domain .*watched' "$tmp/out")" -eq 2 ] || fail "two rounds do not tell of it twice"
for view in 'cpus ^CPU 0: busy [0-9]' 'memory ^Domain [0-9]+, watched: memory .*asked to have 4 MiB' 'networks ^No network interface' \
	'jobs ^No command' 'domains ^Domain [0-9]+, watched: [a-z]+, CPU [0-9.]+ percent'; do
	read -r view line <<<"$view"
	expect_ok xlx top --plain --view "$view" --count 1 -d 100ms
	grep -qE "$line" "$tmp/out" || fail "the view '$view' has no line '$line': $(cat "$tmp/out")"
done
expect_ok xlx top --plain --count 1 -d 100ms watched
for line in '^UUID: ' '^vCPU 0: on CPU ' '^Device xvda, .*: back end InitWait, front end Initialising' '^Console: .*uvp-tiny: ready'; do
	grep -qE "$line" "$tmp/out" || fail "one domain in sentences has no '$line': $(cat "$tmp/out")"
done
expect_fail 2 xlx top --plain --view columns
xlx vcpu-set --timeout 60s watched 2 2>/dev/null &
job=$!
at_work() { xlx top --once -d 100ms --view jobs | grep -q "$job .*xlx vcpu-set"; }
wait_for 60 at_work
kill "$job"
wait "$job"
wait_for 60 eval '! at_work'
expect_ok xlx top --once --view events
out_has 'WHEN'
expect_ok xlx top --once -d 100ms --tree --columns 'pool,io/s,disks' --size 80x24
out_has 'pool Pool-0, '
out_has 'POOL     IO/s DISKS'
out_has 'reclaimable)'
expect_fail 2 xlx top --columns NAME,WHAT
err_has "no column 'WHAT'"
for view in domains cpus memory disks networks jobs events columns help; do
	expect_ok xlx top --once -d 100ms --view "$view" --size 132x43
	[ "$(wc -l <"$tmp/out")" -eq 43 ] || fail "the view '$view' has $(wc -l <"$tmp/out") lines of 43"
done
expect_fail 2 xlx top --once --view nothing
expect_fail 2 xlx top --once --view disks watched
expect_fail 2 xlx top --plain --size 100x30
expect_fail 2 xlx top --once -d 50ms
expect_fail 2 xlx top --once -d 61s
expect_fail 2 xlx top --size 10x10
expect_fail 2 xlx top --filter 'net>3'
expect_fail 2 xlx top --sort nothing
expect_fail 2 xlx top
err_has 'needs a terminal'
expect_fail 4 xlx top no-such-domain

# beside the rest: some hundred rounds, after which it has as much memory as after some
xlx top --plain -d 100ms >"$tmp/rounds" &
rounds=$!
end_rounds() { kill "$rounds" && wait "$rounds"; } 2>/dev/null
on_exit end_rounds
has_rounds() { [ "$(grep -c '^Host ' "$tmp/rounds")" -ge "$1" ]; }
resident() { awk '/^RssAnon/ { print $2 }' "/proc/$rounds/status"; }
wait_for 60 has_rounds 20
early=$(resident)

# the screen
on_exit screen kill-server
screen new-session -d -x 90 -y 26 "LC_ALL=C.UTF-8 XDG_CONFIG_HOME=$tmp/config NO_COLOR=1 xlx top; echo left: \$?; sleep 60"
wait_for 60 shows 'watched'
screen send-keys P
wait_for 60 shows 'this screen is read-only'
screen send-keys s
sorted_by_memory() { screen capture-pane -p | grep -q 'MEMORY[^ ]'; }
wait_for 60 sorted_by_memory
# the mouse, as a terminal of that kind tells of it: on the heading NAME
screen send-keys -l "$(printf '\033[M #%%')"
sorted_by_name() { screen capture-pane -p | grep -q ' NAME[^ ]'; }
wait_for 60 sorted_by_name
# characters as they are typed; what somebody else has written on the screen is gone with Ctrl-L
screen send-keys / wätch
wait_for 60 shows 'filter: wätch_'
screen send-keys C-u Enter
printf 'wall: garbage' >"$(screen display-message -p '#{pane_tty}')"
wait_for 60 shows garbage
screen send-keys C-l
wait_for 60 eval '! shows garbage'
screen send-keys / watched Enter Space
wait_for 60 shows '*watched'
# five minutes are not much on a busy machine: the lock is closed and opened again
unlock() {
	! shows UNLOCKED || screen send-keys '!'
	wait_for 60 shows read-only
	screen send-keys '!'
	wait_for 60 shows UNLOCKED
}
unlock
screen send-keys P
wait_for 60 shows 'xlx pause watched'
screen send-keys Enter
wait_for 60 shows 'done: xlx pause'
expect_ok xlx list --state paused
out_has watched
screen send-keys U Enter
wait_for 60 shows 'done: xlx unpause'
screen send-keys M 4 Enter
wait_for 60 shows 'done: xlx mem-set watched 4'
screen send-keys V 9
wait_for 60 shows 'xlx vcpu-set watched 9_'
screen send-keys Enter
wait_for 60 shows 'hint:'
screen send-keys s
wait_for 60 shows 'hint:'
screen send-keys Escape
wait_for 60 eval '! shows hint:'
# one that can be asked, and never takes notice
create_guest "$(tiny_cfg asked 'type = "pv"' 'kernel = "/guests/tiny-pv"')"
request=/local/domain/$(xlx domid asked)/control/shutdown
screen send-keys Escape / asked Enter
wait_for 60 eval 'screen capture-pane -p | grep -qE "[ >*]asked +[0-9]+ "'
for act in 'S shutdown poweroff' 'R reboot reboot'; do
	read -r key verb word <<<"$act"
	xenstore-write "$request" ''
	screen send-keys "$key"
	wait_for 60 shows "xlx $verb asked"
	screen send-keys Enter
	wait_for 60 shows "done: xlx $verb asked"
	[ "$(xenstore-read "$request")" = "$word" ] || fail "the guest is asked to '$(xenstore-read "$request")', not to $word"
done
expect_ok xlx destroy --yes asked
screen send-keys Escape / watched Enter
# one that is defined starts; what it boots from is QEMU's to count
cp /guests/tiny-hvm.img "$tmp/hvm.img"
printf '%s\n' 'name = "starts"' 'type = "hvm"' 'memory = 16' 'vga = "none"' 'vnc = 0' "disk = [ '$tmp/hvm.img,raw,hda,rw' ]" >"$tmp/starts.cfg"
on_exit bash -c '! xlx dumpxml starts >/dev/null 2>&1 || xlx undefine --yes starts'
on_exit destroy_guest starts
expect_ok xlx define "$tmp/starts.cfg"
unlock
screen send-keys T starts
wait_for 60 shows 'xlx start starts_'
screen send-keys Enter
wait_for 120 shows 'done: xlx start starts'
screen send-keys Escape / starts Enter B disk
wait_for 60 shows 'xlx boot-order starts disk_'
screen send-keys Enter
wait_for 60 shows 'done: xlx boot-order starts disk'
expect_ok xlx boot-order --json starts
out_has '"given":true,"order":["disk"]'
screen send-keys Escape / watched Enter
# domain 0 has worked all the time: the curve of its CPU is one
screen send-keys Escape / Domain-0 Enter Enter
wait_for 60 shows_like 'CPU +[0-9.]+% .*[▁▂▃▄▅▆▇█]{5}'
screen send-keys Escape Escape / watched Enter
wait_for 60 shows ' watched'
# one domain in full, with its console; the console itself and back
screen send-keys Enter
wait_for 60 shows 'CONSOLE'
wait_for 60 shows 'uvp-tiny: ready'
screen send-keys C Enter
wait_for 60 eval '! shows CONSOLE'
screen send-keys C-]
wait_for 60 shows 'CONSOLE'
# the first picture does not wait for the second sample; and what is shown is never taken away to be shown again
screen new-session -d -s slow -x 90 -y 26 "LC_ALL=C.UTF-8 XDG_CONFIG_HOME=$tmp/config exec xlx top -d 60s"
slow=$(screen display-message -t slow -p '#{pane_pid}')
in_slow() { screen capture-pane -t slow -p | grep -F -- "$1"; }
wait_for 50 in_slow watched
# its names are old ones soon: another tool has given one to somebody else, and nothing is done to either
slow_has_rates() { ! screen capture-pane -t slow -p | head -3 | grep -q 'idle *-'; }
wait_for 50 slow_has_rates
watched=$(xlx domid watched) starts=$(xlx domid starts)
screen send-keys -t slow / watched Enter '!' P
wait_for 60 in_slow 'xlx pause watched'
# it stands still meanwhile, lest it looks at them first
kill -STOP "$slow"
xenstore-write "/local/domain/$watched/name" other "/local/domain/$starts/name" watched
screen send-keys -t slow Enter
kill -CONT "$slow"
wait_for 60 in_slow "domain $watched was 'watched' and is called 'other' by now"
expect_ok xlx list --state paused
[ "$(grep -cE 'watched|other' "$tmp/out")" -eq 0 ] || fail "what has the name now was paused: $(cat "$tmp/out")"
# and while nobody can say whose it is, it is the number that counts
screen send-keys -t slow Escape / C-u other Enter P
wait_for 60 in_slow 'xlx pause other'
kill -STOP "$slow" "$xenstored"
screen send-keys -t slow Enter
kill -CONT "$slow"
wait_for 60 in_slow "whose name 'other' is by now"
screen send-keys -t slow P
wait_for 60 in_slow "xlx pause $watched "
screen send-keys -t slow Enter
wait_for 60 in_slow "done: xlx pause $watched"
kill -CONT "$xenstored"
expect_ok xlx list --state paused
out_has other
xenstore-write "/local/domain/$watched/name" watched "/local/domain/$starts/name" starts
expect_ok xlx unpause watched
screen send-keys -t slow Escape
screen pipe-pane -t slow "cat >'$tmp/sent'"
screen send-keys -t slow + + + + + + + + + +
clock_of_slow() { screen capture-pane -t slow -p | sed -n '1s/.* s  //p'; }
for _ in 1 2 3; do
	before=$(clock_of_slow)
	wait_for 60 eval '[ "$(clock_of_slow)" != "$before" ]'
done
screen kill-session -t slow
[ -s "$tmp/sent" ] || fail "nothing was sent to the terminal"
! grep -qP '\033\[2?J' "$tmp/sent" || fail "the screen is cleared for a refresh: $(cat -v "$tmp/sent")"
# it stops for the shell, and goes on; a terminal that has only lines is told what to do
screen new-session -d -s shell -x 90 -y 26 'TERM=dumb xlx top; exec bash --norc -i'
in_shell() { screen capture-pane -t shell -p | grep -F -- "$1"; }
wait_for 60 in_shell 'hint: use --plain'
screen send-keys -t shell 'clear; xlx top' Enter
wait_for 60 in_shell watched
screen send-keys -t shell C-z
wait_for 60 in_shell Stopped
screen send-keys -t shell 'clear; fg' Enter
wait_for 60 in_shell watched
# a question is there again, and still one
screen send-keys -t shell '!' P
wait_for 60 in_shell 'xlx pause '
screen send-keys -t shell C-z
wait_for 60 in_shell Stopped
screen send-keys -t shell 'clear; fg' Enter
wait_for 60 in_shell 'xlx pause '
screen send-keys -t shell Escape
wait_for 60 in_shell 'nothing was done'
has_colours() { screen capture-pane -pe "$@" | grep -qP '\033\[[0-9;]*[34][0-7]'; }
has_colours -t shell || fail "there are no colours"
screen kill-session -t shell
# columns are kept where the user's choices are
! has_colours || fail "there are colours although NO_COLOR is set"
screen send-keys o Down Down Space w
wait_for 60 shows 'are kept for the next time'
! grep -q STATE "$tmp/config/xlx/top" || fail "the column that was switched off was kept"
screen send-keys Escape d t
wait_for 60 shows 'pool Pool-0'
screen send-keys t
# two are marked, and paused together
unlock
screen send-keys Escape / t Enter Home Space Space P
wait_for 60 eval 'screen capture-pane -p | grep -qE "xlx pause (starts watched|watched starts)"'
screen send-keys Enter
wait_for 60 shows 'done: xlx pause'
expect_ok xlx list --state paused
out_has watched
out_has starts
screen send-keys Home Space Space U Enter
wait_for 60 shows 'done: xlx unpause'
screen send-keys Escape / watched Enter
# xenstored stands still: names grow old, figures go on, and all is well again afterwards
kill -STOP "$xenstored"
wait_for 60 shows 'xenstored does not answer: names are'
clock() { screen capture-pane -p | sed -n '1s/.* s  //p'; }
before=$(clock)
goes_on() { [ "$(clock)" != "$before" ]; }
wait_for 60 goes_on
shows watched || fail "the name is forgotten"
kill -CONT "$xenstored"
wait_for 60 eval '! shows "xenstored does not answer"'
wait_for 60 has_rounds 200
late=$(resident)
[ "$late" -le $((early + 200)) ] || fail "it has grown from $early to $late KiB"
end_rounds
# a QEMU that stands still costs its own figures, and no others
cat >"$tmp/hda.py" <<'EOF'
import json, sys
[hda] = [v for d in json.load(sys.stdin)["domains"] if d["name"] == "starts" for v in d["devices"]]
assert hda["waits"] == 0 and hda["kind"] == "vbd" and hda["reads"] > 0 and hda["read_bytes"] >= 512, hda
EOF
has_read() { xlx top --json | python3 "$tmp/hda.py"; }
wait_for 120 has_read
qemu=$(xenstore-read "/local/domain/$(xlx domid starts)/image/device-model-pid")
kill -STOP "$qemu"
expect_ok timeout 60 xlx top --json
screen send-keys k
wait_for 60 shows 'READS/s'
before=$(clock)
wait_for 60 goes_on
screen send-keys d
kill -CONT "$qemu"
wait_for 60 has_read
expect_ok xlx destroy --yes starts
expect_ok xlx undefine --yes starts
# the daemon comes, and goes without a word
on_exit end_hostd
wait_for 60 shows 'uvp-hostd does not run'
start_hostd
wait_for 60 eval '! shows "uvp-hostd does not run"'
# a curve begins with what the daemon has seen before
has_past() { LC_ALL=C.UTF-8 xlx top --once -d 100ms --dir "$tmp/history" Domain-0 | LC_ALL=C.UTF-8 grep -qE 'CPU +[0-9.]+% .*[▁▂▃▄▅▆▇█]{10}'; }
wait_for 60 has_past
end_hostd KILL
wait_for 60 shows 'uvp-hostd does not run'
shows watched || fail "the domain is gone with the daemon"
# what was begun from a screen goes on when that is left, of which it warns, and when its terminal is lost; its end is told
job_of_vcpu_set() { xlx top --json -d 100ms | python3 -c '
import json, sys
print(next(j["pid"] for j in json.load(sys.stdin)["jobs"] if "vcpu-set" in j["command"]))' >"$tmp/pid"; }
ended() { xlx top --json -d 100ms | python3 -c '
import json, sys
sys.exit(sum("vcpu-set" in e["text"] for e in json.load(sys.stdin)["events"]) != int(sys.argv[1]))' "$1"; } 2>/dev/null
# of an earlier run on this host
n=$(cat /run/uvp/events /run/uvp/events.old 2>/dev/null | grep -c vcpu-set || :)
for how in left lost; do
	n=$((n + 1))
	screen new-session -d -s $how -x 90 -y 26 "LC_ALL=C.UTF-8 XDG_CONFIG_HOME=$tmp/config xlx top watched; echo left: \$?; sleep 60"
	wait_for 60 eval "screen capture-pane -t $how -p | grep -q CONSOLE"
	screen send-keys -t $how '!' V 2 Enter
	wait_for 60 job_of_vcpu_set
	if [ $how = left ]; then
		screen send-keys -t $how q
		wait_for 60 eval "screen capture-pane -t $how -p | grep -q 'q again leaves it to itself'"
		screen send-keys -t $how q
		wait_for 60 eval "screen capture-pane -t $how -p | grep -q 'left: 0'"
	fi
	top=$(pgrep -xf 'xlx top watched' || :)
	screen kill-session -t $how
	[ -z "$top" ] || wait_for 60 eval "[ ! -e /proc/$top ]"
	kill -0 "$(cat "$tmp/pid")" || fail "what was begun from the screen has ended with it ($how)"
	kill "$(cat "$tmp/pid")"
	wait_for 60 ended $n
done
unlock
screen send-keys X wat
wait_for 60 shows 'Esc: wat'
screen resize-window -x 120 -y 30
wait_for 60 shows 'TX/s'
shows 'Esc: wat' || fail "what was typed is gone with the size"
screen send-keys Enter
wait_for 60 shows 'what was typed is not it'
screen send-keys X watched
wait_for 60 shows 'Esc: watched'
screen resize-window -x 60 -y 10
wait_for 60 shows 'is too small'
wait_for 60 shows 'nothing was done: the screen became too small'
screen resize-window -x 90 -y 26
wait_for 60 shows UNLOCKED
expect_ok xlx domid watched
screen send-keys X watched Enter
wait_for 60 shows 'done: xlx destroy'
wait_for 60 shows 'no domain passes the filter'
screen send-keys q
wait_for 60 shows 'left: 0'
