#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make syntax-check`: the rules of the source that a machine can see. Prints every breach, fails if there is one.
. "$(dirname "$0")/lib.sh"
cd "$top_srcdir" || exit 1

if git rev-parse --show-toplevel 2>/dev/null | grep -qxF "$PWD"; then
	files=$(git ls-files)
else
	# A release: what the build made lies among the sources, or elsewhere.
	files=$(find . \( -path ./build-aux -o -path ./m4 -o -path './_*' -o -path './.[a-z]*' \) -prune -o -type f -print |
		sed 's,^\./,,' | grep -vE '^(aclocal\.m4|configure|config\..*|libtool|Makefile(\.in)?)$')
fi
# A file, because much of this runs in pipes, whose variables are lost.
: >"$tmp/breaches"
breach() {
	echo "$*" | tee -a "$tmp/breaches"
}
report() { # WHAT, lines on standard input
	local line
	while IFS= read -r line; do
		breach "$line: $1"
	done
}
of() { printf '%s\n' "$files" | grep -E "$1" | while IFS= read -r f; do [ -f "$f" ] && echo "$f"; done; }

c_files=$(of '^(libuvp|xlx|hostd|migrated|tls|backends|qmp|gpu|tests|lab)/.*\.[ch]$')
sources=$(of '(\.[chS]|\.sh|\.am|\.ac|\.map|\.bash)$|^lab/(demo|check|bench)$|^tests/summary$')
# in_all FILES CMD...: CMD once for all of them, whose names have no blanks
in_all() { printf '%s\n' "$1" | xargs "${@:2}"; }

# Comments and strings out, lines kept, so that words in them are no breaches.
in_all "$c_files" awk '
	FNR == 1 { in_comment = 0 }
	{
		line = $0; out = ""
		while (line != "") {
			if (in_comment) {
				i = index(line, "*/")
				if (!i) { line = ""; break }
				line = substr(line, i + 2); in_comment = 0
			} else if (match(line, /"([^"\\]|\\.)*"|\/\*|\/\/.*/)) {
				token = substr(line, RSTART, RLENGTH)
				out = out substr(line, 1, RSTART - 1)
				line = substr(line, RSTART + RLENGTH)
				if (token == "/*") in_comment = 1
				else if (token ~ /^"/) out = out "\"\""
			} else { out = out line; line = "" }
		}
		print FILENAME ":" FNR ":" out
	}' >"$tmp/plain"

banned='atoi|atol|atoll|atof|strtol|strtoul|strtoll|strtoull|sprintf|vsprintf|strcpy|strcat|gets|alloca|system|popen'
grep -E "(^|[^A-Za-z0-9_.>])($banned)[[:space:]]*\\(" "$tmp/plain" | report "a banned function"
grep -E 'while \((1|true)\)' "$tmp/plain" | report "endless loops are written for (;;)"
in_all "$c_files" grep -nHE '^#[[:space:]]*include[[:space:]]*<xen(ctrl|guest)' |
	grep -vE '^(libuvp/core/hyp[^/]*\.c|libuvp/(build|cpu|stream)/.*|tests/bench/(floor|cost)\.c):' |
	report "only core/hyp*.c, build/, cpu/ and stream/ may include this"
in_all "$c_files" grep -nHE '^#[[:space:]]*include[[:space:]]*<n?curses' | grep -v '^xlx/top/term_curses\.c:' |
	report "only term_curses.c may"
# A statement that opens something says close-on-exec, or a comment in it says "not close-on-exec" and why.
in_all "$c_files" awk 'FNR == 1 { s = "" } { s = s $0 " " } /;[[:space:]]*$|\{[[:space:]]*$|\}[[:space:]]*$/ {
	t = s; s = ""
	if (t ~ /not close-on-exec/) next
	if ((t ~ /[^A-Za-z0-9_](open|openat)\(/ && t ~ /O_(RDONLY|RDWR|WRONLY|PATH)/ && t !~ /O_CLOEXEC/) ||
	    (t ~ /[^A-Za-z0-9_](socket|socketpair|accept4)\(/ && t !~ /SOCK_CLOEXEC/) ||
	    (t ~ /[^A-Za-z0-9_](pipe|accept|dup|creat)\(/) ||
	    (t ~ /[^A-Za-z0-9_]fopen\(/ && t !~ /"[rwa]b?\+?b?e"/))
		print FILENAME ":" FNR
}' | report "this descriptor is not opened close-on-exec"
in_all "$c_files" awk '{ n[FILENAME] = FNR } END { for (f in n) if (n[f] > 700) print f ": " n[f] " lines" }' |
	report "split it at 700"
# From the brace in column 1 to its partner. A comment right above that has "long:" says why it may be long.
in_all "$c_files" awk '
	FNR == 1 { start = 0; excused = 0; before = "" }
	/^\{/ { start = FNR; name = before; next }
	/^\}/ { if (start && FNR - start - 1 > 80 && !excused)
			print FILENAME ":" start ": " FNR - start - 1 " lines in " name
		start = 0; excused = 0 }
	!start && /long:/ { excused = 1 }
	{ before = $0 }' | report "split functions at 80 lines"

in_all "$sources" awk '{ n[FILENAME] = 1 } FNR <= 3 && /SPDX-License-Identifier:/ { has[FILENAME] = 1 }
	END { for (f in n) if (!(f in has)) print f }' | report "there is no SPDX line"
in_all "$sources" grep -nHE '\b(TODO|FIXME|XXX)\b' | grep -v '^tests/syntax\.sh:' | report "do it or leave it out"
in_all "$sources" grep -nHE '[[:blank:]]$' | cut -d: -f1,2 | report "blanks at the end of the line"

shells=$(of '\.sh$|\.bash$|^lab/(demo|check|bench)$|^tests/summary$|^autogen.sh$|^\.ci/run$')
for f in $shells; do
	bash -n "$f" || breach "$f: not a shell script that can be parsed"
done
if command -v shellcheck >/dev/null 2>&1; then
	# The tests without what they source, which makes it ten times faster; bash -u tells of names that nobody set.
	printf '%s\n' "$shells" | grep -E '^tests/(lab|cli)/.*\.sh$' |
		xargs -P 2 -n 40 shellcheck -e SC1091,SC2154,SC2034 -S warning || breach "shellcheck: see above"
	printf '%s\n' "$shells" | grep -vE '^tests/(lab|cli)/.*\.sh$' |
		xargs shellcheck -x -S warning -P SCRIPTDIR || breach "shellcheck: see above"
else
	echo "note: no shellcheck here"
fi

man_pages=$(of '^man/.*\.[1-9]$')
if command -v mandoc >/dev/null 2>&1; then
	in_all "$man_pages" mandoc -T lint -W warning || breach "mandoc: see above"
else
	echo "note: no mandoc here"
fi

if command -v codespell >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	codespell --ignore-words="$top_srcdir/tests/data/codespell.words" $c_files $man_pages README.md NEWS ||
		breach "codespell: see above"
else
	echo "note: no codespell here"
fi

[ ! -s "$tmp/breaches" ] || fail "$(wc -l <"$tmp/breaches") breaches"
exit 0
