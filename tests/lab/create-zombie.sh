#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain whose memory somebody still holds after its end: its name and UUID are free for its next life at once.
. "$(dirname "$0")/../lib.sh"
requires xlx xl pidof

uuid=6a0f8c1e-5b7d-4b7c-9a43-0d9c3e5f1a20
cfg=$(tiny_cfg t-zombie "uuid = \"$uuid\"")
create_guest "$cfg"
id=$(xlx domid t-zombie)
# it has the guest's console mapped, and cannot let go of it while it is stopped
keeper=$(pidof xenconsoled) || skip "no xenconsoled runs in this domain"
on_exit kill -CONT "$keeper"
kill -STOP "$keeper"
xlx destroy "$id" 2>"$tmp/destroy" &
destroyer=$!
is_dying() { xlx list --json | grep -q "\"domid\":$id,[^}]*\"state\":\"dying\""; }
wait_for 60 is_dying
expect_ok xlx create "$cfg"
expect_fail 5 xlx create "$cfg"
next=$(xlx domid t-zombie) || fail "the name is not the new domain's"
[ "$next" != "$id" ] || fail "the name is still the old domain's"
[ "$(xlx domid "$uuid")" = "$next" ] || fail "the UUID is still the old domain's: $(xlx list -v)"
expect_ok xlx pause t-zombie
kill -CONT "$keeper"
wait "$destroyer"
was=$?
# 6 when that took it longer than it waits
[ $was -eq 0 ] || [ $was -eq 6 ] || fail "destroy: $was: $(cat "$tmp/destroy")"
is_gone() { ! xlx list --json | grep -q "\"domid\":$id,"; }
wait_for 60 is_gone
[ "$(xlx domid t-zombie)" = "$next" ] || fail "the new domain went with the old one"
