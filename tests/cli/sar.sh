#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx sar, and xlx top when it goes back in time: what they refuse. That it reports what was, tests/lab/sar.sh shows.
. "$(dirname "$0")/lib.sh"

run sar --dir "$tmp"
expect_status 4
expect_err_has "cannot open '$tmp/seconds'"
expect_err_has 'uvp-hostd keeps the history'
run top --once --ago 5m --dir "$tmp"
expect_status 4
expect_err_has "cannot open '$tmp/seconds'"
expect_err_has 'uvp-hostd keeps the history'
# what the hint says can be done
read -ra hint < <(sed -n "s/^hint: .*'xlx \([^']*\)'.*/\1/p" "$tmp/err")
run "${hint[@]}" --dir "$tmp"
expect_status 4
expect_err_has "cannot open '$tmp/seconds'"
run top --json --ago 5m
expect_status 2
for also in '--filter cpu>50' '--sort CPU%' '--columns name,cpu' --tree; do
	# shellcheck disable=SC2086 # an option and its value
	run top --json --once $also
	expect_status 2
	expect_err_has "${also%% *} is of the screen; --json tells all figures of all domains"
done
run top --plain --once --count 5
expect_status 2
expect_err_has '--count is for --plain without --once'
run sar web wrong
expect_status 2
expect_err_has "'wrong' is none of host, cpu, mem, disk, net"
run sar --since yesterday
expect_status 2
expect_err_has "'yesterday' is neither a time"
run sar --since 10m --until 20m
expect_status 2
expect_err_has '--since must be before --until'
run sar --since now
expect_status 2
expect_err_has '--since must be before --until'
for until in 2300-01-01 9999-12-31; do
	run sar --dir "$tmp" --since 1500-01-01 --until "$until"
	expect_status 4
	expect_err_has "cannot open '$tmp/seconds'"
done
run sar --step 0
expect_status 2
run sar --step 1500ms
expect_status 2
run sar --csv --json
expect_status 2
for also in --csv --json; do
	run sar --svg - "$also"
	expect_status 2
	expect_err_has 'cannot both go to standard output'
done
run sar --domain cpu web cpu
expect_status 2
expect_err_has 'exclude each other'
echo 'precious' >"$tmp/seconds"
run sar --dir "$tmp"
expect_status 3
expect_err_has 'it begins with something else'
expect_err_has 'uvp-hostd makes a new one'
finish
