# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What every test script starts with. `requires CMD` skips without CMD, `on_exit CMD...` undoes things in reverse order
# whatever happens, $tmp is a folder of the test's own.
set -u
export LC_ALL=C

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top_srcdir=${top_srcdir:-$(dirname "$tests_dir")}
top_builddir=${top_builddir:-$PWD}

_on_exit=()
_run_on_exit() {
	local status=$? i
	trap - EXIT
	for ((i = ${#_on_exit[@]} - 1; i >= 0; i--)); do
		eval "${_on_exit[i]}" || true
	done
	if declare -F at_end >/dev/null; then at_end || status=1; fi
	exit "$status"
}
trap _run_on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# on_exit COMMAND ARGUMENT...
on_exit() {
	_on_exit+=("$(printf '%q ' "$@")")
}

skip() {
	echo "skipped: $*"
	exit 77
}

fail() {
	echo "failed: $*"
	exit 1
}

# requires COMMAND...
requires() {
	local cmd
	for cmd in "$@"; do
		command -v "$cmd" >/dev/null 2>&1 || skip "there is no $cmd here"
	done
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/uvp-test.XXXXXX") || exit 1
on_exit rm -rf "$tmp"

# Tests on a real host have more, among it an at_end() that finds what they left behind.
case $(cd "$(dirname "$0")" && pwd) in
"$tests_dir/lab") . "$tests_dir/lab/lib.sh" ;;
esac
