#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each end of a domain gets what its configuration says, also when it came before uvp-hostd did.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2034 # for hostd.bash
prefix=ha-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"

expect_fail 4 xlx hostd-status
out_has "uvp-hostd does not run"
# ended while nobody looked
expect_ok xlx create "$(tiny_cfg ha-early 'cmdline = "p"')"
err_has "uvp-hostd is not running"
start_hostd -s restart_limit=1 -s dump_free=1000g
expect_ok xlx hostd-status
out_has "uvp-hostd runs: process $hostd_pid"
wait_logged "'ha-early' powered off: on_poweroff=destroy"
wait_for 60 is_gone ha-early

expect_fail 1 uvp-hostd --config /dev/null
err_has "runs already: process $hostd_pid holds"

expect_ok xlx create "$(tiny_cfg ha-keep 'cmdline = "p"' 'on_poweroff = "preserve"')"
expect_ok xlx create "$(tiny_cfg ha-core 'cmdline = "c"' 'on_crash = "coredump-destroy"')"
expect_ok xlx create "$(tiny_cfg ha-dog 'cmdline = "w"' 'on_watchdog = "destroy"')"
expect_ok xlx create "$(tiny_cfg ha-soft 'cmdline = "k"')"
expect_ok xlx create "$(tiny_cfg ha-name 'cmdline = "c"' 'on_crash = "rename-restart"')"

wait_logged "'ha-keep' powered off: on_poweroff=preserve"
wait_logged "'ha-core' is not dumped: that takes"
wait_for 60 is_gone ha-core
[ -z "$(ls "$tmp/dumps")" ] || fail "there is a dump: $(ls "$tmp/dumps")"
wait_for 60 is_gone ha-dog
logged "'ha-dog' was ended by its watchdog: on_watchdog=destroy" || fail "the watchdog was not named"
wait_logged "'ha-soft' was restarted as domain"
wait_logged "'ha-soft' asked for a soft reset; it was restarted 1 times within 60 s"
wait_logged "' is kept as 'ha-name-"
wait_logged "'ha-name' was restarted as domain"
wait_logged "'ha-name' crashed; it was restarted 1 times within 60 s"
wait_for 60 no_notes

expect_ok xlx hostd-status --json
for why in preserve rename-restart restart-limit; do out_has "\"$why\""; done
kept=$(sed -n "s/.* is kept as '\(ha-name-[^']*\)'.*/\1/p" "$tmp/hostd.log")
[ "$(domid_of "$kept")" != "$(domid_of ha-name)" ] || fail "'$kept' and 'ha-name' are one domain"
