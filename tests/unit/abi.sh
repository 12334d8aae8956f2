#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The library exports what tests/data/libuvp.symbols says and what the headers declare, no more and no less.
# After adding a public function: `UPDATE=1 tests/unit/abi.sh` in the build folder writes the list anew.
. "$(dirname "$0")/../lib.sh"
requires nm

library=$top_builddir/.libs/libuvp.so
list=$top_srcdir/tests/data/libuvp.symbols
[ -e "$library" ] || fail "$library is not built"

nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort >"$tmp/exports"
if [ "${UPDATE:-}" ]; then
	cp "$tmp/exports" "$list"
	exit 0
fi
sed 's/@@.*//' "$tmp/exports" | sort -u >"$tmp/names"
grep -v '@@UVP_[0-9]' "$tmp/exports" && fail "exported without a version"
diff -u "$list" "$tmp/exports" || fail "exports changed: add new ones to the list (UPDATE=1), never take one out"

# What is declared is defined, and what is exported is declared.
cat "$top_srcdir"/libuvp/uvp/*.h | tr '\n' ' ' | sed 's/UVP_PUBLIC/\n&/g' |
	sed -n 's/^UVP_PUBLIC[^(]*[ *]\(uvp_[a-z0-9_]*\)(.*/\1/p' | sort -u >"$tmp/declared"
diff -u "$tmp/declared" "$tmp/names" || fail "declarations and exports differ"

baseline=$top_srcdir/tests/data/libuvp.abi
if [ -e "$baseline" ] && command -v abidiff >/dev/null 2>&1; then
	abidiff --no-added-syms "$baseline" "$library" || fail "abidiff: the interface changed"
fi
exit 0
