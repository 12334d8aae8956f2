#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While a guest moves, live or suspended, the sender is killed, the receiver is killed, and the connection is cut, at every step: the
# guest goes on on one host, nothing of it is left on the other, and both say so. UVP_LAB_LONG=1 does all of them, and the same with a PV
# guest; otherwise those where the guest changes hands.
. "$(dirname "$0")/../lib.sh"
requires xlx ssh
requires_host_b
[ -n "${UVP_LAB_LONG:-}" ] && all=yes || all=no

name=t-killed here=a there=b live=
on_exit destroy_guest "$name"
on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"
on_exit bash -c "! xlx dumpxml $name >/dev/null 2>&1 || xlx undefine --yes $name"
on_exit on_b bash -c "! xlx dumpxml $name >/dev/null 2>&1 || xlx undefine --yes $name"
on_exit on_b rm -rf "$tmp"
on_b mkdir -p "$tmp"

# on HOST CMD...: run CMD in that host's dom0
on() {
	local host=$1
	shift
	if [ "$host" = a ]; then "$@"; else on_b "$@"; fi
}
# ticks HOST: how far the guest has counted there, 0 when it never was there
ticks() { on "$1" bash -c "tail -c 2000 /var/log/xen/guest-$name.log 2>/dev/null | tr -d '\\r' | sed -n 's/^tick \\([0-9]*\\).*/\\1/p' | tail -n 1"; }
counts() {
	local now
	now=$(ticks "$here")
	[ "${now:-0}" -gt "$1" ]
}
goes_on() {
	local before
	before=$(ticks "$here")
	wait_for 60 counts "${before:-0}"
}
is_gone() { on "$1" bash -c "! xlx domid $name 2>/dev/null && [ -z \"\$(ls -A /var/lib/uvp/incoming)\" ]"; }
# runs_at HOST: there, and nothing of it on the other
runs_at() {
	[ "$1" = "$here" ] || { there=$here here=$1; }
	wait_for 60 is_gone "$there"
	goes_on
}

# As long as it moved it got no memory.
has_limit() { on "$here" xlx list --json "$name" | grep -q '"max_memory_bytes":[1-9]' || fail "$what: its memory is limited still"; }
is_defined_at() { on "$1" grep -qr ">$name<" /var/lib/uvp/domains; }

# Connections: what they do is in the file's name.
script() { # NAME: from standard input, on both hosts
	cat >"$tmp/$1"
	chmod +x "$tmp/$1"
	ssh b "cat >$tmp/$1 && chmod +x $tmp/$1" <"$tmp/$1"
}
script kill <<-'END'
	#!/bin/bash
	# HOST STEP: the receiver is killed there the first time
	step=$(cat "${0%/*}/step") peer=$(cat "${0%/*}/peer")
	: >"${0%/*}/step"
	[ -z "$step" ] || exec ssh "$peer" "UVP_KILL_AT_STEP='$step' xlx migrate-receive"
	exec ssh "$peer" "xlx migrate-receive"
END
script cut <<-'END'
	#!/bin/bash
	# so many bytes go there, or come back, the first time
	step=$(cat "${0%/*}/step") peer=$(cat "${0%/*}/peer")
	: >"${0%/*}/step"
	case $step in
	'') exec ssh "$peer" "xlx migrate-receive" ;;
	to\ *) head -c "${step#to }" | ssh "$peer" "xlx migrate-receive" ;;
	from\ *) ssh "$peer" "xlx migrate-receive" | dd bs=1 count="${step#from }" 2>/dev/null ;;
	esac
END
# move CONNECTION STEP [VAR=VALUE]: try to; its status in rc
move() {
	on "$here" bash -c "printf %s '$2' >$tmp/step; printf %s $there >$tmp/peer"
	# ssh does not tell that a program was killed
	on "$here" bash -c "env $(printf %q "${3:-NOTHING=}") xlx migrate $live --max-downtime 5s --ssh '' $name $tmp/$1; echo \$? >$tmp/rc" >"$tmp/out" 2>"$tmp/err"
	rc=$(on "$here" cat "$tmp/rc")
}
# ends STATUS: how move ended
ends() { [ "$rc" -eq "$1" ] || fail "$what: ended with status $rc, not $1: $(cat "$tmp/err")"; }

