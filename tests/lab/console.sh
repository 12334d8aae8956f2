#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# At the console of a guest that answers: pipes, a terminal, the escape key, signals, the guest's end.
. "$(dirname "$0")/../lib.sh"
requires xlx tmux
on_exit eval '{ xlx destroy --yes co-tiny; xlx destroy --yes co-linux; } 2>/dev/null'

# from the first byte to the last
expect_ok xlx create -c "$(tiny_cfg co-tiny 'cmdline = "gp"' 'on_poweroff = "preserve"')"
out_has "uvp-tiny: ready"
err_has "'co-tiny' has shut down (powered off)"
expect_ok xlx destroy --yes co-tiny

sed -e 's/^name.*/name = "co-linux"/' /guests/linux-pv.cfg >"$tmp/linux.cfg"
expect_ok xlx create -q "$tmp/linux.cfg"
xlx console --read-only --log "$tmp/log" co-linux >"$tmp/watch" 2>&1 </dev/null &
watcher=$!
has() { grep -qaF -- "$2" "$1"; }
wait_for 240 has "$tmp/log" "ready"
kill -TERM $watcher
wait $watcher
cmp -s "$tmp/log" "$tmp/watch" || grep -qa signal "$tmp/watch" || fail "--log and the output differ"

# a pipe in, a pipe out
echo 'echo sum=$((40+2))' | xlx console --timeout 200s co-linux 2>"$tmp/err" | cat >"$tmp/pipe" &
wait_for 120 has "$tmp/pipe" "sum=42"
pkill -TERM -x xlx
wait

# a terminal: tmux has one of its own
on_exit screen kill-server
screen new-session -d -x 90 -y 24 "env PS1='local> ' bash --norc"
wait_for 60 shows 'local>'
screen send-keys "stty -a >$tmp/before; xlx console co-linux; echo left=\$?; stty -a >$tmp/after" Enter
wait_for 60 shows "Ctrl-] leaves"
screen send-keys 'echo far=$((6*7))' Enter
wait_for 120 shows "far=42"
expect_fail 6 xlx console co-linux
screen send-keys 'C-]'
wait_for 60 shows "left=0"
wait_for 60 test -s "$tmp/after"
diff "$tmp/before" "$tmp/after" || fail "the terminal was not put back"

# put back after a signal, and when the guest ends
rm "$tmp/after"
screen send-keys "clear; echo \$((1+1))nd; xlx console co-linux; echo left=\$?; stty -a >$tmp/after" Enter
wait_for 60 shows "2nd"
wait_for 60 shows "Ctrl-] leaves"
pkill -TERM -x xlx
wait_for 60 shows "left=12"
wait_for 60 test -s "$tmp/after"
diff "$tmp/before" "$tmp/after" || fail "the terminal was not put back after SIGTERM"
screen send-keys "clear; echo \$((1+2))rd; xlx console co-linux; echo left=\$?" Enter
wait_for 60 shows "3rd"
wait_for 60 shows "Ctrl-] leaves"
expect_ok xlx destroy --yes co-linux
wait_for 60 shows "'co-linux' is gone"
wait_for 60 shows "left=0"
