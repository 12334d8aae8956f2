#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Manual pages and programs say the same: every command has a page with exactly its options, and xlx(1) lists every
# command and every exit status with the program's words.
. "$(dirname "$0")/lib.sh"
man=$top_srcdir/man
ran="man-sync"

# `.It Fl w , Fl -wait` and `.It Fl -timeout Ar TIME` of the OPTIONS section, as --list-options prints them.
options_of() {
	awk '/^\.Sh / { in_options = $2 == "OPTIONS" } in_options && /^\.It Fl / { print }' "$1" |
		sed -e 's/^\.It //' -e 's/ Ns = *Ns / /g' -e 's/ Ns Ar / Ar /g' -e 's/Fl -/--/g' -e 's/Fl \([^ ]\)/-\1/g' \
			-e 's/Ar //g' -e 's/ ,/,/g' -e 's/\\-/-/g' | sort
}

for cmd in $(xlx --list-commands); do
	page=$man/xlx-$cmd.1
	if [ ! -f "$page" ]; then
		_wrong "there is no man/xlx-$cmd.1"
		continue
	fi
	options_of "$page" >"$tmp/page"
	xlx --list-options "$cmd" | sort >"$tmp/program"
	diff -u --label "man/xlx-$cmd.1" --label "xlx $cmd" "$tmp/page" "$tmp/program" ||
		_wrong "the options of xlx-$cmd(1) and of the program differ"
	grep -q "^\.It .*Xr xlx-$cmd 1" "$man/xlx.1" || _wrong "xlx(1) does not list $cmd"
done
for page in "$man"/xlx-*.1; do
	cmd=$(basename "$page" .1)
	xlx --list-commands | grep -qx "${cmd#xlx-}" || _wrong "$page describes no command"
done

awk '/^\.Sh / { inside = $2 == "EXIT" } inside && /^\.It Er / { sub(/^\.It Er /, ""); status = $0; next }
	inside && status != "" { print status, $0; status = "" }' "$man/xlx.1" >"$tmp/page"
xlx --list-exit-status >"$tmp/program"
diff -u --label "xlx(1) EXIT STATUS" --label "xlx --list-exit-status" "$tmp/page" "$tmp/program" ||
	_wrong "the exit statuses differ"
finish
