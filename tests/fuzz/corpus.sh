#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every fuzz target over the inputs it begins with. With FUZZ_SECONDS, and targets built for libFuzzer, each looks for new
# inputs that long; what breaks it is left in the build folder as tests/fuzz/crash-*.
. "$(dirname "$0")/../lib.sh"
# The schema is not the code under test, and costs more than it.
export UVP_DATADIR=$tmp
failed=0
n=0

for target in "$top_builddir"/tests/fuzz/fuzz_*; do
	case ${target##*/} in *.*) continue ;; esac
	[ -x "$target" ] || continue
	corpus=$top_srcdir/tests/fuzz/corpus/${target##*/fuzz_}
	n=$((n + 1))
	if ! nm "$target" | grep -q LLVMFuzzerRunDriver; then
		"$target" "$corpus" || failed=1
	elif [ "${FUZZ_SECONDS:-}" ]; then
		mkdir -p "$tmp/${target##*/}"
		"$target" -max_total_time="$FUZZ_SECONDS" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
			-artifact_prefix="$top_builddir/tests/fuzz/" "$tmp/${target##*/}" "$corpus" || failed=1
	else
		"$target" -runs=0 "$corpus" || failed=1
	fi
done
[ "$n" -gt 0 ] || fail "no fuzz target is built"
[ "$failed" -eq 0 ] || fail "a target broke on an input"
exit 0
