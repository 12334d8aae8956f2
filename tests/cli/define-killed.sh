#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 at every step of what changes definitions: what is there afterwards is the old state or the new one, and
# the same command goes through then.
. "$(dirname "$0")/lib.sh"
export UVP_DATADIR=$top_srcdir/libuvp/config UVP_STATE_DIR=$tmp/state UVP_RUN_DIR=$tmp/run
[ ! -e /dev/xen/privcmd ] || skip "this is a Xen host, whose domains would count"
killed=137

printf 'name = "web"\nkernel = "/k"\nmemory = 64\ndisk = [ "format=raw,vdev=xvda,target=%s" ]\n' "$tmp/web.img" >"$tmp/web.cfg"
printf 'name = "db"\nkernel = "/k"\nmemory = 64\n' >"$tmp/db.cfg"
printf 'image' >"$tmp/web.img"

UVP_KILL_AT_STEP=1 xlx define "$tmp/db.cfg" >/dev/null 2>&1
[ $? -eq $killed ] || skip "this xlx has no fault points (configure --enable-fault-points)"

reset() {
	rm -rf "$UVP_STATE_DIR" "$UVP_RUN_DIR" "$tmp/new.img"
	xlx define "$tmp/db.cfg" >/dev/null || fail "cannot define db"
	[ "$1" = none ] || xlx define "$tmp/web.cfg" >/dev/null || fail "cannot define web"
	[ "$1" != two ] || xlx modify web memory=80 >/dev/null
	[ "$1" != two ] || xlx autostart web on || fail "cannot mark web"
}
# everything that anybody can see of the definitions but UUIDs and times
state() {
	xlx list --defined --json | sed 's/"uuid":"[^"]*"//g'
	for name in web new; do
		xlx dumpxml --xl "$name" 2>/dev/null | grep -v '^uuid'
		xlx history "$name" --json 2>/dev/null | sed 's/"changed":[0-9]*//g'
	done
	xlx autostart --json | sed 's/"uuid":"[^"]*"//g'
}
# what no command may leave, once another one has changed anything
litter() { find "$tmp" -name '.uvp-clone-*' -o -name '.removed-*' -o -name '.new-*' -o -path '*/clones/*' | grep .; }

# check START COMMAND...
check() {
	local from=$1 step rc
	shift
	reset "$from"
	state >"$tmp/old"
	"$@" >"$tmp/out" 2>&1 || fail "$*: $(cat "$tmp/out")"
	state >"$tmp/new"
	for ((step = 1; step < 60; step++)); do
		reset "$from"
		rc=0
		UVP_KILL_AT_STEP=$step "$@" >"$tmp/out" 2>&1 || rc=$?
		[ $rc -ne 0 ] || break
		[ $rc -eq $killed ] || fail "$*, step $step: status $rc: $(cat "$tmp/out")"
		state >"$tmp/now"
		xlx modify db memory=99 >"$tmp/out" 2>&1 || fail "$*, step $step: db is not free: $(cat "$tmp/out")"
		xlx modify db memory=64 >/dev/null
		litter && fail "$*, step $step: left"
		if cmp -s "$tmp/now" "$tmp/old"; then
			[ ! -e "$tmp/new.img" ] || fail "$*, step $step: the image is left"
			"$@" >"$tmp/out" 2>&1 || fail "$*, after step $step: $(cat "$tmp/out")"
		else
			cmp -s "$tmp/now" "$tmp/new" || fail "$*, step $step: neither old nor new: $(diff "$tmp/now" "$tmp/new")"
		fi
		xlx list --defined --json | sed 's/"uuid":"[^"]*"//g' >"$tmp/list"
		head -1 "$tmp/new" | cmp -s - "$tmp/list" || fail "$*, after step $step: $(cat "$tmp/list")"
	done
	((step > 1 && step < 60)) || fail "$* has $step steps?"
	echo "$*: killed at $((step - 1)) steps"
}

edit() { EDITOR='sed -i s/^memory.*/memory=90/' TMPDIR=/tmp xlx edit --xl web; }

check none xlx define "$tmp/web.cfg"
check two xlx define "$tmp/web.cfg"
check two xlx modify web memory=100 on_crash=restart
check two xlx modify web name=new
check two xlx revert web 1
check two xlx undefine --yes web
check two xlx autostart web off
check two xlx autostart web on --order 4
check two xlx clone web new --disk xvda="$tmp/new.img"
on_exit eval 'rm -f /tmp/xlx-edit-*'
check two edit
finish
