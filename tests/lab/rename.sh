#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx rename: ours and xl's domains, taken and impossible names, and a renaming that is killed at any moment.
. "$(dirname "$0")/../lib.sh"
requires xlx xl xenstore-read

on_exit xl destroy lab-foreign
on_exit xl destroy lab-newer
expect_ok xlx create "$(tiny_cfg lab-old)"
id=$(xl domid lab-old)
on_exit xlx destroy --yes "$id"

expect_ok xlx rename lab-old lab-new
[ "$(xl domid lab-new)" = "$id" ] || fail "xl does not know the new name"
expect_fail 4 xlx domid lab-old
expect_ok xlx list -l lab-new
out_has 'name = "lab-new"'
expect_ok xlx rename lab-new lab-new

expect_ok xl create "$(tiny_cfg lab-foreign)"
expect_fail 5 xlx rename lab-new lab-foreign
err_has "the name 'lab-foreign' is taken by domain"
expect_ok xlx rename lab-foreign lab-newer
expect_ok xl domid lab-newer
for bad in 7 -x 'a b' a/b ''; do expect_fail 3 xlx rename lab-new -- "$bad"; done
expect_fail 3 xlx rename 0 dom0
expect_fail 4 xlx rename lab-none lab-x

# whoever is killed leaves one name, by which it is found and renamed again
for i in 0 1 2 3; do
	xlx rename "$id" "lab-k$i" >/dev/null 2>&1 &
	pid=$!
	sleep "0.$((i * 2 + 1))"
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	now=$(xenstore-read "/local/domain/$id/name")
	expect_ok xlx domid "$now"
	[ "$(cat "$tmp/out")" = "$id" ] || fail "'$now' is not domain $id"
done
expect_ok xlx rename "$id" lab-k3
expect_ok xlx rename "$id" lab-end
# the names it had on the way are free
for name in lab-old lab-k3 lab-k0; do
	expect_ok xlx rename "$id" "$name"
done
