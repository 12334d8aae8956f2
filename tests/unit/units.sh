#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The units that are installed name programs that are installed, and systemd finds nothing wrong with them.
. "$(dirname "$0")/../lib.sh"

n=0
for unit in "$top_builddir"/*/*.service; do
	[ -e "$unit" ] || continue
	n=$((n + 1))
	grep -n '@[a-z_]*@' "$unit" && fail "$unit is not filled in"
	program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
	case $program in
	/*) ;;
	*) fail "$unit starts '$program', which is no absolute path" ;;
	esac
	built=$(find "$(dirname "$unit")" -maxdepth 1 -name "${program##*/}" -type f -perm -u+x)
	[ "$built" ] || fail "$unit starts $program, which is not built here"
	command -v systemd-analyze >/dev/null 2>&1 || continue
	# the program is not installed yet; anything that can be run stands for it
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$unit" >"$tmp/${unit##*/}"
	systemd-analyze verify --man=no "$tmp/${unit##*/}" >"$tmp/said" 2>&1 || fail "systemd says: $(cat "$tmp/said")"
	grep -F "${unit##*/}" "$tmp/said" && fail "systemd warns of $unit"
done
[ $n -gt 0 ] || fail "no unit was built"
exit 0
