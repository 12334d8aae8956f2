#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx set-parameters: the hypervisor's parameters as its own file system has them.
. "$(dirname "$0")/../lib.sh"
requires xl xlx xenhypfs

value() { xenhypfs cat "/params/$1"; }
expect_ok xlx set-parameters
out_has guest_loglvl
expect_ok xlx set-parameters --json
out_has '{"name":"conswitch","value":"'

before=$(value gnttab_max_frames)
on_exit xlx set-parameters "gnttab_max_frames=$before"
expect_ok xlx set-parameters gnttab_max_frames=77
[ "$(value gnttab_max_frames)" = 77 ] || fail "it is $(value gnttab_max_frames)"
# several at once, as xl takes them
expect_ok xlx set-parameters "gnttab_max_frames=78 gnttab_max_maptrack_frames=$(value gnttab_max_maptrack_frames)"
[ "$(value gnttab_max_frames)" = 78 ] || fail "it is $(value gnttab_max_frames)"

expect_fail 4 xlx set-parameters no-such-thing=1
err_has 'that can be changed now'
expect_fail 4 xlx set-parameters nope
err_has "no parameter 'nope'"
expect_fail 3 xlx set-parameters gnttab_max_frames=many
err_has "cannot be 'many'"
expect_fail 3 xlx set-parameters ../buildinfo/config=1
expect_fail 2 xlx set-parameters --json gnttab_max_frames=1
