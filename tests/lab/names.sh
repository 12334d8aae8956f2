#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A name belongs to one domain, whoever made it and whoever comes at the same instant.
. "$(dirname "$0")/../lib.sh"
requires xlx xl xenstore-write

cfg=$(tiny_cfg lab-name)
on_exit xlx destroy --yes lab-name
on_exit xl destroy lab-foreign
on_exit xl destroy lab-other

# six creates at once: one gets it, five are told who has it
for i in 1 2 3 4 5 6; do
	(xlx create "$cfg" >"$tmp/out.$i" 2>"$tmp/err.$i"; echo $? >"$tmp/rc.$i") &
done
wait
[ "$(cat "$tmp"/rc.* | grep -c '^0$')" = 1 ] || fail "not one create won: $(cat "$tmp"/rc.* "$tmp"/err.*)"
[ "$(cat "$tmp"/rc.* | grep -c '^5$')" = 5 ] || fail "not five lost: $(cat "$tmp"/rc.* "$tmp"/err.*)"
[ "$(grep -l "the name 'lab-name' is taken" "$tmp"/err.* | wc -l)" = 5 ] || fail "$(cat "$tmp"/err.*)"
[ "$(xl list | grep -c '^lab-name ')" = 1 ] || fail "$(xl list)"

# taken by another tool's domain
expect_ok xl create "$(tiny_cfg lab-foreign)"
for flag in -n -q; do
	expect_fail 5 xlx create $flag "$(tiny_cfg lab-foreign)"
	err_has "is taken by domain $(xl domid lab-foreign)"
done
# which the other tool renames: the old name is free, the new one is found
expect_ok xl rename lab-foreign lab-other
expect_fail 4 xlx domid lab-foreign
expect_ok xlx domid lab-other
expect_fail 5 xlx create "$(tiny_cfg lab-other)"
expect_ok xlx create "$(tiny_cfg lab-foreign)"
expect_ok xlx destroy --yes lab-foreign
# and ends without our noticing
expect_ok xl destroy lab-other
expect_ok xlx create "$(tiny_cfg lab-other)"
expect_ok xlx destroy --yes lab-other

# two domains with one name: none of them is guessed at
id=$(xl domid lab-name)
expect_ok xl create "$(tiny_cfg lab-foreign)"
other=$(xl domid lab-foreign)
xenstore-write "/local/domain/$other/name" lab-name
xlx list >/dev/null
rm -rf /run/uvp/names
expect_fail 3 xlx pause lab-name
err_has "several domains have the name 'lab-name': $id, $other"
xlx list >/dev/null
expect_fail 3 xlx pause lab-name
expect_fail 5 xlx create "$cfg"
xenstore-write "/local/domain/$other/name" lab-foreign
expect_ok xlx domid lab-name
[ "$(cat "$tmp/out")" = "$id" ] || fail "$(cat "$tmp/out")"

# the folder can be lost at any time
rm -rf /run/uvp/names
expect_fail 5 xlx create "$cfg"
expect_ok xlx domid lab-name
# a claim whose process died before it made anything
mkdir -p /run/uvp/names
ln -sn "11111111-2222-4333-8444-555555555555 -1 1 1" /run/uvp/names/lab-dead
expect_fail 4 xlx domid lab-dead
err_has "its creation was interrupted before anything was made"
[ ! -L /run/uvp/names/lab-dead ] || fail "the dead claim is still there"
