#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An operator who changes his mind: create stops between two steps, and nothing is left.
. "$(dirname "$0")/../lib.sh"
requires xlx

on_exit xlx destroy -f t-cancel
printf '%s\n' 'name = "t-cancel"' 'type = "pvh"' 'kernel = "/guests/vmlinuz-xz"' 'memory = 160' >"$tmp/t-cancel.cfg"
# unpacking takes seconds: the signal comes in the middle of it
rm -rf /var/cache/uvp/kernels
UVP_DEBUG=1 xlx create -q "$tmp/t-cancel.cfg" >"$tmp/out" 2>&1 &
pid=$!
wait_for 60 grep -q 'xc_dom_parse_image' "$tmp/out"
kill -TERM "$pid"
rc=0
wait "$pid" || rc=$?
[ $rc -ne 0 ] || fail "it was created all the same"
grep -q "cannot create 't-cancel': stopped as you asked" "$tmp/out" || fail "status $rc: $(grep '^xlx' "$tmp/out")"
expect_fail 4 xlx destroy t-cancel
