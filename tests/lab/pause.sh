#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx pause and unpause: one, several, all; twice; what may not be paused.
. "$(dirname "$0")/../lib.sh"
requires xlx xl setpriv

is_paused() { xl list "$1" | awk -v name="$1" '$1 == name { print $5 }' | grep -q '^..p'; }
runs() { ! is_paused "$1"; }
now() { "$@" || fail "not so: $*"; }

for name in lab-a lab-b; do
	on_exit xlx destroy --yes "$name"
	expect_ok xlx create "$(tiny_cfg "$name")"
done

expect_ok xlx pause lab-a
now is_paused lab-a
now runs lab-b
expect_ok xlx pause lab-a
err_has "domain 'lab-a' is paused already"
expect_ok xlx unpause "$(xl domid lab-a)"
now runs lab-a
expect_ok xlx unpause lab-a
err_has "domain 'lab-a' is running already"

# without xenstored, too, and nothing is said of caps; what is noted of one is read when it stands still
expect_ok env XENSTORED_PATH="$tmp/none" xlx unpause lab-a
! grep -q 'warning' "$tmp/err" || fail "it warns of something: $(cat "$tmp/err")"
expect_ok xlx pause lab-a
expect_ok env XENSTORED_PATH="$tmp/none" xlx unpause lab-a
! grep -q 'warning' "$tmp/err" || fail "it warns of something: $(cat "$tmp/err")"
now runs lab-a
note=/uvp/slowed/$(xl domid lab-a)
on_exit xenstore-rm "$note"
xenstore-write "$note" 'no note'
expect_ok xlx unpause lab-a
! grep -q 'warning' "$tmp/err" || fail "it runs, and was asked for: $(cat "$tmp/err")"
xlx pause lab-a
expect_ok xlx unpause lab-a
err_has "what a killed 'xlx migrate' left stays as it is: '$note' in xenstore does not say by how much"
now runs lab-a

# Xen counts the pauses of other tools; one unpause is enough all the same
xl pause lab-a
xl pause lab-a
expect_ok xlx unpause lab-a
now runs lab-a

expect_ok xlx pause lab-a lab-b
now is_paused lab-a
now is_paused lab-b
expect_ok xlx unpause --all
now runs lab-a
now runs lab-b
expect_ok xlx pause -a
now is_paused lab-a
now is_paused lab-b
expect_ok xlx unpause lab-a lab-b

# a wrong name does not keep the others from being dealt with
expect_fail 4 xlx pause lab-x lab-b
err_has lab-x
now is_paused lab-b
expect_ok xlx unpause lab-b
expect_fail 4 xlx pause 4000
expect_fail 3 xlx pause 0
err_has "domain 0 cannot be paused"
now runs Domain-0
expect_fail 7 setpriv --reuid=65534 --regid=65534 --clear-groups "$(command -v xlx)" pause lab-a
now runs lab-a
