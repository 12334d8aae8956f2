# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests of uvp-hostd. Its log is $tmp/hostd.log, over several lives.
# shellcheck disable=SC2154 # tmp comes from tests/lib.sh
requires uvp-hostd xlx xenstore-read

! pgrep -x uvp-hostd >/dev/null || skip "a uvp-hostd runs here already"

hostd_pid=

# start_hostd [OPTION...]: returns when it watches
start_hostd() {
	local seen
	seen=$(grep -c ': started' "$tmp/hostd.log" 2>/dev/null)
	uvp-hostd --config /dev/null -s "dump_dir=$tmp/dumps" -s "failed_dir=$tmp/failed" \
		-s "history_dir=$tmp/history" -s history_size=1M -l debug \
		"$@" >>"$tmp/hostd.log" 2>&1 &
	hostd_pid=$!
	wait_for 60 eval "[ \$(grep -c ': started' '$tmp/hostd.log') -gt ${seen:-0} ]"
}

# end_hostd [SIGNAL]
# shellcheck disable=SC2120 # some tests name the signal
end_hostd() {
	[ -z "$hostd_pid" ] || {
		kill "-${1:-TERM}" "$hostd_pid"
		wait "$hostd_pid"
	} 2>/dev/null
	hostd_pid=
}

logged() { grep -qF -- "$1" "$tmp/hostd.log"; }
wait_logged() { wait_for 90 logged "$1"; }
domid_of() { xl domid "$1" 2>/dev/null; }
is_gone() { ! domid_of "$1"; }
no_notes() { [ -z "$(xenstore-list /uvp/restart 2>/dev/null)" ]; }
show_log() { [ "$1" -eq 0 ] || sed 's/^/  hostd: /' "$tmp/hostd.log"; }

# clean_up: every domain whose name begins with $prefix
clean_up() {
	local name
	end_hostd
	for name in $(xl list | awk -v p="$prefix" 'index($1, p) == 1 { print $1 }'); do
		xlx destroy --yes "$name" >/dev/null 2>&1
	done
	for name in $(xenstore-list /uvp/restart 2>/dev/null); do xenstore-rm "/uvp/restart/$name"; done
}
on_exit clean_up
on_exit eval 'show_log $status'
