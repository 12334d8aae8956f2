#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each public header compiles alone, as strict C99 and as C++.
. "$(dirname "$0")/../lib.sh"
CC=${CC:-cc}
CXX=${CXX:-c++}

strict="-Wall -Wextra -Wundef -Wstrict-prototypes -Werror -pedantic -fsyntax-only -I$top_srcdir/libuvp"
bad=0
for header in uvp.h $(cd "$top_srcdir/libuvp" && echo uvp/*.h); do
	echo "#include <$header>" >"$tmp/alone.c"
	cp "$tmp/alone.c" "$tmp/alone.cc"
	# shellcheck disable=SC2086 # options
	$CC -std=c99 $strict "$tmp/alone.c" || { echo "$header: not C99"; bad=1; }
	if command -v "${CXX%% *}" >/dev/null 2>&1; then
		# shellcheck disable=SC2086
		$CXX -std=c++11 ${strict/-Wstrict-prototypes/} "$tmp/alone.cc" || { echo "$header: not C++"; bad=1; }
	else
		echo "note: no C++ compiler, C++ not tried"
	fi
done
exit "$bad"
