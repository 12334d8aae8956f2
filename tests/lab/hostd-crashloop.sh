#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that crashes at once is not restarted for ever, and a restart that cannot be made is tried again, then kept.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2034 # for hostd.bash
prefix=hl-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"

start_hostd -s restart_limit=3 -s create_tries=2
expect_ok xlx create "$(tiny_cfg hl-loop 'cmdline = "c"' 'on_crash = "restart"')"
first=$(sed -n "s/^'hl-loop' is domain //p" "$tmp/out")
wait_logged "'hl-loop' crashed; it was restarted 3 times within 60 s, so it is not restarted again"
[ "$(domid_of hl-loop)" -gt "$first" ] || fail "the domain left is the first one"
[ "$(grep -c "'hl-loop' was restarted as domain" "$tmp/hostd.log")" = 3 ] || fail "it was not restarted 3 times"
expect_ok xlx hostd-status
out_has "'hl-loop' has ended: left as it is: it was restarted too often in a row"
# a new daemon leaves it alone, too
end_hostd KILL
start_hostd -s create_tries=2

# the kernel is gone when it should be restarted
cp /guests/tiny-pvh "$tmp/kernel"
expect_ok xlx create "$(tiny_cfg hl-lost 'cmdline = "r"' "kernel = \"$tmp/kernel\"")" -p
rm "$tmp/kernel"
expect_ok xl unpause hl-lost
wait_logged "'hl-lost' cannot be restarted now (try 1 of 2"
wait_logged "'hl-lost' could not be restarted, and is given up after 2 tries"
logged "start it with 'xlx create $tmp/failed/hl-lost-" || fail "the log does not say how to start it"
wait_for 60 no_notes
expect_ok xlx config-check "$tmp"/failed/hl-lost-*.xml
domid_of hl-loop >/dev/null || fail "'hl-loop' was not left alone"
