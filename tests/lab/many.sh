#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many guests: made, listed, found, paused, renamed; the host's memory ends and the guests live on; then all of
# those that are left end at the same moment, and uvp-hostd removes them. To ask all to shut down costs for each the same when there are
# more of them. UVP_MANY is how many there are; with UVP_LAB_LONG=1
# uvp-hostd is seen to sleep for a minute, not for ten seconds, and 300 are asked to shut down.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires xl xlx uvp-hostd strace

many=${UVP_MANY:-30}
# shellcheck disable=SC2034 # of what hostd.bash removes at the end
prefix=many-
guests() { xlx list --no-header | grep -c '^many-'; }
took() { # WHAT: the time since the last one
	printf '%s: %s s\n' "$1" $((SECONDS - since))
	since=$SECONDS
}

start_hostd
files=()
for ((i = 1; i <= many; i++)); do
	tiny_cfg "many-$i" 'extra = "p"' >/dev/null # powers off as soon as it runs
	files+=("$tmp/many-$i.cfg")
done
hostd_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$hostd_pid/status"; }
before=$(hostd_kib) since=$SECONDS
expect_ok xlx create -q -p "${files[@]}"
took "create"
[ "$(guests)" -eq "$many" ] || fail "there are $(guests) guests, not $many"
[ "$(xl list | grep -c '^many-')" -eq "$many" ] || fail "xl sees other guests: $(xl list | tail -3)"
took "lists"
after=$(hostd_kib)
echo "uvp-hostd: $before KiB, then $after KiB"
[ $(((after - before) / many)) -lt 16 ] || fail "uvp-hostd took $((after - before)) KiB for $many guests"

# While nothing happens nobody wakes the daemon; what does each second otherwise are the samples, which can be switched off.
switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$hostd_pid/status"; }
is_still() {
	local before
	before=$(switches)
	pause 3
	[ "$(switches)" -eq "$before" ]
}
end_hostd
start_hostd -s history=no -s metrics_listen=off
took "start"
wait_for $((120 + many)) is_still
took "still"
[ -n "${UVP_LAB_LONG:-}" ] && idle_s=60 || idle_s=10
# strace comes, which wakes it up once, and goes again while it waits in a call
strace -f -qq -o "$tmp/idle" -p "$hostd_pid" &
tracer=$!
until grep -q "^TracerPid:[[:space:]]*[1-9]" "/proc/$hostd_pid/status"; do sleep 0.1; done
wait_for 60 is_still
lines=$(wc -l <"$tmp/idle")
pause "$idle_s"
kill "$tracer"
wait "$tracer"
grep -q detached "$tmp/idle" || fail "strace saw nothing of uvp-hostd: $(cat "$tmp/idle")"
! tail -n +$((lines + 1)) "$tmp/idle" | grep -v detached || fail "an idle uvp-hostd did something within $idle_s s"
wait_for 120 is_still # nor does what strace made it wake up for go on
before=$(switches)
took "idle for $idle_s s"

# any one of them, by its name
for i in 1 $((many / 2)) "$many"; do
	expect_ok xlx domid "many-$i"
	[ "$(xl domname "$(cat "$tmp/out")")" = "many-$i" ] || fail "many-$i is not domain $(cat "$tmp/out")"
	expect_ok xlx pause "many-$i"
	expect_ok xlx rename "many-$i" "many-new-$i"
	expect_fail 4 xlx domid "many-$i"
	expect_ok xlx domid "many-new-$i"
done
is_woken() { [ "$(switches)" -gt "$before" ]; }
wait_for 60 is_woken
expect_fail 5 xlx rename "many-2" "many-3"
expect_fail 5 xlx create -q "$tmp/many-2.cfg"
took "names"

# the host's memory ends
left=$(xlx info free_memory)
expect_ok xlx create -q -p "$(tiny_cfg many-fill "memory = $((left - 30))")" maxmem=$((left - 30))
made=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	xlx create -q -p "$(tiny_cfg "many-last-$i" 'extra = "p"')" >"$tmp/out" 2>"$tmp/err" || break
	made=$i
done
[ "$made" -lt 15 ] || fail "there was no end of memory"
expect_fail 9 xlx create -q -p "$tmp/many-last-$((made + 1)).cfg"
err_has "needs"
err_has "MiB are free"
[ "$(guests)" -eq $((many + made + 1)) ] || fail "there are $(guests) guests, not $many and $((made + 1))"
expect_ok xlx destroy --yes many-fill
took "end of memory"

# a third is destroyed, the rest ends by itself, all at once
third=()
for ((i = 2; i < many / 3; i++)); do third+=("many-$i"); done
expect_ok xlx destroy --yes "${third[@]}"
took "destroy of ${#third[@]}"
expect_ok xlx unpause --all
took "unpause"
none() { [ "$(guests)" -eq 0 ]; }
wait_for 240 none
took "the end of all"
expect_ok xlx list --json

# these do not do what they are asked, so that all are there the second time
[ -n "${UVP_LAB_LONG:-}" ] && steps=(100 300) || steps=($((many / 6)) $((many / 3)))
pv=() calls=() sent=()
for ((i = 1; i <= steps[1]; i++)); do pv+=("$(tiny_cfg "many-pv-$i" 'type = "pv"' 'kernel = "/guests/tiny-pv"')"); done
ask_all() {
	expect_ok strace -f -qq -o "$tmp/calls" xlx shutdown --all
	calls+=("$(wc -l <"$tmp/calls")")
	sent+=("$(grep -c 'sendto(' "$tmp/calls")")
}
expect_ok xlx create -q "${pv[@]:0:steps[0]}"
ask_all
expect_ok xlx create -q "${pv[@]:steps[0]}"
ask_all
for i in 0 1; do echo "xlx shutdown --all of ${steps[i]}: ${calls[i]} system calls, ${sent[i]} of which write to xenstored"; done
[ $((calls[1] * steps[0])) -le $((calls[0] * steps[1])) ] || fail "each costs more system calls when there are more"
[ "${sent[0]}" -ge "${steps[0]}" ] || fail "what is written to xenstored was not counted"
[ $((sent[1] * steps[0])) -le $((sent[0] * steps[1])) ] || fail "each costs more requests when there are more"
for id in $(xenstore-list /local/domain); do
	case $(xenstore-read "/local/domain/$id/name") in many-pv-*) ;; *) continue ;; esac
	[ "$(xenstore-read "/local/domain/$id/control/shutdown")" = poweroff ] || fail "domain $id was not asked"
done
expect_ok xlx destroy --yes --all
took "shutdown of all"
exit 0
