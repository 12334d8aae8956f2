#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xenstored hangs or is lost under uvp-hostd: it goes on, and acts on what has ended when xenstored is back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2034 # for hostd.bash
prefix=hs-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"
requires python3 pidof

# What stands between uvp-hostd and xenstored, so that the way can be cut without losing the host's store.
cat >"$tmp/way.py" <<'END'
import os, socket, sys, threading

def carry(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass

here, there = sys.argv[1:]
if os.path.exists(here):
    os.unlink(here)
listener = socket.socket(socket.AF_UNIX)
listener.bind(here)
listener.listen(20)
while True:
    client = listener.accept()[0]
    store = socket.socket(socket.AF_UNIX)
    store.connect(there)
    for pair in ((client, store), (store, client)):
        threading.Thread(target=carry, args=pair, daemon=True).start()
END
open_way() {
	python3 "$tmp/way.py" "$tmp/way" /run/xenstored/socket &
	way=$!
	wait_for 60 test -S "$tmp/way"
}
cut_way() {
	[ -z "$way" ] || kill -9 "$way"
	wait "$way" 2>/dev/null
	way=
	rm -f "$tmp/way"
}
way=
on_exit cut_way
has_ended() { xl list "$1" | grep -q -- '---s'; }
alive() { kill -0 "$hostd_pid" 2>/dev/null || fail "uvp-hostd is gone: $(tail -n 5 "$tmp/hostd.log")"; }

open_way
XENSTORED_PATH=$tmp/way start_hostd

# lost, and there again
cut_way
expect_ok xlx create -q "$(tiny_cfg hs-lost 'cmdline = "p"')"
wait_for 60 has_ended hs-lost
alive
open_way
wait_logged "'hs-lost' powered off: on_poweroff=destroy"
wait_for 90 is_gone hs-lost

# not there when it starts
end_hostd
cut_way
XENSTORED_PATH=$tmp/way uvp-hostd --config /dev/null -s history=no -l debug >>"$tmp/hostd.log" 2>&1 &
hostd_pid=$!
wait_logged "cannot reach xenstored"
alive
expect_ok xlx create -q "$(tiny_cfg hs-late 'cmdline = "p"')"
wait_for 60 has_ended hs-late
open_way
wait_for 90 is_gone hs-late

# hangs
expect_ok xlx create -q "$(tiny_cfg hs-hang 'cmdline = "p"' 'on_poweroff = "preserve"')"
wait_logged "'hs-hang' powered off: on_poweroff=preserve"
store=$(pidof xenstored oxenstored) || skip "no xenstored runs in this domain"
on_exit kill -CONT "$store"
expect_ok xlx create -qp "$(tiny_cfg hs-stuck 'cmdline = "p"')"
stuck=$(xlx domid hs-stuck)
kill -STOP "$store"
# a guest that never ran here may have come from another host, and is not let run
expect_fail 11 xlx unpause "$stuck"
err_has 'stays as it is: whether it runs on another host, too, is not known: xenstored at'
shut_down_now "$stuck" 0
pause 2
alive
kill -CONT "$store"
wait_for 90 is_gone hs-stuck
alive
end_hostd
