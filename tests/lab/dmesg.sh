#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx dmesg and debug-keys: the hypervisor's log as it is.
. "$(dirname "$0")/../lib.sh"
requires xl xlx

expect_ok xlx debug-keys h
expect_ok xlx dmesg
out_has "key 'q' (ascii '71')"
# guests write to this log: only text comes out
LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" "$tmp/out" && fail "control characters on the terminal"
cp "$tmp/out" "$tmp/first"
expect_ok xlx dmesg --json
out_has "key 'q' (ascii '71')"
xl dmesg >"$tmp/xl"
[ "$(wc -l <"$tmp/xl")" -eq "$(wc -l <"$tmp/first")" ] || fail "not as long as xl's"

expect_ok xlx dmesg --clear
out_has "key 'q' (ascii '71')"
expect_ok xlx dmesg
! grep -q "key 'q' (ascii '71')" "$tmp/out" || fail "the log was not cleared"
expect_ok xlx debug-keys hh
expect_ok xlx dmesg -c
out_has "key 'q' (ascii '71')"

for keys in R C % qR; do
	expect_fail 1 xlx debug-keys "$keys"
	err_has 'not confirmed'
done
expect_fail 3 xlx debug-keys ''
expect_fail 3 xlx debug-keys "$(printf 'h\001')"
expect_fail 2 xlx debug-keys
