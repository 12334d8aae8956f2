#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While uvp-hostd watches the names, a list asks xenstored nothing and is right all the same: about domains that
# another tool makes and renames, and after the daemon was killed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires xl strace
prefix=nk-

names() { xlx list | awk 'NR > 1 { print $1 }' | sort | tr '\n' ' '; }
are() { [ "$(names)" = "$1" ]; }
# How often a list talks to xenstored
asked() { strace -f -e trace=connect xlx list 2>&1 >/dev/null | grep -c xenstored/socket; }
asks_nothing() { [ "$(asked)" = 0 ]; }

expect_ok xlx create "$(tiny_cfg nk-ours)"
expect_ok xl create "$(tiny_cfg nk-theirs)"
[ "$(asked)" != 0 ] || fail "without uvp-hostd, nobody was asked"
start_hostd
wait_for 60 asks_nothing
are "Domain-0 nk-ours nk-theirs " || fail "$(names)"

# made and renamed by another tool, meanwhile
expect_ok xl create "$(tiny_cfg nk-more)"
are "Domain-0 nk-more nk-ours nk-theirs " || fail "$(names)"
expect_ok xl rename nk-theirs nk-other
wait_for 60 are "Domain-0 nk-more nk-other nk-ours "
wait_for 60 asks_nothing
expect_fail 5 xlx create "$(tiny_cfg nk-other)"
err_has "the name 'nk-other' is taken by domain $(xl domid nk-other)"
expect_ok xlx create "$(tiny_cfg nk-theirs)"
expect_ok xlx rename nk-ours nk-renamed
are "Domain-0 nk-more nk-other nk-renamed nk-theirs " || fail "$(names)"
expect_ok xl rename nk-more nk-ours
wait_for 60 are "Domain-0 nk-other nk-ours nk-renamed nk-theirs "
expect_ok xl destroy nk-other
are "Domain-0 nk-ours nk-renamed nk-theirs " || fail "$(names)"

# nobody keeps them any more
kill -9 "$hostd_pid"
wait "$hostd_pid" 2>/dev/null
hostd_pid=
expect_ok xl rename nk-ours nk-last
are "Domain-0 nk-last nk-renamed nk-theirs " || fail "$(names)"
[ "$(asked)" != 0 ] || fail "with uvp-hostd dead, nobody was asked"

# and the next one finds what has changed
expect_ok xl rename nk-last nk-again
start_hostd
wait_for 60 asks_nothing
are "Domain-0 nk-again nk-renamed nk-theirs " || fail "$(names)"
