#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl lists, names, watches and removes our domains like its own.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-ours
expect_ok xlx create -q "$(tiny_cfg t-ours)" vcpus=2
id=$(xl domid t-ours) || fail "xl does not know the name"
[ "$(xl domname "$id")" = t-ours ] || fail "xl does not know the id"
expect_ok xl list t-ours
expect_ok xl vcpu-list t-ours
[ "$(grep -c '^t-ours' "$tmp/out")" = 2 ] || fail "vcpu-list: $(cat "$tmp/out")"
expect_ok xl uptime t-ours
out_has t-ours
expect_ok xl pause t-ours
expect_ok xl unpause t-ours
tty=$(xenstore-read "/local/domain/$id/console/tty")
[ -c "$tty" ] || fail "xenconsoled gave it no terminal"

# xl's destroy removes all but what nobody but us knows, and that goes with the next one of that id
expect_ok xl destroy t-ours
! xl list | grep -q t-ours || fail "xl did not destroy it"
expect_fail 4 xlx destroy t-ours
expect_ok xlx create -q "$(tiny_cfg t-ours)"
expect_ok xlx destroy t-ours
xenstore-rm "/uvp/domain/$id" 2>/dev/null
exit 0
