#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx shutdown and reboot: guests that obey, that ignore it, that cannot hear it; several; waiting, deadlines, signals.
. "$(dirname "$0")/../lib.sh"
requires xlx xl xenstore-read setpriv

# make_linux NAME TYPE: a Linux guest that has booted far enough to listen
make_linux() {
	sed "s/^name = .*/name = \"$1\"/" "/guests/linux-$2.cfg" >"$tmp/$1.cfg"
	on_exit xlx destroy --yes "$1"
	# no domain is started anew behind the test's back
	printf '%s\n' 'on_poweroff = "preserve"' 'on_reboot = "preserve"' >>"$tmp/$1.cfg"
	expect_ok xlx create "$tmp/$1.cfg"
}
listens() { [ "$(xenstore-read "/local/domain/$(xl domid "$1")/control/feature-poweroff")" = 1 ]; }
request() { xenstore-read "/local/domain/$(xl domid "$1")/control/shutdown"; }
asked() { [ "$(request "$1")" = poweroff ]; }
has_shut_down() { xl list "$1" | awk -v name="$1" '$1 == name { print $5 }' | grep -q '^...s'; }
tiny_pv() { tiny_cfg "$1" 'type = "pv"' 'kernel = "/guests/tiny-pv"'; }

make_linux lab-pvh pvh
make_linux lab-pv pv
for name in lab-deaf lab-deaf2; do
	on_exit xlx destroy --yes "$name"
	expect_ok xlx create "$(tiny_pv "$name")"
done
on_exit xlx destroy --yes lab-tiny
expect_ok xlx create "$(tiny_cfg lab-tiny)"

# a guest that ignores the request: deadline, what it did with the request, hint
expect_fail 11 xlx shutdown --timeout 1s lab-deaf
err_has "domain 'lab-deaf' still runs"
err_has "it has not taken the request to poweroff"
err_has "xlx destroy lab-deaf"
expect_fail 11 xlx reboot -w -t 200ms lab-deaf
err_has "request to reboot"

# one that takes it and goes on
xlx shutdown --timeout 60s --progress=json lab-deaf >"$tmp/out" 2>"$tmp/err" &
waiter=$!
wait_for 60 asked lab-deaf
xenstore-write "/local/domain/$(xl domid lab-deaf)/control/shutdown" ""
kill -TERM "$waiter"
wait "$waiter"
[ $? -eq 12 ] || fail "a wait that was stopped did not say so: $(cat "$tmp/err")"
expect_fail 11 xlx shutdown --timeout 1s --progress=none lab-deaf
xlx shutdown --timeout 5s --progress=json lab-deaf >"$tmp/out" 2>"$tmp/err" &
waiter=$!
wait_for 60 grep -q '"phase":"waiting for domain .lab-deaf.","done":[0-9]*,"total":[0-9]*,"unit":"seconds"}' "$tmp/err"
xenstore-write "/local/domain/$(xl domid lab-deaf)/control/shutdown" ""
wait "$waiter"
[ $? -eq 11 ] || fail "not a timeout: $(cat "$tmp/err")"
err_has "it took the request, but has not ended"

# guests that cannot hear
expect_fail 8 xlx shutdown lab-tiny
err_has "it has no PV drivers, or has not started them yet"
expect_fail 8 xlx shutdown -F lab-tiny
expect_fail 8 xlx reboot -F lab-tiny
expect_ok xlx pause lab-deaf2
expect_fail 6 xlx shutdown lab-deaf2
err_has "it is paused"
err_has "xlx unpause lab-deaf2"
expect_ok xlx unpause lab-deaf2

# who must not be asked, and who may not ask
expect_fail 3 xlx shutdown 0
err_has "domain 0 is the host itself"
expect_fail 4 xlx shutdown lab-nobody
expect_fail 7 setpriv --reuid=65534 --regid=65534 --clear-groups "$(command -v xlx)" shutdown lab-pv

# guests that obey; several reasons to fail give status 1, and the others are dealt with
wait_for 120 listens lab-pvh
wait_for 120 listens lab-pv
expect_fail 1 xlx shutdown --timeout 120s lab-tiny lab-nobody lab-pvh
has_shut_down lab-pvh || fail "lab-pvh still runs"
expect_ok xlx shutdown lab-pvh
err_has "has shut down already"
expect_fail 11 xlx shutdown -w -w --timeout 1s lab-pvh
err_has "has shut down, but is still there"
expect_ok xlx reboot --wait --timeout 120s lab-pv
has_shut_down lab-pv || fail "lab-pv still runs"

# all of them: those that are down, deaf ones, and one that cannot hear
expect_fail 1 xlx shutdown --all --timeout 1s
err_has lab-deaf2
err_has lab-tiny
grep -q "Domain-0" "$tmp/err" && fail "domain 0 was asked"
exit 0
