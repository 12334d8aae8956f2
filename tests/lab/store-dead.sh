#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xenstored that hangs: what Xen knows is still told, domains are still found, and everything ends in time.
. "$(dirname "$0")/../lib.sh"
requires xlx xl pidof

expect_ok xlx create "$(tiny_cfg lab-stuck)"
on_exit xlx destroy --yes lab-stuck
id=$(xl domid lab-stuck)
store=$(pidof xenstored oxenstored) || skip "no xenstored runs in this domain"
on_exit kill -CONT "$store"
kill -STOP "$store"

expect_fail 11 xlx list
out_has lab-stuck
err_has 'did not answer within 10 s'
err_has 'guests go on running'
# the name is known, and the id is proved by Xen
expect_fail 11 timeout 100 xlx rename "$id" lab-other
err_has 'did not'
kill -CONT "$store"
expect_ok xlx list
out_has lab-stuck
[ "$(xl domid lab-stuck)" = "$id" ] || fail "the name is gone"

# none at all
expect_fail 14 env XENSTORED_PATH="$tmp/none" xlx list
out_has lab-stuck
err_has "cannot reach xenstored at $tmp/none: it is not running"
expect_ok env XENSTORED_PATH="$tmp/none" xlx domid lab-stuck
[ "$(cat "$tmp/out")" = "$id" ] || fail "domid without xenstored"
