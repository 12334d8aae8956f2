#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What --help says: the same form for every command, and word for word what tests/cli/help/COMMAND holds.
# After a change that is meant: `UPDATE=1 tests/cli/help.sh` in the build folder.
. "$(dirname "$0")/lib.sh"
golden=$top_srcdir/tests/cli/help

run --list-commands
sort "$tmp/out" | uniq -d | grep . && _wrong "a command stands in the table twice"

for cmd in $(xlx --list-commands); do
	run "$cmd" --help
	expect_status 0
	expect_err </dev/null
	cp "$tmp/out" "$tmp/help"
	head -n 1 "$tmp/out" | grep -q "^usage: xlx $cmd \[OPTION\]\.\.\." || _wrong "no usage line"
	awk 'length > 80 && FNR > 1' "$tmp/out" | grep . && _wrong "lines longer than 80"
	[ "${UPDATE:-}" ] && cp "$tmp/out" "$golden/$cmd"
	# A command that is younger than its golden file is held to the form alone.
	[ -f "$golden/$cmd" ] && { diff -u "$golden/$cmd" "$tmp/out" || _wrong "the help changed"; }
	for other in "help $cmd" "$cmd -h"; do
		# shellcheck disable=SC2086 # two words
		run $other
		cmp -s "$tmp/out" "$tmp/help" || _wrong "differs from xlx $cmd --help"
	done
	run "$cmd" --no-such-option
	expect_status 2
	expect_err <<-EOF
		xlx $cmd: unknown option '--no-such-option'
		try 'xlx $cmd --help'
	EOF
done
finish