# sender STEP STATE: killed there; then the guest runs, or is suspended, or (moved, back) handed over
sender() {
	what="sender killed at '$1'"
	echo "$what"
	move kill '' "UVP_KILL_AT_STEP=$1"
	ends 137
	case $2 in
	running) on "$here" xlx info "$name" >"$tmp/out" || fail "$what: nothing is known of it" ;;
	suspended) on "$here" xlx unpause "$name" || fail "$what: cannot be unpaused" ;;
	*)
		! on "$here" xlx unpause "$name" 2>"$tmp/err" || fail "$what: unpaused, and it may run there"
		err_has "was handed over to host"
		on "$here" xlx migrate --settle "$name" >"$tmp/out" || fail "$what: cannot be settled"
		;;
	esac
	case $2 in
	moved) out_has "runs there"; runs_at $there ;;
	back) out_has "runs here"; runs_at $here ;;
	*) runs_at $here ;;
	esac
	has_limit
}
# receiver STEP STATUS HOST: killed there; the sender ends with STATUS, and the guest is at HOST
receiver() {
	what="receiver killed at '$1'"
	echo "$what"
	move kill "$1"
	ends "$2"
	runs_at "$3"
}
connection() {
	what="connection cut: '$1'"
	echo "$what"
	move cut "$1"
	ends "$2"
	runs_at "$3"
}

# The receiver has decided that it is its own, and has let it run, but nobody could tell anybody.
both() {
	what="both killed"
	echo "$what"
	move kill runs 'UVP_KILL_AT_STEP=said go'
	ends 137
	wait_for 60 on "$there" grep -q taken -r /var/lib/uvp/incoming
	wait_for 60 on "$there" bash -c '! pgrep -f "^xlx migrate-receive"'
	on "$there" xlx pause "$name" || fail "$what: cannot be paused"
	on "$there" xlx unpause "$name" || fail "$what: its host does not know that it has it"
	on "$here" xlx migrate --settle "$name" >"$tmp/out" || fail "$what: cannot be settled"
	out_has "runs there"
	runs_at "$there"
}

# ---- while it runs ----
printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s16 r5 n450"' 'memory = 4' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/$name.cfg"
ssh b "cat >$tmp/$name.cfg" <"$tmp/$name.cfg"
expect_ok xlx create "$tmp/$name.cfg"
goes_on
if [ $all = yes ]; then
	sender 'move noted' running
	sender 'log started' running
	sender 'record sent' running
	sender 'it is ready there' running
	sender 'suspended' suspended
	sender 'all sent' suspended
	receiver 'said yes' 14 $here
	receiver 'name claimed' 14 $here
	receiver 'made' 14 $here
	receiver 'memory starts' 14 $here
	receiver 'said ready' 14 $here
	receiver 'built' 14 $here
	connection 'to 3000' 14 $here
	connection 'to 1000000' 14 $here
	receiver 'runs' 0 $there
	receiver 'said running' 0 $there
fi
sender 'limit set' running
receiver 'nodes made' 14 $here
sender 'handed over' back
receiver 'said built' 14 $here
receiver 'taken' 0 $there
receiver 'settled' 0 $there
sender 'said go' moved
both
# with a definition, which goes first
on "$here" xlx define "$tmp/$name.cfg" >"$tmp/out" 2>&1 || fail "cannot be defined: $(cat "$tmp/out")"
was=$here
sender 'definition gone' moved
is_defined_at "$here" || fail "$what: it is not defined where it is"
! is_defined_at "$was" || fail "$what: it is defined still where it was"
on "$here" xlx undefine --yes "$name" || fail "cannot be undefined"
[ $all = yes ] || exit 0
on "$here" xlx destroy --yes "$name"

# ---- suspended, by libxenguest ----
live=--no-live here=a there=b
printf '%s\n' "name = \"$name\"" 'type = "pv"' 'kernel = "/guests/vmlinux"' 'ramdisk = "/guests/initrd.img"' \
	'cmdline = "console=hvc0 quiet clearcpuid=4 lpj=4000000 cryptomgr.notests"' 'memory = 96' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/$name.cfg"
rm -f "/var/log/xen/guest-$name.log"
on_b rm -f "/var/log/xen/guest-$name.log"
guest_boots "$name" xlx create "$tmp/$name.cfg"
guest_run "$name" 'n=0; (while :; do n=$((n+1)); echo tick $n; sleep 1; done) & echo started'
sender 'suspended' suspended
sender 'record sent' suspended
sender 20 suspended
sender 'all sent' suspended
receiver 'said yes' 14 $here
receiver 'name claimed' 14 $here
receiver 'made' 14 $here
receiver 'built' 14 $here
connection 'to 3000' 14 $here
connection 'to 3000000' 14 $here
connection 'from 135' 0 $there
sender 'runs there' moved
receiver 'runs' 0 $there
receiver 'said running' 0 $there
receiver 'memory starts' 14 $here
sender 'handed over' back
receiver 'said built' 14 $here
receiver 'taken' 0 $there
sender 'said go' moved
both
exit 0
