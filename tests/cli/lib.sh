# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of what xlx does without a host. XLX names another xlx, XLX_WRAPPER a program to run it under (valgrind).
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

XLX=${XLX:-$top_builddir/xlx/xlx}
XLX_WRAPPER=${XLX_WRAPPER:-}
[ -x "$XLX" ] || fail "$XLX is not built"
failures=0

xlx() {
	# shellcheck disable=SC2086 # the wrapper has options
	$XLX_WRAPPER "$XLX" "$@"
}

# run ARGUMENT...: run xlx, keep $status and the files $tmp/out and $tmp/err
run() {
	ran="xlx $*"
	xlx "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
}

_wrong() {
	echo "$ran: $*"
	failures=$((failures + 1))
}

# expect_status N
expect_status() {
	[ "$status" -eq "$1" ] || _wrong "exit status $status instead of $1: $(head -3 "$tmp/err")"
}

# expect_out and expect_err: exactly the text on standard input
expect_out() {
	diff -u --label expected --label output - "$tmp/out" || _wrong "standard output differs"
}
expect_err() {
	diff -u --label expected --label errors - "$tmp/err" || _wrong "standard error differs"
}

# expect_out_has and expect_err_has: the text is somewhere in it
expect_out_has() {
	grep -qF -- "$1" "$tmp/out" || _wrong "standard output has no '$1': $(head -5 "$tmp/out")"
}
expect_err_has() {
	grep -qF -- "$1" "$tmp/err" || _wrong "standard error has no '$1': $(head -5 "$tmp/err")"
}

# The last line of every test.
finish() {
	[ "$failures" -eq 0 ] || fail "$failures checks"
	exit 0
}
