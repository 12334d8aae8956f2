#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Consoles that are not there, not served, held by somebody else, or of a guest that has ended.
. "$(dirname "$0")/../lib.sh"
requires xlx xl
on_exit xlx destroy --yes ce-run
on_exit xlx destroy --yes ce-dead

expect_fail 4 xlx console ce-nobody
expect_fail 8 xlx console 0
err_has "domain 0 has no console here"
expect_fail 3 xlx console --escape ab 0
expect_fail 3 xlx console --type parallel 0
expect_fail 8 xlx console --type vuart 0

expect_ok xlx create -q "$(tiny_cfg ce-run 'cmdline = "g"')"
expect_fail 8 xlx console --type serial ce-run
err_has "'ce-run' has no emulated serial port 0"
expect_fail 8 xlx console --num 3 ce-run
err_has "'ce-run' has no console 3"

# a guest that has ended still has its last words
expect_ok xlx create -q "$(tiny_cfg ce-dead 'cmdline = "gc"' 'on_crash = "preserve"')"
wait_for 60 eval "xl list ce-dead | grep -q -- '---sc-\|--.s'"
expect_fail 4 xlx console ce-dead
out_has "uvp-tiny: ready"
err_has "has shut down before (crashed)"

# somebody else is there: xl's client, then ours
domid=$(xl domid ce-run)
lock=/var/lock/xenconsole.$domid
held_by() { awk -v inode="$(stat -c %i "$lock")" '$2 == "FLOCK" { split($6, at, ":"); if (at[3] == inode) print $5 }' /proc/locks; }
is_held() { [ -e "$lock" ] && [ -n "$(held_by)" ]; }
xl console ce-run >"$tmp/xl.out" </dev/null &
xl_pid=$!
wait_for 60 is_held
holder=$(held_by)
expect_fail 6 xlx console ce-run
err_has "is held by process $holder (xenconsole)"
xlx console --steal --read-only ce-run >"$tmp/steal.out" 2>"$tmp/steal.err" </dev/null &
ours=$!
wait_for 60 eval "! kill -0 $xl_pid"
wait_for 60 is_held
[ "$(held_by)" = "$ours" ] || fail "$(held_by) has the console, not $ours"
expect_fail 6 xlx console ce-run
err_has "is held by process $ours (xlx)"
kill -TERM "$ours"
status=0
wait "$ours" || status=$?
[ "$status" = 12 ] || fail "SIGTERM at the console: status $status, $(cat "$tmp/steal.err")"
[ ! -e "$lock" ] || fail "$lock is left"

# nobody serves it
tty=$(xenstore-read "/local/domain/$domid/console/tty")
xenstore-write "/local/domain/$domid/console/tty" /dev/null
expect_fail 13 xlx console ce-run
err_has "which is no pty"
xenstore-write "/local/domain/$domid/console/tty" "$tty"
