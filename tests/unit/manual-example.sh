#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example of libuvp(3) compiles without a warning, links with libuvp.so alone, and says what is wrong.
. "$(dirname "$0")/../lib.sh"
CC=${CC:-cc}

library=$top_builddir/.libs/libuvp.so
[ -e "$library" ] || fail "$library is not built"
awk '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { exit } inside' "$top_srcdir/man/libuvp.3" |
	sed 's/\\e/\\/g' >"$tmp/end.c"
grep -q 'int main' "$tmp/end.c" || fail "no example found in libuvp(3)"
# shellcheck disable=SC2086 # the compiler's own options
$CC -std=c99 -D_POSIX_C_SOURCE=200809L -pedantic -Wall -Wextra -Werror ${CFLAGS_SAN:-} -I"$top_srcdir/libuvp" \
	-o "$tmp/end" "$tmp/end.c" -L"$top_builddir/.libs" -luvp -Wl,-rpath-link,"$top_builddir/.libs" ||
	fail "it does not compile"
LD_LIBRARY_PATH=$top_builddir/.libs "$tmp/end"
[ $? -eq 2 ] || fail "it does not run"
exit 0
